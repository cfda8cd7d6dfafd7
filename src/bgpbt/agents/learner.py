"""One PPO iteration, compiled once for every batch size, unroll length and number of epochs.

These integers are bounds of traced loops. An iteration collects `unrolls` stretches of `unroll_length` steps
from every environment into a buffer of fixed length. One stretch of one environment is a sequence;
minibatches are made of whole sequences, in a new random order every epoch. A minibatch is a dynamic number of
slices of a fixed number of rows, whose gradients are added up, the last one masked. A few slice sizes are
compiled in, since small ones pad little and large ones multiply matrices faster; each minibatch takes the
cheapest. Between collecting and learning a teacher may look at the data (`bgpbt.agents.distillation`), so
both are programs of their own.
"""

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from bgpbt.agents import networks, normaliser, rollout
from bgpbt.agents.advantages import Rewards
from bgpbt.agents.distillation import Lesson
from bgpbt.agents.hyperparameters import Hyperparameters
from bgpbt.agents.loss import LossTerms, Transitions, ppo_loss
from bgpbt.agents.member import ActorCritic, Member, SpectralVectors
from bgpbt.agents.rollout import Experience, Extent
from bgpbt.envs.vector import StartStates, VectorEnvironment

__all__ = ["SLICE_OVERHEAD", "Learner"]

INT32_MAX = 2**31 - 1
SLICE_OVERHEAD = 200  # rows whose gradient takes as long as starting a slice; measured on two CPU cores


