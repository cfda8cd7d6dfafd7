"""One PPO iteration, compiled once for every batch size, unroll length and number of epochs.

These integers are bounds of traced loops. An iteration collects `unrolls` stretches of `unroll_length` steps
from every environment into a buffer of fixed length. One stretch of one environment is a sequence;
minibatches are made of whole sequences, in a new random order every epoch. A minibatch is a dynamic number of
slices of a fixed number of rows, whose gradients are added up, the last one masked. A few slice sizes are
compiled in, since small ones pad little and large ones multiply matrices faster; each minibatch takes the
cheapest. Between collecting and learning a teacher may look at the data (`bgpbt.agents.ppo.distillation`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from bgpbt.agents.networks import normaliser, perceptron
from bgpbt.agents.networks.action_space import ActionSpace, space_of
from bgpbt.agents.networks.member import ActorCritic, Member, SpectralVectors
from bgpbt.agents.ppo import rollout
from bgpbt.agents.ppo.buffers import Buffers
from bgpbt.agents.ppo.distillation import TeacherInput
from bgpbt.agents.ppo.hyperparameters import Hyperparameters
from bgpbt.agents.ppo.loss import LossTerms, ppo_loss
from bgpbt.agents.ppo.minibatch import Minibatch, SliceSize, recorded
from bgpbt.agents.ppo.rollout import Experience, Extent
from bgpbt.agents.seeds import SeedWords, Stream, stream_key
from bgpbt.envs.vector import StartStates, VectorEnvironment

__all__ = ["SLICE_OVERHEAD", "Iteration", "Learner", "iteration_of"]

INT32_MAX = 2**31 - 1
SLICE_OVERHEAD = 200  # rows whose gradient takes as long as starting a slice; measured on two CPU cores


class Iteration(NamedTuple):
    """One PPO iteration of an order; `most_steps` as in `bgpbt.agents.ppo.rollout.Extent`."""

    seed: jax.Array  # of the order, as a raw threefry key
    number: jax.Array  # within the order, from 0
    unrolls: jax.Array  # of every environment
    most_steps: jax.Array | None = None


def iteration_of(seed: SeedWords, number: int, unrolls: int) -> Iteration:
    """Return an iteration as compiled programs take it."""
    arrays: Any = (seed, np.int32(number), np.int32(unrolls))
    return Iteration(*arrays)


@dataclass(frozen=True, slots=True, kw_only=True)
class Learner:
    """What is compiled in: the environments and the sizes of buffers."""

    environment: VectorEnvironment
    longest_rollout: int  # steps; the buffer's length
    most_sequences: int  # unrolls x environments
    slice_sizes: tuple[SliceSize, ...]  # to choose from

    @property
    def actions(self) -> ActionSpace:
        """The environment's action space."""
        return space_of(self.environment.environment)

    def train(
        self,
        member: Member,
        starts: StartStates,
        buffers: Buffers,
        teacher_input: TeacherInput,
        hyperparameters: Hyperparameters,
        iteration: Iteration,
    ) -> tuple[Member, Buffers, LossTerms]:
        """Collect, listen to the teacher, and learn; report mean losses."""
        member, buffers = self.collect(member, starts, buffers, hyperparameters, iteration)
        return self.learn(member, buffers, teacher_input, hyperparameters, iteration)

    def collect(
        self,
        member: Member,
        starts: StartStates,
        buffers: Buffers,
        hyperparameters: Hyperparameters,
        iteration: Iteration,
    ) -> tuple[Member, Buffers]:
        """Act for some unrolls in every environment; the normaliser sees each observation once."""
        steps = iteration.unrolls * hyperparameters.unroll_length
        environments, experience = rollout.collect(
            self.environment,
            member.policy,
            (member.environments, starts),
            buffers.experience,
            extent=Extent(steps, iteration.most_steps),
            key=stream_key(iteration.seed, Stream.COLLECT, iteration.number),
        )
        statistics = _observe(member.normaliser, experience, steps)
        member = member._replace(environments=environments, normaliser=statistics)
        return member, buffers._replace(experience=experience)

    def learn(
        self,
        member: Member,
        buffers: Buffers,
        teacher_input: TeacherInput,
        hyperparameters: Hyperparameters,
        iteration: Iteration,
    ) -> tuple[Member, Buffers, LossTerms]:
        """Learn from some unrolls of every environment and what a teacher says; report mean losses."""
        seed, number, unrolls, most_steps = iteration
        order_key, noise_key = jax.random.split(stream_key(seed, Stream.LEARN, number))
        recorded_steps = unrolls * hyperparameters.unroll_length if most_steps is None else most_steps
        experience, records = buffers
        steps = recorded(self.actions, experience, teacher_input, recorded_steps, noise_key, records)
        sequences = unrolls * self.environment.count
        minibatches = -(-sequences // hyperparameters.batch_size)

        def epoch(index: jax.Array, progress: _Progress) -> _Progress:
            epoch_key = jax.random.fold_in(order_key, index)
            first_row_s = self._first_rows(
                _shuffled(epoch_key, sequences, self.most_sequences), hyperparameters.unroll_length
            )

            def update(minibatch: jax.Array, progress: _Progress) -> _Progress:
                first, size = _share(sequences, minibatches, minibatch)
                batch = Minibatch(
                    actions=self.actions,
                    steps=steps,
                    normaliser=member.normaliser,
                    first_row_s=first_row_s,
                    first=first,
                    size=size,
                    unroll_length=hyperparameters.unroll_length,
                    teacher_coefficients=teacher_input.weights,
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
        terms = jax.tree.map(lambda total: total / updates, progress.terms)
        return member, buffers._replace(records=steps.records), terms

    def _first_rows(self, sequence_s: jax.Array, unroll_length: jax.Array) -> jax.Array:
        """Return the row of each sequence's first step, where rows are steps, time first."""
        unroll_s = jax.lax.div(sequence_s, self.environment.count)
        return sequence_s + unroll_s * (unroll_length - 1) * self.environment.count

    def _update(
        self, progress: "_Progress", minibatch: Minibatch, hyperparameters: Hyperparameters
    ) -> "_Progress":
        """Take one Adam step on the mean gradient of a minibatch."""
        gradient, terms = jax.lax.switch(
            _cheapest(minibatch, self.slice_sizes),
            [partial(_add_slices, progress, minibatch, hyperparameters, size) for size in self.slice_sizes],
            (jax.tree.map(jnp.zeros_like, progress.parameters), progress.terms),
        )
        direction, optimiser = optax.scale_by_adam().update(gradient, progress.optimiser)
        parameters = jax.tree.map(
            lambda parameter, change: parameter - hyperparameters.learning_rate * change,
            progress.parameters,
            direction,
        )
        spectral = SpectralVectors(
            perceptron.spectral_step(parameters.policy, progress.spectral.policy),
            perceptron.spectral_step(parameters.value, progress.spectral.value),
        )
        return _Progress(parameters, spectral, optimiser, terms)


class _Progress(NamedTuple):
    """What an update changes."""

    parameters: ActorCritic
    spectral: SpectralVectors
    optimiser: optax.ScaleByAdamState
    terms: LossTerms  # summed over updates


def _add_slices(
    progress: _Progress,
    minibatch: Minibatch,
    hyperparameters: Hyperparameters,
    slice_size: SliceSize,
    total: tuple[ActorCritic, LossTerms],
) -> tuple[ActorCritic, LossTerms]:
    """Add the gradient and loss terms of a minibatch to `total`, slice by slice."""

    def add(index: jax.Array, total: tuple[ActorCritic, LossTerms]) -> tuple[ActorCritic, LossTerms]:
        gradient, terms = jax.grad(partial(ppo_loss, minibatch.actions), has_aux=True)(
            progress.parameters,
            progress.spectral,
            minibatch.take(index, slice_size),
            hyperparameters,
        )
        return jax.tree.map(jnp.add, total, (gradient, terms))

    return jax.lax.fori_loop(0, minibatch.slices(slice_size), add, total)


def _cheapest(minibatch: Minibatch, slice_sizes: Sequence[SliceSize]) -> jax.Array:
    """Return the index of the slice size that takes a minibatch with the least work."""
    works = []
    for slice_size in slice_sizes:
        work = minibatch.slices(slice_size) * (slice_size.steps + SLICE_OVERHEAD)
        works.append(jnp.where(minibatch.sequences_per_slice(slice_size) > 0, work, INT32_MAX))
    return jnp.argmin(jnp.stack(works))


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
    """Return a random permutation of 0 .. valid - 1, followed by the rest of 0 .. length - 1.

    Positions below random bits in one integer are sorted, again and again until 32 bits have been spent on
    each position. One integer sorts five times faster than a pair of a random number and a position.
    """
    position_s = jnp.arange(length, dtype=jnp.uint32)
    position_bits = max(1, (length - 1).bit_length())
    lowest = jnp.uint32(2**position_bits - 1)
    order_s = position_s
    for round_key in jax.random.split(key, -(-32 // (32 - position_bits))):
        random_s = jnp.where(position_s < valid, jax.random.bits(round_key, (length,)), ~lowest)
        order_s = order_s[jax.lax.sort((random_s & ~lowest) | position_s) & lowest]
    return order_s.astype(jnp.int32)


def _share(total: jax.Array, parts: jax.Array, part: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Return first and size of one of `parts` shares of `total` whose sizes differ by at most one."""
    size, larger = total // parts, total % parts
    return part * size + jnp.minimum(part, larger), size + (part < larger)
