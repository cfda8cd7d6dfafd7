"""Generalised advantage estimation on sequences laid end to end.

Schulman et al. (2016), eq. 16. A sequence of `unroll_length` steps takes as many rows; the value of the state
that follows its last step bootstraps the sum. The unroll length is a traced number: the recursion
A_i = error_i + decay_i A_{i+1} is iterated on all rows at once, and is exact after as many passes as a
sequence has steps.

A terminated step has no successor. A truncated one has, but the environment shows the following episode's
first state in its place, so it contributes nothing: its advantage is 0 and its target its own value.

Symbols: i rows, one for each step; s sequences.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from bgpbt.agents.ppo.hyperparameters import Hyperparameters

__all__ = ["Rewards", "generalised_advantages"]


class Rewards(NamedTuple):
    """What the environment said of each step, and where in its sequence it was."""

    reward_i: jax.Array  # unscaled
    terminated_i: jax.Array  # the episode ended in this step: nothing follows
    truncated_i: jax.Array  # the time limit cut the episode in this step
    is_step_i: jax.Array  # False on padding
    is_last_i: jax.Array  # the sequence's last step
    sequence_i: jax.Array  # which sequence, as an index into s


def generalised_advantages(
    rewards: Rewards, value_i: jax.Array, last_value_s: jax.Array, hyperparameters: Hyperparameters
) -> jax.Array:
    """Return the advantage of every row, 0 on padding: (rows,), (rows,), (sequences,) -> (rows,).

    `last_value_s` is the value of the state after each sequence's last step.
    """
    following_value_i = jnp.where(rewards.is_last_i, last_value_s[rewards.sequence_i], _following(value_i))
    goes_on_i = hyperparameters.discount * (1.0 - rewards.terminated_i)
    counts_i = rewards.is_step_i & ~rewards.truncated_i
    reward_i = hyperparameters.reward_scaling * rewards.reward_i
    error_i = jnp.where(counts_i, reward_i + goes_on_i * following_value_i - value_i, 0.0)
    goes_on_i = jnp.where(counts_i & ~rewards.is_last_i, goes_on_i, 0.0)
    decay_i = goes_on_i * hyperparameters.gae_lambda
    return jax.lax.fori_loop(
        0,
        hyperparameters.unroll_length - 1,
        lambda _, advantage_i: error_i + decay_i * _following(advantage_i),
        error_i,
    )


def _following(value_i: jax.Array) -> jax.Array:
    """Return each row's successor; 0 after the last."""
    return jnp.concatenate([value_i[1:], jnp.zeros_like(value_i[:1])])
