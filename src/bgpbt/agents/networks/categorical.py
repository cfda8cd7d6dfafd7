"""The policy's distribution over a set of choices: a categorical distribution.

The network gives a logit for each choice. An action is stored as the number of its choice, in one float.

Symbols: b batch, c choices.
"""

from dataclasses import dataclass
from itertools import accumulate
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from bgpbt.xla import kept

__all__ = ["Categorical", "Discrete"]


class Categorical(NamedTuple):
    """Distributions of a batch of choices.

    Choices come first: there are few of them, and a CPU computes fast along a long last axis only.
    """

    log_prob_cb: jax.Array  # normalised

    def sample(self, key: jax.Array, /) -> jax.Array:
        """Draw choices: (b, 1).

        By inversion, which takes one random number for each action. A choice whose probability rounds to
        nothing in the sum of all is never drawn: uniform numbers are at most 1 - 2^-23, so that the product
        with the sum stays below the sum.
        """
        reached_cb = list(accumulate(kept(jnp.exp(self.log_prob_cb))))
        aim_b = jax.random.uniform(key, reached_cb[-1].shape) * reached_cb[-1]
        choice_b = jnp.zeros_like(aim_b)
        for reached_b in reached_cb[:-1]:
            choice_b += aim_b >= reached_b
        return choice_b[:, None]

    def mode(self) -> jax.Array:
        """Return the most likely choices, the first of equals: (b, 1)."""
        return jnp.argmax(self.log_prob_cb, axis=0).astype(jnp.float32)[:, None]

    def log_prob(self, action_b1: jax.Array, /) -> jax.Array:
        """Return the log-probability of choices: (b, 1) -> (b,)."""
        number_c = jnp.arange(self.log_prob_cb.shape[0], dtype=action_b1.dtype)
        is_chosen_cb = number_c[:, None] == action_b1[:, 0]
        return jnp.sum(jnp.where(is_chosen_cb, self.log_prob_cb, 0.0), axis=0)

    def entropy(self, _: jax.Array, /) -> jax.Array:
        """Return the exact entropy in nats: (b,). It needs no noise."""
        return -jnp.sum(kept(jnp.exp(self.log_prob_cb) * self.log_prob_cb), axis=0)

    def kl_divergence(self, student: "Categorical", /) -> jax.Array:
        """Return KL(self || student) in nats: (b,)."""
        log_ratio_cb = self.log_prob_cb - student.log_prob_cb
        return jnp.sum(kept(jnp.exp(self.log_prob_cb) * log_ratio_cb), axis=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Discrete:
    """A set of choices; implements `bgpbt.agents.networks.action_space.ActionSpace`."""

    name: ClassVar[str] = "categorical"
    columns: ClassVar[int] = 1
    noise_columns: ClassVar[int] = 0
    # A new policy is nearly uniform. Andrychowicz et al. (2021), What Matters for On-Policy Deep Actor-Critic
    # Methods, section 3.2: a last layer with 100 times smaller weights; `benchmarks/discrete.py` agrees.
    output_scale: ClassVar[float] = 0.01
    shape: ClassVar[tuple[int, ...]] = ()

    choices: int

    @property
    def outputs(self) -> int:
        """Logits."""
        return self.choices

    def from_logits(self, logits_bc: jax.Array, /) -> Categorical:
        """Return the distributions of logits: (b, c)."""
        logits_cb = logits_bc.T
        # Below the largest logit nothing overflows; a constant, since the difference does not depend on it.
        lowered_cb = logits_cb - jax.lax.stop_gradient(jnp.max(logits_cb, axis=0))
        return Categorical(lowered_cb - jnp.log(jnp.sum(kept(jnp.exp(lowered_cb)), axis=0)))

    def noise(self, _: jax.Array, batch: int, /) -> jax.Array:
        """Return no noise: (b, 0)."""
        return jnp.zeros((batch, 0))

    def performed(self, action_b1: jax.Array, /) -> jax.Array:
        """Return the numbers of choices: (b,) int32."""
        return action_b1[:, 0].astype(jnp.int32)
