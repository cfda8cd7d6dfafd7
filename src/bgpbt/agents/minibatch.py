"""Minibatches of whole sequences, gathered slice by slice from the steps of an iteration.

A sequence is a stretch of one environment. What is known of a step lies side by side, since a gather costs by
rows more than by columns.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from bgpbt.agents import normaliser
from bgpbt.agents.advantages import Rewards
from bgpbt.agents.distillation import Tuition, teach
from bgpbt.agents.loss import Transitions
from bgpbt.agents.rollout import Experience

__all__ = ["Minibatch", "SliceSize", "Steps", "blank_records", "recorded"]


class SliceSize(NamedTuple):
    """The shapes in one gradient computation."""

    steps: int  # rows
    sequences: int  # at most; the state that follows each is valued apart


class Steps(NamedTuple):
    """An iteration's data, time first; what lies past its length is stale."""

    observation_tbo: jax.Array  # (steps + 1, environments, observation)
    record_tbk: jax.Array  # (steps, environments, columns): all else that is known of a step


def recorded(
    experience: Experience, tuition: Tuition, steps: jax.Array, key: jax.Array, buffer_tbk: jax.Array
) -> Steps:
    """Put side by side what is known of each of the first `steps` steps, and what a teacher says of it.

    The noise that a step's entropy is sampled with is drawn here once for all epochs, so that it does not
    depend on how minibatches are cut into slices.
    """
    environments, actuators = experience.unsquashed_action_tba.shape[1:]

    def record(t: jax.Array, record_tbk: jax.Array) -> jax.Array:
        action_ba = experience.unsquashed_action_tba[t]
        columns = _Columns(
            unsquashed_action=action_ba,
            noise=jax.random.normal(jax.random.fold_in(key, t), action_ba.shape),
            teacher_logits=jnp.zeros((environments, 2 * actuators)),
            log_prob=experience.log_prob_tb[t],
            reward=experience.reward_tb[t],
            terminated=experience.terminated_tb[t],
            truncated=experience.truncated_tb[t],
            teacher_value=jnp.zeros(environments),
        )
        return record_tbk.at[t].set(_joined(columns))

    def add_lesson(t: jax.Array, record_tbk: jax.Array) -> jax.Array:
        logits_bl, value_b = teach(tuition.teacher, experience.observation_tbo[t])
        columns = _separated(record_tbk[t])._replace(teacher_logits=logits_bl, teacher_value=value_b)
        return record_tbk.at[t].set(_joined(columns))

    record_tbk = jax.lax.fori_loop(0, steps, record, buffer_tbk)
    record_tbk = jax.lax.fori_loop(0, jnp.where(tuition.is_taught, steps, 0), add_lesson, record_tbk)
    return Steps(experience.observation_tbo, record_tbk)


def blank_records(longest: int, environments: int, actuators: int) -> jax.Array:
    """Return an array for records of up to `longest` steps of every environment."""
    return jnp.zeros((longest, environments, 4 * actuators + _SINGLE_COLUMNS))


class Minibatch(NamedTuple):
    """A run of sequences in the epoch's random order."""

    steps: Steps
    normaliser: normaliser.Normaliser
    first_row_s: jax.Array  # of all sequences, shuffled: the row of their first step, time first
    first: jax.Array  # of its sequences, as an index into the order
    size: jax.Array  # sequences
    unroll_length: jax.Array
    is_taught: jax.Array  # whether there is a teacher
    kl_weight: jax.Array  # what its word counts
    value_weight: jax.Array  # likewise

    def sequences_per_slice(self, slice_size: SliceSize) -> jax.Array:
        """Return how many sequences fit into a slice."""
        return jnp.minimum(jax.lax.div(jnp.int32(slice_size.steps), self.unroll_length), slice_size.sequences)

    def slices(self, slice_size: SliceSize) -> jax.Array:
        """Return how many slices hold all sequences."""
        return -(-self.size // self.sequences_per_slice(slice_size))

    def take(self, index: jax.Array, slice_size: SliceSize) -> Transitions:
        """Gather one slice; rows past the last sequence are padding."""
        environments = self.steps.record_tbk.shape[1]
        per_slice = self.sequences_per_slice(slice_size)
        row_i = jnp.arange(slice_size.steps)
        sequence_i = jax.lax.div(row_i, self.unroll_length)  # `//` would reckon with negative numbers too
        offset_i = row_i - sequence_i * self.unroll_length
        # Padding repeats the last sequence, since what is stale may not even be finite.
        position_s = jnp.minimum(index * per_slice + jnp.arange(slice_size.sequences), self.size - 1)
        first_row_s = self.first_row_s[self.first + position_s]
        row_i = first_row_s[sequence_i] + offset_i * environments
        last_row_s = first_row_s + self.unroll_length * environments

        def observe(row_n: jax.Array) -> jax.Array:
            return normaliser.normalise(self.normaliser, _gathered(self.steps.observation_tbo, row_n))

        columns = _separated(_gathered(self.steps.record_tbk, row_i))
        return Transitions(
            observation_io=observe(row_i),
            last_observation_so=observe(last_row_s),
            unsquashed_action_ia=columns.unsquashed_action,
            noise_ia=columns.noise,
            log_prob_i=columns.log_prob,
            rewards=Rewards(
                reward_i=columns.reward,
                terminated_i=columns.terminated,
                truncated_i=columns.truncated,
                is_step_i=(sequence_i < per_slice) & (index * per_slice + sequence_i < self.size),
                is_last_i=offset_i == self.unroll_length - 1,
                sequence_i=sequence_i,
            ),
            weight=1.0 / (self.size * self.unroll_length),
            teacher_logits_il=columns.teacher_logits,
            teacher_value_i=columns.teacher_value,
            is_taught=self.is_taught,
            kl_weight=self.kl_weight,
            value_weight=self.value_weight,
        )


class _Columns(NamedTuple):
    """What is known of steps beside their observations, (...) where nothing else is said."""

    unsquashed_action: jax.Array  # (..., actuators)
    noise: jax.Array  # (..., actuators), standard normal
    teacher_logits: jax.Array  # (..., 2 x actuators)
    log_prob: jax.Array
    reward: jax.Array
    terminated: jax.Array
    truncated: jax.Array
    teacher_value: jax.Array


_SINGLE_COLUMNS = len(_Columns._fields) - 3


def _joined(columns: _Columns) -> jax.Array:
    """Return (steps, columns), as floats."""
    action_ia, noise_ia, logits_il, *single = columns
    return jnp.concatenate([action_ia, noise_ia, logits_il, jnp.stack(single, axis=1)], axis=1)


def _separated(record_ik: jax.Array) -> _Columns:
    """Return what was joined."""
    actuators = (record_ik.shape[1] - _SINGLE_COLUMNS) // 4
    ends = [actuators, 2 * actuators, 4 * actuators]
    action_ia, noise_ia, logits_il, single_ik = jnp.split(record_ik, ends, axis=1)
    columns = _Columns(action_ia, noise_ia, logits_il, *single_ik.T)
    return columns._replace(terminated=columns.terminated != 0.0, truncated=columns.truncated != 0.0)


def _gathered(array_tb: jax.Array, row_i: jax.Array) -> jax.Array:
    return array_tb.reshape(-1, *array_tb.shape[2:])[row_i]
