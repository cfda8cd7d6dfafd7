"""Running mean and variance of observations.

Batches are merged by the parallel form of Welford's update (Chan, Golub and LeVeque, 1979), which does not
cancel as a difference of sums of squares would in float32.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

__all__ = ["CLIP", "Normaliser", "fresh", "merge", "normalise", "statistics"]

CLIP = 5.0  # in standard deviations; the paper's
_SMALLEST_DEVIATION = 1e-6  # an input that never changes is left at zero, not blown up


class Normaliser(NamedTuple):
    """Statistics of all observations seen so far."""

    observation_count: jax.Array  # (), number of observations
    mean_o: jax.Array  # (observation,)
    squares_o: jax.Array  # (observation,), summed squared deviations from the mean


def fresh(observation_size: int) -> Normaliser:
    """Return the statistics of nothing; they normalise as mean 0 and deviation 1."""
    nothing_o: Any = np.zeros(observation_size, np.float32)  # NumPy's: JAX's would be programs to compile
    return Normaliser(np.zeros((), np.float32), nothing_o, nothing_o.copy())  # type: ignore[arg-type]


def merge(first: Normaliser, second: Normaliser) -> Normaliser:
    """Return the statistics of two sets of observations together."""
    count = first.observation_count + second.observation_count
    weight = second.observation_count / jnp.maximum(count, 1.0)
    shift_o = second.mean_o - first.mean_o
    return Normaliser(
        observation_count=count,
        mean_o=first.mean_o + weight * shift_o,
        squares_o=first.squares_o + second.squares_o + first.observation_count * weight * shift_o**2,
    )


def statistics(observation_bo: jax.Array) -> Normaliser:
    """Return the statistics of one batch: (batch, observation)."""
    mean_o = jnp.mean(observation_bo, axis=0)
    squares_o = jnp.sum((observation_bo - mean_o) ** 2, axis=0)
    return Normaliser(jnp.float32(observation_bo.shape[0]), mean_o, squares_o)


def normalise(normaliser: Normaliser, observation_bo: jax.Array) -> jax.Array:
    """Return observations in standard deviations from the mean, clipped to [-5, 5]."""
    variance_o = normaliser.squares_o / jnp.maximum(normaliser.observation_count, 1.0)
    deviation_o = jnp.where(normaliser.observation_count > 0, jnp.sqrt(variance_o), 1.0)
    scaled_bo = (observation_bo - normaliser.mean_o) / jnp.maximum(deviation_o, _SMALLEST_DEVIATION)
    return jnp.clip(scaled_bo, -CLIP, CLIP)
