"""The policy's distribution over a box of actions: a normal squashed by tanh.

The network gives 2A numbers for A actuators: means, and scales before softplus. Everything is computed on
the action BEFORE tanh, since its inverse loses precision near +-1; that is the action that is stored. The
log-determinant of tanh is written as 2 (log 2 - x - softplus(-2x)), which is exact for large |x| where
log(1 - tanh(x)^2) is not (Haarnoja et al., 2018, appendix C, gives the density).
"""

import math
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from bgpbt.agents.networks.activations import softplus
from bgpbt.xla import kept

__all__ = ["Box", "SquashedNormal", "standard_normal"]

_SMALLEST_SCALE = 0.001  # the paper's; keeps the density finite
_HALF_LOG_TWO_PI = 0.5 * math.log(2.0 * math.pi)


class SquashedNormal(NamedTuple):
    """Distributions of a batch of actions.

    Actuators come first: there are few of them, and a CPU computes fast along a long last axis only.
    """

    mean_ab: jax.Array  # before tanh
    scale_ab: jax.Array

    def sample(self, key: jax.Array, /) -> jax.Array:
        """Draw actions before tanh: (batch, A)."""
        actuators, batch = self.mean_ab.shape
        return self._moved(standard_normal(key, batch, actuators)).T

    def mode(self) -> jax.Array:
        """Return the means, before tanh: (batch, A)."""
        return self.mean_ab.T

    def log_prob(self, unsquashed_ba: jax.Array, /) -> jax.Array:
        """Return the log-density of actions before tanh: (batch, A) -> (batch,).

        That after tanh differs by the log-slope of tanh, which is the same for every policy: the ratio of two
        policies' densities, which is all that learning needs, does not have it.
        """
        standardised_ab = (unsquashed_ba.T - self.mean_ab) / self.scale_ab
        # A loop that adds up computes number by number, and would compute the logarithms so too.
        log_density_ab = kept(-0.5 * standardised_ab**2 - jnp.log(self.scale_ab) - _HALF_LOG_TWO_PI)
        return jnp.sum(log_density_ab, axis=0)

    def entropy(self, noise_ba: jax.Array, /) -> jax.Array:
        """Return an unbiased one-sample estimate, in nats: (batch, A) standard normal noise -> (batch,).

        The normal's part is exact; only the expected log-slope of tanh is sampled.
        """
        normal_ab = 0.5 + _HALF_LOG_TWO_PI + jnp.log(self.scale_ab)
        return jnp.sum(normal_ab + _log_tanh_slope(self._moved(noise_ba)), axis=0)

    def kl_divergence(self, student: "SquashedNormal", /) -> jax.Array:
        """Return KL(self || student) in nats: (batch,).

        That of the normals before tanh, since a bijection of both does not change it.
        """
        squares_ab = self.scale_ab**2 + (self.mean_ab - student.mean_ab) ** 2
        spread_ab = squares_ab / (2.0 * student.scale_ab**2)
        return jnp.sum(jnp.log(student.scale_ab / self.scale_ab) + spread_ab - 0.5, axis=0)

    def _moved(self, noise_ba: jax.Array) -> jax.Array:
        """Return the actions before tanh that noise stands for, actuators first."""
        return self.mean_ab + self.scale_ab * noise_ba.T


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """Numbers in [-1, 1], one for each actuator; an `ActionSpace` (`bgpbt.agents.networks.action_space`)."""

    name: ClassVar[str] = "tanh_normal"
    output_scale: ClassVar[float] = 1.0  # as Brax has it

    actuators: int

    @property
    def outputs(self) -> int:
        """Means and scales."""
        return 2 * self.actuators

    @property
    def columns(self) -> int:
        """An action before tanh."""
        return self.actuators

    @property
    def noise_columns(self) -> int:
        """Standard normal noise."""
        return self.actuators

    @property
    def shape(self) -> tuple[int, ...]:
        """One number for each actuator."""
        return (self.actuators,)

    def from_logits(self, logits_bl: jax.Array, /) -> SquashedNormal:
        """Return the distributions that a policy's outputs stand for: (batch, 2A)."""
        mean_ab, unscaled_ab = _halves(logits_bl.T)
        return SquashedNormal(mean_ab, softplus(unscaled_ab) + _SMALLEST_SCALE)

    def noise(self, key: jax.Array, batch: int, /) -> jax.Array:
        """Draw noise for a batch of entropies: (batch, A)."""
        return standard_normal(key, batch, self.actuators)

    def performed(self, unsquashed_ba: jax.Array, /) -> jax.Array:
        """Return actions in [-1, 1]: (batch, A)."""
        return jnp.tanh(unsquashed_ba)


def standard_normal(key: jax.Array, batch: int, actuators: int) -> jax.Array:
    """Draw noise: (batch, A)."""
    # As one long row: rows of 6 or 10 a CPU computes number by number, which takes four times as long.
    return kept(jax.random.normal(key, (batch * actuators,))).reshape(batch, actuators)


def _log_tanh_slope(x: jax.Array) -> jax.Array:
    return 2.0 * (math.log(2.0) - x - softplus(-2.0 * x))


@jax.custom_vjp
def _halves(logits_lb: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Return the first rows and the last: (2A, batch) -> (A, batch) twice."""
    first_ab, last_ab = jnp.split(logits_lb, 2)
    return first_ab, last_ab


def _halves_forward(logits_lb: jax.Array) -> tuple[tuple[jax.Array, jax.Array], None]:
    return _halves(logits_lb), None


def _halves_backward(_: None, slopes: tuple[jax.Array, jax.Array]) -> tuple[jax.Array]:
    # A loop that appends computes number by number; what is kept is only copied in it.
    return (jnp.concatenate(kept(slopes)),)


_halves.defvjp(_halves_forward, _halves_backward)