@dataclass(frozen=True, slots=True, kw_only=True)
class Learner:
    """What is compiled in: the environments and the sizes of buffers."""

    environment: VectorEnvironment
    longest_rollout: int  # steps; the buffer's length
    most_sequences: int  # unrolls x environments
    slice_rows: tuple[int, ...]  # rows in one gradient computation, to choose from

    def collect(
        self,
        member: Member,
        starts: StartStates,
        hyperparameters: Hyperparameters,
        unrolls: jax.Array,
        key: jax.Array,
        *,
        most_steps: jax.Array | None = None,
    ) -> tuple[Member, Experience]:
        """Act for `unrolls` unrolls in every environment; the normaliser sees each observation once.

        `most_steps` as in `bgpbt.agents.rollout.Extent`.
        """
        steps = unrolls * hyperparameters.unroll_length
        environments, experience = rollout.collect(
            self.environment,
            member.policy,
            (member.environments, starts),
            rollout.empty(self.environment, self.longest_rollout),
            extent=Extent(steps, most_steps),
            key=key,
        )
        statistics = _observe(member.normaliser, experience, steps)
        return member._replace(environments=environments, normaliser=statistics), experience

    def learn(
        self,
        member: Member,
        data: tuple[Experience, Lesson],
        hyperparameters: Hyperparameters,
        unrolls: jax.Array,
        key: jax.Array,
    ) -> tuple[Member, LossTerms]:
        """Learn from `unrolls` unrolls of every environment and what a teacher says; report mean losses."""
        experience, lesson = data
        sequences = unrolls * self.environment.count
        minibatches = -(-sequences // hyperparameters.batch_size)

        def epoch(index: jax.Array, progress: _Progress) -> _Progress:
            order_key, entropy_key = jax.random.split(jax.random.fold_in(key, index))
            order_s = _shuffled(order_key, sequences, self.most_sequences)

            def update(minibatch: jax.Array, progress: _Progress) -> _Progress:
                first, size = _share(sequences, minibatches, minibatch)
                batch = _Minibatch(
                    experience=experience,
                    lesson=lesson,
                    normaliser=member.normaliser,
                    order_s=order_s,
                    first=first,
                    size=size,
                    unroll_length=hyperparameters.unroll_length,
                    key=jax.random.fold_in(entropy_key, minibatch),
                )
                return self._update(progress, batch, hyperparameters)

            return jax.lax.fori_loop(0, minibatches, update, progress)

        no_terms = LossTerms(*[jnp.zeros(())] * len(LossTerms._fields))
        progress = _Progress(member.parameters, member.spectral, member.optimiser, no_terms)
        progress = jax.lax.fori_loop(0, hyperparameters.update_epochs, epoch, progress)
        member = member._replace(
            parameters=progress.parameters, spectral=progress.spectral, optimiser=progress.optimiser
        )
        updates = jnp.maximum(minibatches * hyperparameters.update_epochs, 1)
        return member, jax.tree.map(lambda total: total / updates, progress.terms)

    def _update(
        self, progress: "_Progress", minibatch: "_Minibatch", hyperparameters: Hyperparameters
    ) -> "_Progress":
        """Take one Adam step on the mean gradient of a minibatch."""
        gradient, terms = jax.lax.switch(
            _cheapest(minibatch, self.slice_rows),
            [partial(_add_slices, progress, minibatch, hyperparameters, rows) for rows in self.slice_rows],
            (jax.tree.map(jnp.zeros_like, progress.parameters), progress.terms),
        )
        direction, optimiser = optax.scale_by_adam().update(gradient, progress.optimiser)
        parameters = jax.tree.map(
            lambda parameter, change: parameter - hyperparameters.learning_rate * change,
            progress.parameters,
            direction,
        )
        spectral = SpectralVectors(
            networks.spectral_step(parameters.policy, progress.spectral.policy),
            networks.spectral_step(parameters.value, progress.spectral.value),
        )
        return _Progress(parameters, spectral, optimiser, terms)


class _Progress(NamedTuple):
    """What an update changes."""

    parameters: ActorCritic
    spectral: SpectralVectors
    optimiser: optax.ScaleByAdamState
    terms: LossTerms  # summed over updates


class _Minibatch(NamedTuple):
    """A run of sequences in the epoch's random order, gathered slice by slice."""

    experience: Experience
    lesson: Lesson
    normaliser: normaliser.Normaliser
    order_s: jax.Array  # all sequences, shuffled
    first: jax.Array  # of its sequences, as an index into the order
    size: jax.Array  # sequences
    unroll_length: jax.Array
    key: jax.Array

    def sequences_per_slice(self, rows: int | jax.Array) -> jax.Array:
        """Return how many sequences fit into a slice, each with one row more for bootstrapping."""
        return rows // (self.unroll_length + 1)

    def slices(self, rows: int | jax.Array) -> jax.Array:
        """Return how many slices hold all sequences."""
        return -(-self.size // self.sequences_per_slice(rows))

    def take(self, index: jax.Array, rows: int) -> Transitions:
        """Gather one slice; rows past the last sequence are padding."""
        row_i = jnp.arange(rows)
        sequence_i, offset_i = row_i // (self.unroll_length + 1), row_i % (self.unroll_length + 1)
        position_i = index * self.sequences_per_slice(rows) + sequence_i
        is_valid_i = (sequence_i < self.sequences_per_slice(rows)) & (position_i < self.size)
        environments = self.experience.reward_tb.shape[1]
        shuffled_i = self.order_s[self.first + position_i]
        t_i = (shuffled_i // environments) * self.unroll_length + offset_i
        index_i = t_i * environments + shuffled_i % environments

        def gather(array_tb: jax.Array) -> jax.Array:
            return array_tb.reshape(-1, *array_tb.shape[2:])[index_i]

        return Transitions(
            observation_io=normaliser.normalise(self.normaliser, gather(self.experience.observation_tbo)),
            unsquashed_action_ia=gather(self.experience.unsquashed_action_tba),
            log_prob_i=gather(self.experience.log_prob_tb),
            rewards=Rewards(
                reward_i=gather(self.experience.reward_tb),
                terminated_i=gather(self.experience.terminated_tb),
                truncated_i=gather(self.experience.truncated_tb),
                is_step_i=is_valid_i & (offset_i < self.unroll_length),
            ),
            weight=1.0 / (self.size * self.unroll_length),
            teacher_logits_il=gather(self.lesson.logits_tbl),
            teacher_value_i=gather(self.lesson.value_tb),
            kl_weight=self.lesson.kl_weight,
            value_weight=self.lesson.value_weight,
        )


def _add_slices(
    progress: _Progress,
    minibatch: _Minibatch,
    hyperparameters: Hyperparameters,
    rows: int,
    total: tuple[ActorCritic, LossTerms],
) -> tuple[ActorCritic, LossTerms]:
    """Add the gradient and loss terms of a minibatch to `total`, slice by slice."""

    def add(index: jax.Array, total: tuple[ActorCritic, LossTerms]) -> tuple[ActorCritic, LossTerms]:
        gradient, terms = jax.grad(ppo_loss, has_aux=True)(
            progress.parameters,
            progress.spectral,
            minibatch.take(index, rows),
            hyperparameters,
            jax.random.fold_in(minibatch.key, index),
        )
        return jax.tree.map(jnp.add, total, (gradient, terms))

    return jax.lax.fori_loop(0, minibatch.slices(rows), add, total)


def _cheapest(minibatch: _Minibatch, slice_rows: tuple[int, ...]) -> jax.Array:
    """Return the index of the slice size that takes a minibatch with the least work."""
    rows_s = jnp.array(slice_rows)
    fits_s = minibatch.sequences_per_slice(rows_s) > 0
    work_s = minibatch.slices(rows_s) * (rows_s + SLICE_OVERHEAD)
    return jnp.argmin(jnp.where(fits_s, work_s, INT32_MAX))


def _observe(
    statistics: normaliser.Normaliser, experience: Experience, steps: jax.Array
) -> normaliser.Normaliser:
    """Return the statistics with the rollout's observations, each counted once."""
    return jax.lax.fori_loop(
        0,
        steps,
        lambda t, merged: normaliser.merge(merged, normaliser.statistics(experience.observation_tbo[t])),
        statistics,
    )


def _shuffled(key: jax.Array, valid: jax.Array, length: int) -> jax.Array:
    """Return a random permutation of 0 .. valid - 1, followed by the rest of 0 .. length - 1."""
    index_s = jnp.arange(length)
    rank_s = jnp.where(index_s < valid, jax.random.uniform(key, (length,)), 2.0)
    return jnp.argsort(rank_s)


def _share(total: jax.Array, parts: jax.Array, part: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Return first and size of one of `parts` shares of `total` whose sizes differ by at most one."""
    size, larger = total // parts, total % parts
    return part * size + jnp.minimum(part, larger), size + (part < larger)
