"""Small networks inside large ones, so that members of different architectures can share one program.

A unit whose incoming and outgoing weights are zero stays zero under SiLU and gets no gradient, and a layer
that is passed over is an identity; so a padded network computes, and learns, exactly what the small one does.
Depth and normalisation become numbers that a program is given, not part of its shape. NumPy pads, on the
host, where no shape is a program to compile.
"""

from typing import Any, cast

import jax
import numpy as np

from bgpbt.agents.networks import perceptron
from bgpbt.agents.networks.architecture import Architecture, Architectures
from bgpbt.agents.networks.member import ActorCritic, Member, SpectralVectors
from bgpbt.errors import InputError

__all__ = ["largest_of", "pad", "pad_member", "unpad_member", "unpad_parameters"]


def largest_of(architectures: list[Architectures]) -> Architectures:
    """Return the smallest pair of architectures into which all can be padded."""

    def largest(shapes: list[Architecture]) -> Architecture:
        return Architecture(
            depth=max(shape.depth for shape in shapes),
            width=max(shape.width for shape in shapes),
            spectral_norm=any(shape.spectral_norm for shape in shapes),
        )

    return Architectures(
        policy=largest([pair.policy for pair in architectures]),
        value=largest([pair.value for pair in architectures]),
    )


def pad(
    network: tuple[perceptron.Parameters, perceptron.Spectral], shape: Architecture, padded_to: Architecture
) -> tuple[perceptron.Parameters, perceptron.PaddedSpectral]:
    """Return a network of architecture `shape` padded to the size of a larger one.

    Raises:
        InputError: it does not fit.
    """
    if shape.depth > padded_to.depth or shape.width > padded_to.width:
        raise InputError(
            f"a network of {shape.depth} x {shape.width} does not fit into "
            f"{padded_to.depth} x {padded_to.width}"
        )
    parameters, spectral = network
    if isinstance(spectral, perceptron.PaddedSpectral):
        raise InputError("the network is padded already")
    nothing = np.zeros(padded_to.width, parameters[0]["bias"].dtype)
    vectors: Any = tuple(
        np.pad(spectral[index], (0, padded_to.width - shape.width)) if index < len(spectral) else nothing
        for index in range(padded_to.depth)
    )
    padded_spectral = perceptron.PaddedSpectral(
        vectors=vectors,
        depth=cast(jax.Array, np.int32(shape.depth)),
        is_normalised=cast(jax.Array, np.bool_(shape.spectral_norm)),
    )
    return _pad_parameters(parameters, padded_to), padded_spectral


def pad_member(member: Member, shapes: Architectures, padded_to: Architectures) -> Member:
    """Return a member whose networks and optimiser moments are padded to the size of larger networks.

    Raises:
        InputError: a network does not fit.
    """
    policy, policy_spectral = pad(
        (member.parameters.policy, member.spectral.policy), shapes.policy, padded_to.policy
    )
    value, value_spectral = pad(
        (member.parameters.value, member.spectral.value), shapes.value, padded_to.value
    )

    def padded(tree: ActorCritic) -> ActorCritic:
        return ActorCritic(
            _pad_parameters(tree.policy, padded_to.policy), _pad_parameters(tree.value, padded_to.value)
        )

    optimiser = member.optimiser
    return member._replace(
        parameters=ActorCritic(policy, value),
        spectral=SpectralVectors(policy_spectral, value_spectral),
        optimiser=optimiser._replace(mu=padded(optimiser.mu), nu=padded(optimiser.nu)),
    )


def unpad_member(member: Member, shapes: Architectures) -> Member:
    """Return the member of the small networks, with what it has learnt since `pad_member`."""

    def unpadded(tree: ActorCritic) -> ActorCritic:
        return ActorCritic(
            unpad_parameters(tree.policy, shapes.policy), unpad_parameters(tree.value, shapes.value)
        )

    optimiser = member.optimiser
    return member._replace(
        parameters=unpadded(member.parameters),
        spectral=SpectralVectors(
            _unpad_spectral(member.spectral.policy, shapes.policy),
            _unpad_spectral(member.spectral.value, shapes.value),
        ),
        optimiser=optimiser._replace(mu=unpadded(optimiser.mu), nu=unpadded(optimiser.nu)),
    )


def unpad_parameters(parameters: perceptron.Parameters, shape: Architecture) -> perceptron.Parameters:
    """Return the parameters of the small network."""
    layers = [*parameters[: shape.depth], parameters[-1]]
    width, last = shape.width, len(layers) - 1
    return tuple(
        {
            "kernel": layer["kernel"][
                slice(None) if index == 0 else slice(width), slice(None) if index == last else slice(width)
            ],
            "bias": layer["bias"][slice(None) if index == last else slice(width)],
        }
        for index, layer in enumerate(layers)
    )


def _unpad_spectral(spectral: perceptron.Spectral, shape: Architecture) -> perceptron.Spectral:
    assert isinstance(spectral, perceptron.PaddedSpectral)
    if not shape.spectral_norm:
        return ()
    return tuple(vector[: shape.width] for vector in spectral.vectors[: shape.depth])


def _pad_parameters(parameters: perceptron.Parameters, padded_to: Architecture) -> perceptron.Parameters:
    *hidden, output = parameters
    inputs, outputs = parameters[0]["kernel"].shape[0], output["kernel"].shape[1]
    rows = [inputs] + [padded_to.width] * (padded_to.depth - 1)
    dtype = output["kernel"].dtype
    layers: list[Any] = [
        _pad_layer(hidden[index], (rows[index], padded_to.width))
        if index < len(hidden)
        else {
            "kernel": np.zeros((rows[index], padded_to.width), dtype),
            "bias": np.zeros(padded_to.width, dtype),
        }
        for index in range(padded_to.depth)
    ]
    return (*layers, _pad_layer(output, (padded_to.width, outputs)))


def _pad_layer(layer: dict[str, jax.Array], shape: tuple[int, int]) -> dict[str, Any]:
    rows, columns = layer["kernel"].shape
    return {
        "kernel": np.pad(layer["kernel"], ((0, shape[0] - rows), (0, shape[1] - columns))),
        "bias": np.pad(layer["bias"], (0, shape[1] - columns)),
    }
