"""The policy's distribution over actions: a normal squashed by tanh.

The network gives 2A numbers for A actuators: means, and scales before softplus. Everything is computed on
the action BEFORE tanh, since its inverse loses precision near +-1. The log-determinant of tanh is written
as 2 (log 2 - x - softplus(-2x)), which is exact for large |x| where log(1 - tanh(x)^2) is not
(Haarnoja et al., 2018, appendix C, gives the density).
"""

import math

import jax
import jax.numpy as jnp

__all__ = ["entropy", "kl_divergence", "log_prob", "sample"]

_SMALLEST_SCALE = 0.001  # the paper's; keeps the density finite
_HALF_LOG_TWO_PI = 0.5 * math.log(2.0 * math.pi)


def sample(key: jax.Array, logits_bl: jax.Array) -> jax.Array:
    """Draw actions before tanh: (batch, 2A) -> (batch, A)."""
    mean_ba, scale_ba = _mean_and_scale(logits_bl)
    return mean_ba + scale_ba * jax.random.normal(key, mean_ba.shape)


def log_prob(logits_bl: jax.Array, unsquashed_ba: jax.Array) -> jax.Array:
    """Log-density of tanh(unsquashed): (batch, 2A), (batch, A) -> (batch,)."""
    mean_ba, scale_ba = _mean_and_scale(logits_bl)
    standardised_ba = (unsquashed_ba - mean_ba) / scale_ba
    normal_ba = -0.5 * standardised_ba**2 - jnp.log(scale_ba) - _HALF_LOG_TWO_PI
    return jnp.sum(normal_ba - _log_tanh_slope(unsquashed_ba), axis=-1)


def entropy(key: jax.Array, logits_bl: jax.Array) -> jax.Array:
    """Unbiased one-sample estimate of the entropy, in nats: (batch, 2A) -> (batch,).

    The normal's part is exact; only the expected log-slope of tanh is sampled.
    """
    _, scale_ba = _mean_and_scale(logits_bl)
    normal_ba = 0.5 + _HALF_LOG_TWO_PI + jnp.log(scale_ba)
    return jnp.sum(normal_ba + _log_tanh_slope(sample(key, logits_bl)), axis=-1)


def kl_divergence(teacher_bl: jax.Array, student_bl: jax.Array) -> jax.Array:
    """KL(teacher || student) in nats: (batch, 2A), (batch, 2A) -> (batch,).

    That of the normals before tanh, since a bijection of both does not change it.
    """
    teacher_mean_ba, teacher_scale_ba = _mean_and_scale(teacher_bl)
    mean_ba, scale_ba = _mean_and_scale(student_bl)
    spread_ba = (teacher_scale_ba**2 + (teacher_mean_ba - mean_ba) ** 2) / (2.0 * scale_ba**2)
    return jnp.sum(jnp.log(scale_ba / teacher_scale_ba) + spread_ba - 0.5, axis=-1)


def _mean_and_scale(logits_bl: jax.Array) -> tuple[jax.Array, jax.Array]:
    mean_ba, unscaled_ba = jnp.split(logits_bl, 2, axis=-1)
    return mean_ba, jax.nn.softplus(unscaled_ba) + _SMALLEST_SCALE


def _log_tanh_slope(x: jax.Array) -> jax.Array:
    return 2.0 * (math.log(2.0) - x - jax.nn.softplus(-2.0 * x))
