"""A larger network that computes what a smaller one does: wider, deeper or both.

After Net2Net (Chen et al., 2016). New units get random incoming weights and outgoing weights of zero, so they
change nothing at first and learn at once. A new layer passes its input on by x = silu(x) - silu(-x), which
takes two units for each unit passed on: a deeper network must be at least twice as wide as the old one.

With spectral normalisation new incoming weights are orthogonal to the left singular vector that is tracked,
so the estimate of the norm stays; what a new layer's own norm divides by, the output layer, which is not
normalised, multiplies with.
"""

import jax
import jax.numpy as jnp
import optax

from bgpbt.agents import networks
from bgpbt.agents.architecture import Architecture, Architectures
from bgpbt.agents.member import ActorCritic, Member, SpectralVectors
from bgpbt.errors import InputError

__all__ = ["check_growth", "grow", "grow_member", "growth_applies"]

Network = tuple[networks.Parameters, networks.Spectral]


def growth_applies(old: Architecture, new: Architecture) -> bool:
    """Return whether a network of the new architecture can compute what one of the old one does."""
    if new.spectral_norm != old.spectral_norm or new.width < old.width or new.depth < old.depth:
        return False
    return new.depth == old.depth or new.width >= 2 * old.width


def check_growth(old: Architecture, new: Architecture, *, network: str) -> None:
    """Check that growth applies.

    Raises:
        InputError: it does not; the text names both architectures.
    """
    if not growth_applies(old, new):
        raise InputError(
            f"the {network} network cannot grow from {old.depth} x {old.width} to {new.depth} x {new.width} "
            f"(spectral norm {old.spectral_norm} to {new.spectral_norm}): it must not shrink, must keep its "
            f"normalisation, and must double its width to become deeper"
        )


def grow(network: Network, new: Architecture, key: jax.Array) -> Network:
    """Return a network of the new architecture with the same outputs; growth must apply."""
    parameters, spectral = network
    assert not isinstance(spectral, networks.PaddedSpectral), "networks grow at their own size"
    depth, width = len(parameters) - 1, parameters[-1]["kernel"].shape[0]
    inputs, outputs = parameters[0]["kernel"].shape[0], parameters[-1]["kernel"].shape[1]
    fresh, _ = networks.initialise(key, new, inputs, outputs)
    grown: list[dict[str, jax.Array]] = []
    vectors: list[jax.Array] = []
    for index in range(depth):
        vector = spectral[index] if spectral else None
        grown.append(_widened(parameters[index], fresh[index], vector))
        if vector is not None:
            vectors.append(jnp.pad(vector, (0, new.width - width)))
    output = parameters[-1]["kernel"]
    for index in range(depth, new.depth):
        layer = _passing_on(width, fresh[index], is_first=index == depth)
        grown.append(layer)
        if spectral:
            vector, norm = _largest_singular(layer["kernel"])
            vectors.append(vector)
            output = output * norm
    if new.depth > depth:
        output = jnp.concatenate([output, -output])
    output = jnp.pad(output, ((0, new.width - output.shape[0]), (0, 0)))
    grown.append({"kernel": output, "bias": parameters[-1]["bias"]})
    return tuple(grown), tuple(vectors)


def grow_member(member: Member, new: Architectures, key: jax.Array) -> Member:
    """Return a member with grown networks; its optimiser is at rest, all else goes on."""
    policy_key, value_key = jax.random.split(key)
    policy, policy_spectral = grow((member.parameters.policy, member.spectral.policy), new.policy, policy_key)
    value, value_spectral = grow((member.parameters.value, member.spectral.value), new.value, value_key)
    parameters = ActorCritic(policy, value)
    return member._replace(
        parameters=parameters,
        spectral=SpectralVectors(policy_spectral, value_spectral),
        optimiser=optax.scale_by_adam().init(parameters),
    )


def _widened(
    old: dict[str, jax.Array], fresh: dict[str, jax.Array], vector: jax.Array | None
) -> dict[str, jax.Array]:
    """Put an old layer into a fresh, larger one; from new inputs to old units nothing flows."""
    rows, columns = old["kernel"].shape
    kernel = fresh["kernel"].at[:rows, :columns].set(old["kernel"]).at[rows:, :columns].set(0.0)
    if vector is not None:
        left = old["kernel"] @ vector
        left = jnp.pad(left / jnp.linalg.norm(left), (0, kernel.shape[0] - rows))
        new_columns = kernel[:, columns:]
        kernel = kernel.at[:, columns:].set(new_columns - jnp.outer(left, left @ new_columns))
    return {"kernel": kernel, "bias": jnp.pad(old["bias"], (0, kernel.shape[1] - columns))}


def _passing_on(width: int, fresh: dict[str, jax.Array], *, is_first: bool) -> dict[str, jax.Array]:
    """Return a layer whose first 2 x width units are +x and -x of the x that comes in; the rest are fresh.

    The first such layer reads x itself, a later one the pair silu(x), silu(-x), whose difference is x.
    """
    identity = jnp.eye(width)
    block = jnp.concatenate([identity, -identity], axis=1)
    block = block if is_first else jnp.concatenate([block, -block], axis=0)
    rows = fresh["kernel"].shape[0]
    kernel = fresh["kernel"].at[:, : 2 * width].set(jnp.pad(block, ((0, rows - block.shape[0]), (0, 0))))
    return {"kernel": kernel, "bias": jnp.zeros_like(fresh["bias"])}


def _largest_singular(kernel_io: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Return the right singular vector (outputs,) of the largest singular value, and the value."""
    _, value_s, right_so = jnp.linalg.svd(kernel_io, full_matrices=False)
    return right_so[0], value_s[0]
