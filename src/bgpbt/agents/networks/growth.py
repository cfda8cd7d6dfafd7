"""A larger network that computes what a smaller one does: wider, deeper or both.

After Net2Net (Chen et al., 2016). New units get random incoming weights and outgoing weights of zero, so they
change nothing at first and learn at once. A new layer passes its input on by x = silu(x) - silu(-x), which
takes two units for each unit passed on: a deeper network must be at least twice as wide as the old one.

With spectral normalisation new incoming weights are orthogonal to the left singular vector that is tracked,
so the estimate of the norm stays; what a new layer's own norm divides by, the output layer, which is not
normalised, multiplies with.
"""

from typing import Any

import jax
import numpy as np

from bgpbt.agents.networks import perceptron
from bgpbt.agents.networks.architecture import Architecture, Architectures
from bgpbt.agents.networks.member import ActorCritic, Member, SpectralVectors, optimiser_at_rest
from bgpbt.arrays import Floats32
from bgpbt.errors import InputError
from bgpbt.space.network_shapes import NetworkShape, growth_applies

__all__ = ["check_growth", "grow", "grow_member"]

Network = tuple[perceptron.Parameters, perceptron.Spectral]
Layer = dict[str, Any]
"""`kernel` and `bias`, of NumPy's arrays: growth would be a program for each pair of sizes."""


def check_growth(old: Architecture, new: Architecture, *, network: str) -> None:
    """Check that growth applies.

    Raises:
        InputError: it does not; the text names both architectures.
    """
    shapes = (NetworkShape(shape.depth, shape.width, shape.spectral_norm) for shape in (old, new))
    if not growth_applies(*shapes):
        raise InputError(
            f"the {network} network cannot grow from {old.depth} x {old.width} to {new.depth} x {new.width} "
            f"(spectral norm {old.spectral_norm} to {new.spectral_norm}): it must not shrink, must keep its "
            f"normalisation, and must double its width to become deeper"
        )


def grow(network: Network, new: Architecture, random: np.random.Generator) -> Network:
    """Return a network of the new architecture with the same outputs; growth must apply."""
    parameters, spectral = jax.tree.map(np.asarray, network)
    assert not isinstance(spectral, perceptron.PaddedSpectral), "networks grow at their own size"
    depth, width = len(parameters) - 1, parameters[-1]["kernel"].shape[0]
    inputs, outputs = parameters[0]["kernel"].shape[0], parameters[-1]["kernel"].shape[1]
    fresh, _ = perceptron.initialise(random, new, inputs, outputs)
    grown: list[Layer] = []
    vectors: list[Any] = []
    for index in range(depth):
        vector = spectral[index] if spectral else None
        grown.append(_widened(parameters[index], fresh[index], vector))
        if vector is not None:
            vectors.append(np.pad(vector, (0, new.width - width)))
    output = parameters[-1]["kernel"]
    for index in range(depth, new.depth):
        layer = _passing_on(width, fresh[index], is_first=index == depth)
        grown.append(layer)
        if spectral:
            vector, norm = _largest_singular(layer["kernel"])
            vectors.append(vector)
            output = output * norm
    if new.depth > depth:
        output = np.concatenate([output, -output])
    output = np.pad(output, ((0, new.width - output.shape[0]), (0, 0)))
    grown.append({"kernel": output, "bias": parameters[-1]["bias"]})
    return tuple(grown), tuple(vectors)


def grow_member(member: Member, new: Architectures, random: np.random.Generator) -> Member:
    """Return a member with grown networks; its optimiser is at rest, all else goes on."""
    policy, policy_spectral = grow((member.parameters.policy, member.spectral.policy), new.policy, random)
    value, value_spectral = grow((member.parameters.value, member.spectral.value), new.value, random)
    parameters = ActorCritic(policy, value)
    return member._replace(
        parameters=parameters,
        spectral=SpectralVectors(policy_spectral, value_spectral),
        optimiser=optimiser_at_rest(parameters),
    )


def _widened(old: Layer, fresh: Layer, vector: Floats32 | None) -> Layer:
    """Put an old layer into a fresh, larger one; from new inputs to old units nothing flows."""
    rows, columns = old["kernel"].shape
    kernel = fresh["kernel"]
    kernel[:rows, :columns], kernel[rows:, :columns] = old["kernel"], 0.0
    if vector is not None:
        left = old["kernel"] @ vector
        left = np.pad(left / np.linalg.norm(left), (0, kernel.shape[0] - rows))
        new_columns = kernel[:, columns:]
        kernel[:, columns:] = new_columns - np.outer(left, left @ new_columns)
    return {"kernel": kernel, "bias": np.pad(old["bias"], (0, kernel.shape[1] - columns))}


def _passing_on(width: int, fresh: Layer, *, is_first: bool) -> Layer:
    """Return a layer whose first 2 x width units are +x and -x of the x that comes in; the rest are fresh.

    The first such layer reads x itself, a later one the pair silu(x), silu(-x), whose difference is x.
    """
    identity = np.eye(width, dtype=np.float32)
    block = np.concatenate([identity, -identity], axis=1)
    block = block if is_first else np.concatenate([block, -block], axis=0)
    kernel = fresh["kernel"]
    kernel[: block.shape[0], : 2 * width], kernel[block.shape[0] :, : 2 * width] = block, 0.0
    return {"kernel": kernel, "bias": np.zeros_like(fresh["bias"])}


def _largest_singular(kernel_io: Floats32) -> tuple[Floats32, np.float32]:
    """Return the right singular vector (outputs,) of the largest singular value, and the value."""
    _, value_s, right_so = np.linalg.svd(kernel_io, full_matrices=False)
    return right_so[0], value_s[0]
