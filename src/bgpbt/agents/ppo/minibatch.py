"""Minibatches of whole sequences, gathered slice by slice from the steps of an iteration.

A sequence is a stretch of one environment. What is known of a step lies side by side, since a gather costs by
rows more than by columns.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from bgpbt.agents.networks import normaliser
from bgpbt.agents.networks.action_space import ActionSpace
from bgpbt.agents.ppo.advantages import Rewards
from bgpbt.agents.ppo.distillation import TeacherCoefficients, TeacherInput, TeacherOutput, teach
from bgpbt.agents.ppo.loss import Transitions
from bgpbt.agents.ppo.rollout import Experience
from bgpbt.xla import kept

__all__ = ["Minibatch", "Records", "SliceSize", "Steps", "blank_records", "recorded"]


class SliceSize(NamedTuple):
    """The shapes in one gradient computation."""

    steps: int  # rows
    sequences: int  # at most; the state that follows each is valued apart


class Records(NamedTuple):
    """What is made of a rollout to learn from, time first."""

    step_tbk: jax.Array  # all that is known of a step beside its observation
    teacher_tbk: jax.Array  # what a teacher says of it; never looked at where there is no teacher


class Steps(NamedTuple):
    """An iteration's data, time first; what lies past its length is stale."""

    observation_tbo: jax.Array  # (steps + 1, environments, observation)
    records: Records


def recorded(
    actions: ActionSpace,
    experience: Experience,
    teacher_input: TeacherInput,
    steps: jax.Array,
    key: jax.Array,
    buffer: Records,
) -> Steps:
    """Put side by side what is known of each of the first `steps` steps, and what a teacher says of it.

    The noise that a step's entropy is sampled with is drawn here once for all epochs, so that it does not
    depend on how minibatches are cut into slices.
    """

    def record(t: jax.Array, step_tbk: jax.Array) -> jax.Array:
        action_bk = experience.action_tbk[t]
        columns = _Columns(
            action=action_bk,
            noise=actions.noise(jax.random.fold_in(key, t), action_bk.shape[0]),
            log_prob=experience.log_prob_tb[t],
            reward=experience.reward_tb[t],
            terminated=experience.terminated_tb[t],
            truncated=experience.truncated_tb[t],
        )
        return step_tbk.at[t].set(_joined(columns))

    def listen(t: jax.Array, teacher_tbk: jax.Array) -> jax.Array:
        teacher_output = teach(teacher_input.teacher, experience.observation_tbo[t])
        return teacher_tbk.at[t].set(jnp.column_stack(teacher_output))

    taught_steps = jnp.where(teacher_input.weights.is_taught, steps, 0)
    records = Records(
        step_tbk=jax.lax.fori_loop(0, steps, record, buffer.step_tbk),
        teacher_tbk=jax.lax.fori_loop(0, taught_steps, listen, buffer.teacher_tbk),
    )
    return Steps(experience.observation_tbo, records)


def blank_records(longest: int, environments: int, actions: ActionSpace) -> Records:
    """Return arrays for up to `longest` steps of every environment."""
    columns = actions.columns + actions.noise_columns + _SINGLE_COLUMNS
    return Records(
        step_tbk=jnp.zeros((longest, environments, columns)),
        teacher_tbk=jnp.zeros((longest, environments, actions.outputs + 1)),
    )


class Minibatch(NamedTuple):
    """A run of sequences in the epoch's random order."""

    actions: ActionSpace  # static
    steps: Steps
    normaliser: normaliser.Normaliser
    first_row_s: jax.Array  # of all sequences, shuffled: the row of their first step, time first
    first: jax.Array  # of its sequences, as an index into the order
    size: jax.Array  # sequences
    unroll_length: jax.Array
    teacher_coefficients: TeacherCoefficients

    def sequences_per_slice(self, slice_size: SliceSize) -> jax.Array:
        """Return how many sequences fit into a slice."""
        return jnp.minimum(jax.lax.div(jnp.int32(slice_size.steps), self.unroll_length), slice_size.sequences)

    def slices(self, slice_size: SliceSize) -> jax.Array:
        """Return how many slices hold all sequences."""
        return -(-self.size // self.sequences_per_slice(slice_size))

    def take(self, index: jax.Array, slice_size: SliceSize) -> Transitions:
        """Gather one slice; rows past the last sequence are padding."""
        observation_tbo, records = self.steps
        environments = observation_tbo.shape[1]
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
            gathered = _gathered(observation_tbo, row_n)
            gathered = gathered if gathered.shape[1] in _SLOWLY_COPIED else kept(gathered)
            return kept(normaliser.normalise(self.normaliser, gathered))

        columns = _separated(self.actions, _gathered(records.step_tbk, row_i))
        return Transitions(
            observation_io=observe(row_i),
            last_observation_so=observe(last_row_s),
            action_ik=columns.action,
            noise_in=columns.noise,
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
            teacher_output=jax.tree_util.Partial(_teacher_output, records.teacher_tbk, row_i),
            teacher_coefficients=self.teacher_coefficients,
        )


class _Columns(NamedTuple):
    """What is known of steps beside their observations, (...) where nothing else is said."""

    action: jax.Array  # (..., numbers that store it)
    noise: jax.Array  # (..., numbers), for the entropy
    log_prob: jax.Array
    reward: jax.Array
    terminated: jax.Array
    truncated: jax.Array


_SLOWLY_COPIED = range(32, 80)  # widths of rows that XLA copies number by number, if it does nothing else
_SINGLE_COLUMNS = len(_Columns._fields) - 2


def _joined(columns: _Columns) -> jax.Array:
    """Return (steps, columns), as floats."""
    action_ik, noise_in, *single = columns
    return jnp.concatenate([action_ik, noise_in, jnp.stack(single, axis=1)], axis=1)


def _separated(actions: ActionSpace, step_ik: jax.Array) -> _Columns:
    """Return what was joined."""
    bounds = [actions.columns, actions.columns + actions.noise_columns]
    action_ik, noise_in, single_ik = jnp.split(step_ik, bounds, axis=1)
    columns = _Columns(action_ik, noise_in, *single_ik.T)
    return columns._replace(terminated=columns.terminated != 0.0, truncated=columns.truncated != 0.0)


def _teacher_output(teacher_tbk: jax.Array, row_i: jax.Array) -> TeacherOutput:
    teacher_ik = _gathered(teacher_tbk, row_i)
    return TeacherOutput(teacher_ik[:, :-1], teacher_ik[:, -1])


def _gathered(array_tb: jax.Array, row_i: jax.Array) -> jax.Array:
    return array_tb.reshape(-1, *array_tb.shape[2:])[row_i]
