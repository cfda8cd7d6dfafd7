"""Multilayer perceptrons with SiLU and spectral normalisation, as pure functions.

Spectral normalisation divides a kernel by its largest singular value, which one power iteration for each
forward pass tracks (Miyato et al., 2018, algorithm 1). It is applied to hidden layers only (Bjorck et al.,
2021): a normalised output layer would bound the values that the value network can express.

A network is two trees. `Parameters` are learnt; `Spectral` holds the left singular vectors, which follow
the kernels and are no parameters. A network inside a larger one (`bgpbt.agents.networks.padding`) also keeps
there how many of its layers are real.
"""

from itertools import pairwise
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from bgpbt.agents.networks.activations import silu
from bgpbt.agents.networks.architecture import Architecture
from bgpbt.xla import kept, on_cpu

__all__ = [
    "PaddedSpectral",
    "Parameters",
    "Spectral",
    "apply",
    "initialise",
    "kernel_gradient",
    "spectral_step",
]

Parameters: TypeAlias = tuple[dict[str, jax.Array], ...]
"""For each layer `kernel` (inputs, outputs) and `bias` (outputs,)."""


class PaddedSpectral(NamedTuple):
    """What a padded network has beside its parameters."""

    vectors: tuple[jax.Array, ...]  # for each hidden layer (outputs,), 0 where nothing is real
    depth: jax.Array  # hidden layers that are real; the others are passed over
    is_normalised: jax.Array


Spectral: TypeAlias = tuple[jax.Array, ...] | PaddedSpectral
"""For each normalised hidden layer a unit vector (outputs,); empty without spectral normalisation."""

_FEW_OUTPUTS = 24  # at most so many: a layer's slope is cheaper to transpose than its inputs
_MANY_INPUTS = 4  # for each output, more than so many: likewise
_SMALLEST_NORM = 1e-12  # keeps the power iteration finite on a kernel of zeros


def initialise(
    rng: np.random.Generator,
    architecture: Architecture,
    inputs: int,
    outputs: int,
    *,
    output_scale: float = 1.0,
) -> tuple[Parameters, Spectral]:
    """Draw a network: LeCun-uniform kernels, zero biases, random unit singular vectors.

    The kernel of the last layer is multiplied by `output_scale`. The arrays are NumPy's: in JAX every shape
    that is drawn would be a program to compile.
    """
    sizes = (inputs, *[architecture.width] * architecture.depth, outputs)
    parameters: Any = tuple(
        {
            "kernel": rng.uniform(-1.0, 1.0, (rows, columns)).astype(np.float32) * np.float32(bound),
            "bias": np.zeros(columns, np.float32),
        }
        for rows, columns in pairwise(sizes)
        for bound in [np.sqrt(3.0 / rows)]  # of a uniform distribution with variance 1 / rows
    )
    parameters[-1]["kernel"] *= np.float32(output_scale)
    if not architecture.spectral_norm:
        return parameters, ()
    direction_lo = rng.normal(size=(architecture.depth, architecture.width))
    vectors: Any = tuple(
        (direction_o / np.linalg.norm(direction_o)).astype(np.float32) for direction_o in direction_lo
    )
    return parameters, vectors


def apply(parameters: Parameters, spectral: Spectral, input_bi: jax.Array) -> jax.Array:
    """Return the network's outputs: (batch, inputs) -> (batch, outputs)."""
    if isinstance(spectral, PaddedSpectral):
        return _apply_padded(parameters, spectral, input_bi)
    *hidden_layers, output_layer = parameters
    activation_bh = input_bi
    for index, layer in enumerate(hidden_layers):
        kernel = layer["kernel"]
        if spectral:
            kernel = kernel / _largest_singular_value(kernel, spectral[index])
        activation_bh = silu(_affine(activation_bh, kernel, layer["bias"]))
    return _affine(activation_bh, output_layer["kernel"], output_layer["bias"])


def spectral_step(parameters: Parameters, spectral: Spectral) -> Spectral:
    """Return the singular vectors after one power iteration on the current kernels."""
    if isinstance(spectral, PaddedSpectral):
        return spectral._replace(vectors=_stepped(parameters, spectral.vectors))
    return _stepped(parameters, spectral)


def kernel_gradient(input_bi: jax.Array, slope_bo: jax.Array) -> jax.Array:
    """Return input^T slope.

    On a CPU one of the two is transposed first, since XLA's product with a matrix that it has to transpose
    itself takes twice as long: the slope where it is narrow, or much narrower than the input.
    """
    inputs, outputs = input_bi.shape[1], slope_bo.shape[1]
    if on_cpu() and (outputs <= _FEW_OUTPUTS or outputs * _MANY_INPUTS < inputs):
        return kept(kept(slope_bo.T) @ input_bi).T
    return kept(input_bi.T) @ slope_bo


def _apply_padded(parameters: Parameters, spectral: PaddedSpectral, input_bi: jax.Array) -> jax.Array:
    *hidden_layers, output_layer = parameters
    activation_bh = input_bi
    for index, (layer, vector) in enumerate(zip(hidden_layers, spectral.vectors, strict=True)):
        norm = _largest_singular_value(layer["kernel"], vector)
        kernel = layer["kernel"] / jnp.where(spectral.is_normalised, norm, 1.0)
        next_bh = silu(_affine(activation_bh, kernel, layer["bias"]))
        # The first layer is always real, and what comes in may be of another width.
        activation_bh = next_bh if index == 0 else jnp.where(index < spectral.depth, next_bh, activation_bh)
    return _affine(activation_bh, output_layer["kernel"], output_layer["bias"])


@jax.custom_vjp
def _affine(input_bi: jax.Array, kernel_io: jax.Array, bias_o: jax.Array) -> jax.Array:
    return input_bi @ kernel_io + bias_o


def _affine_forward(
    input_bi: jax.Array, kernel_io: jax.Array, bias_o: jax.Array
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return _affine(input_bi, kernel_io, bias_o), (input_bi, kernel_io)


def _affine_backward(
    saved: tuple[jax.Array, jax.Array], slope_bo: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array]:
    input_bi, kernel_io = saved
    return slope_bo @ kernel_io.T, kernel_gradient(input_bi, slope_bo), jnp.sum(slope_bo, axis=0)


_affine.defvjp(_affine_forward, _affine_backward)


def _stepped(parameters: Parameters, vectors: tuple[jax.Array, ...]) -> tuple[jax.Array, ...]:
    return tuple(
        _power_iteration(layer["kernel"], vector)[0]
        for layer, vector in zip(parameters, vectors, strict=False)  # the output layer has no vector
    )


def _largest_singular_value(kernel_io: jax.Array, vector_o: jax.Array) -> jax.Array:
    """Miyato et al. (2018), eq. 19; the vectors count as constants in the gradient."""
    right_o, left_i = jax.lax.stop_gradient(_power_iteration(kernel_io, vector_o))
    return jnp.maximum(left_i @ kernel_io @ right_o, _SMALLEST_NORM)


def _power_iteration(kernel_io: jax.Array, vector_o: jax.Array) -> tuple[jax.Array, jax.Array]:
    left_i = _unit(kernel_io @ vector_o)
    return _unit(left_i @ kernel_io), left_i


def _unit(vector: jax.Array) -> jax.Array:
    return vector / jnp.maximum(jnp.linalg.norm(vector), _SMALLEST_NORM)
