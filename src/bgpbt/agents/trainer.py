"""PPO as a trainer: an order in, a checkpoint and a score out."""

import copy
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import numpy as np
import numpy.typing as npt

from bgpbt import envs
from bgpbt.agents.action_space import check_metadata, metadata_of
from bgpbt.agents.architecture import Architectures, architectures_of
from bgpbt.agents.compilation import CompilationCounter
from bgpbt.agents.evaluation import EpisodeReturns
from bgpbt.agents.growth import check_growth
from bgpbt.agents.hyperparameters import Hyperparameters, hyperparameters_of
from bgpbt.agents.learner import Learner, iteration_of
from bgpbt.agents.loss import LossTerms
from bgpbt.agents.member import Member, Policy, arrays_of, restore
from bgpbt.agents.memory import MemoryNeed, memory_need
from bgpbt.agents.padding import largest_of
from bgpbt.agents.programs import Programs, grown, member_shape
from bgpbt.agents.seeds import batch_seeds, seed_words
from bgpbt.agents.settings import PPOSettings, Ranges, largest_architectures
from bgpbt.agents.space_check import check_space
from bgpbt.agents.tutor import Tutor
from bgpbt.agents.workshop import Workshop
from bgpbt.contracts import Checkpoints
from bgpbt.encoding import decode, encode
from bgpbt.envs.vector import StartStates, VectorEnvironment
from bgpbt.errors import DamagedRunError, InputError
from bgpbt.records import TRAINED_PREFIX, Checkpoint, Distil, Grow, Order, Outcome
from bgpbt.space import Space
from bgpbt.xla import on_cpu

__all__ = ["Begun", "PPOTrainer", "Training"]

Progress = Callable[[Order, int], None]
"""Called after every iteration with the order and the environment steps done for it so far."""


class PPOTrainer:
    """Trains and scores members with PPO. Safe to call from several threads.

    Args:
        settings: what all members have in common.
        space: what configurations can hold; its largest batch and unroll size the buffers.
        on_progress: told of every iteration; an exception it raises ends the training at once.
    """

    def __init__(self, settings: PPOSettings, space: Space, *, on_progress: Progress | None = None) -> None:
        self._settings = settings
        self._on_progress = on_progress
        self._ranges = Ranges.of(space)
        self._room = largest_architectures(space, settings.architectures)
        self._vector = VectorEnvironment(
            environment=envs.make(settings.environment),
            count=settings.environments,
            episode_length=settings.episode_length,
        )
        self._counter = CompilationCounter()
        self._learner = Learner(
            environment=self._vector,
            longest_rollout=self._ranges.longest_rollout(settings),
            most_sequences=self._ranges.largest_batch * settings.minibatches,
            slice_sizes=self._ranges.slice_sizes(accelerator=not on_cpu()),
        )
        self._workshop = Workshop(self._learner, evaluation_episodes=settings.evaluation_episodes)

    def sharing(
        self, settings: PPOSettings, space: Space, *, on_progress: Progress | None = None
    ) -> "PPOTrainer | None":
        """Return a trainer with these settings that uses this one's compiled programs; None if it cannot.

        It can where nothing differs that programs are compiled for: seeds, default architectures, what
        distillation does and any range of the space but those that size buffers.
        """
        own = replace(
            self._settings,
            evaluation_seed=settings.evaluation_seed,
            architectures=settings.architectures,
            distillation=settings.distillation,
        )
        if own != settings or self._ranges != Ranges.of(space):
            return None
        trainer = copy.copy(self)
        trainer._settings = settings
        trainer._room = largest_architectures(space, settings.architectures)
        trainer._on_progress = on_progress
        return trainer

    def check_space(self, space: Space) -> None:
        """Refuse a space with an input that PPO does not read, or a value that it cannot take."""
        check_space(space)

    @property
    def settings(self) -> PPOSettings:
        """What all members have in common."""
        return self._settings

    @property
    def learner(self) -> Learner:
        """What every member's programs are made of."""
        return self._learner

    @property
    def stacked_learner(self) -> Learner:
        """What the program of a stack of members is made of."""
        return replace(self._learner, slice_sizes=(self._ranges.stacked_slice,))

    def room_of(self, begun: Sequence["Begun"]) -> Architectures:
        """Return what networks are padded to: the largest of the space, so that it stays the same.

        Members and teachers from outside the space are taken in.
        """
        teachers = [one.tutor.architectures for one in begun if one.tutor is not None]
        return largest_of([self._room, *(one.architectures for one in begun), *teachers])

    @property
    def environment(self) -> VectorEnvironment:
        """What members are trained on."""
        return self._vector

    @property
    def compilations(self) -> int:
        """Programs compiled in this process since the trainer was made, down to the smallest.

        A run takes two for each pair of architectures and one besides. What an environment's library compiles
        while it makes the task is not in it: the newer Brax has about fifty copies of constants.
        """
        return self._counter.count

    @property
    def compilation_seconds(self) -> float:
        """Time spent on compilation."""
        return self._counter.seconds

    @property
    def memory_need(self) -> MemoryNeed:
        """What a member takes while it trains, with the largest networks that the space can propose."""
        return memory_need(self._learner, self._room)

    @property
    def stacked_memory_need(self) -> MemoryNeed:
        """The same for a member of a stack."""
        return memory_need(self.stacked_learner, self._room)

    def train(self, order: Order, checkpoints: Checkpoints) -> Outcome:
        """Train a member for at most `order.steps` steps, in whole unrolls, and score it.

        Raises:
            InputError: the configuration does not fit this trainer.
            DamagedRunError: the checkpoint to start from is damaged or of another environment.
        """
        began = time.perf_counter()
        begun = self.begin(order, checkpoints)
        member, steps, losses = self._learn(begun)
        returns = self._evaluate(
            self.programs(begun.architectures), member.policy, [self._settings.evaluation_seed]
        )
        training = Training(steps=steps, losses=losses, seconds=time.perf_counter() - began)
        return self.conclude(begun, member, returns, training, checkpoints)

    def prepare(self, order: Order) -> None:
        """Compile what an order takes, so that `train` need not; for another thread, while others train."""
        self.programs(architectures_of(order.configuration, self._settings.architectures)).compile()

    def begin(self, order: Order, checkpoints: Checkpoints) -> "Begun":
        """Return the member that an order starts from, and all that its training takes.

        Raises:
            InputError: the configuration does not fit this trainer.
            DamagedRunError: the checkpoint to start from is damaged or of another environment.
        """
        architectures = architectures_of(order.configuration, self._settings.architectures)
        hyperparameters = self._hyperparameters(order)
        self._ranges.check(hyperparameters)
        starts = self.programs(architectures).draw_starts(seed_words(order.seed))
        return Begun(
            order=order,
            architectures=architectures,
            hyperparameters=hyperparameters,
            starts=starts,
            member=self._starting_member(order, architectures, starts, checkpoints),
            tutor=self._tutor(order, checkpoints),
        )

    def conclude(
        self,
        begun: "Begun",
        member: Member,
        returns: EpisodeReturns,
        training: "Training",
        checkpoints: Checkpoints,
    ) -> Outcome:
        """Store a trained member and return what came of its order."""
        arrays = arrays_of(member)
        failure = _failure(arrays, returns.mean)
        metadata = self._metadata(begun.architectures)
        return Outcome(
            round=begun.order.round,
            member=begun.order.member,
            checkpoint=checkpoints.save(arrays, metadata) if failure is None else None,
            score=returns.mean if failure is None else float("nan"),
            steps=training.steps,
            evaluation_steps=returns.steps,
            seconds=training.seconds,
            figures=_mean(training.losses, distilled=begun.tutor is not None)
            | {"score_standard_error": returns.standard_error}
            | self._trained_with(begun.order),
            failure=failure,
        )

    def next_unrolls(self, hyperparameters: Hyperparameters, remaining: int) -> int:
        """Return the unrolls of the next iteration, cut to whole unrolls that fit into `remaining` steps."""
        whole = self._settings.unrolls_per_iteration(int(hyperparameters.batch_size))
        return min(whole, remaining // self.steps_of(hyperparameters, 1))

    def steps_of(self, hyperparameters: Hyperparameters, unrolls: int) -> int:
        """Return the environment steps of so many unrolls of every environment."""
        return unrolls * int(hyperparameters.unroll_length) * self._settings.environments

    def evaluate(
        self, checkpoint: Checkpoint, checkpoints: Checkpoints, *, episodes: int, seed: int
    ) -> EpisodeReturns:
        """Score a checkpoint on start states of its own, in batches of `evaluation_episodes`.

        Raises:
            DamagedRunError: the checkpoint is damaged or of another environment.
        """
        arrays, architectures = self._load(checkpoint, checkpoints)
        programs = self.programs(architectures)
        member = restore(programs.member_shape, arrays, source=f"checkpoint {checkpoint}")
        batches = -(-episodes // self._settings.evaluation_episodes)
        return self._evaluate(programs, member.policy, batch_seeds(seed, batches), episodes)

    def _hyperparameters(self, order: Order) -> Hyperparameters:
        """Return an order's settings of PPO; a distillation has a learning rate and epochs of its own."""
        if not isinstance(order.start, Distil):
            return hyperparameters_of(order.configuration)
        return hyperparameters_of({**order.configuration, **self._settings.distillation.hyperparameters})

    def _trained_with(self, order: Order) -> dict[str, float]:
        """Return, as figures, what an order was trained with instead of what its configuration says."""
        if not isinstance(order.start, Distil):
            return {}
        own = self._settings.distillation.hyperparameters
        return {f"{TRAINED_PREFIX}{name}": float(value) for name, value in own.items()}

    def programs(self, architectures: Architectures, room: Architectures | None = None) -> Programs:
        """Return the programs of these architectures, each compiled when it is first called.

        `room` is what teachers are padded to; without it, the largest networks that the space can propose.
        """
        return self._workshop.programs(architectures, self._room if room is None else room)

    def _learn(self, begun: "Begun") -> tuple[Member, int, list[LossTerms]]:
        order, hyperparameters, member = begun.order, begun.hyperparameters, begun.member
        room = self.room_of([begun])
        programs, seed = self.programs(begun.architectures, room), seed_words(order.seed)
        steps = 0
        losses: list[LossTerms] = []
        buffers = self._workshop.buffers.take()
        while (unrolls := self.next_unrolls(hyperparameters, order.steps - steps)) > 0:
            iteration = iteration_of(seed, len(losses), unrolls)
            tuition = None if begun.tutor is None else begun.tutor.at(steps, room)
            member, buffers, terms = programs.iterate(
                member, begun.starts, buffers, hyperparameters, iteration, tuition
            )
            losses.append(jax.device_get(terms))  # waits, so that progress is real
            steps += self.steps_of(hyperparameters, unrolls)
            self.report(order, steps)
        self._workshop.buffers.give_back(buffers)
        return member, steps, losses

    def report(self, order: Order, steps: int) -> None:
        """Tell whoever wants to know how far an order is; an exception that this raises ends the training."""
        if self._on_progress is not None:
            self._on_progress(order, steps)

    def _starting_member(
        self, order: Order, architectures: Architectures, starts: StartStates, checkpoints: Checkpoints
    ) -> Member:
        """Return the member an order starts from, its environments running."""
        weights = order.start.weights
        if isinstance(order.start, Grow):
            return self._grown(order.start.parent, architectures, order.seed, checkpoints)
        if weights is not None:
            return self._restored(weights, architectures, checkpoints)
        fresh = self.programs(architectures).initialise(seed_words(order.seed), starts)
        if not isinstance(order.start, Distil):
            return fresh
        arrays, taught = self._load(order.start.teacher, checkpoints)
        teacher = restore(member_shape(self._learner, taught), arrays, source="the teacher")
        return fresh._replace(normaliser=teacher.normaliser)  # what it sees is what its teacher saw

    def _grown(
        self, parent: Checkpoint, architectures: Architectures, seed: int, checkpoints: Checkpoints
    ) -> Member:
        arrays, old = self._load(parent, checkpoints)
        check_growth(old.policy, architectures.policy, network="policy")
        check_growth(old.value, architectures.value, network="value")
        shape = member_shape(self._learner, old)
        member = restore(shape, arrays, source=f"checkpoint {parent}")
        return grown(member, architectures, seed_words(seed))

    def _tutor(self, order: Order, checkpoints: Checkpoints) -> Tutor | None:
        """Return what teaches the student of an order, if it is one."""
        if not isinstance(order.start, Distil):
            return None
        arrays, architectures = self._load(order.start.teacher, checkpoints)
        shape = member_shape(self._learner, architectures)
        return Tutor(
            member=restore(shape, arrays, source=f"checkpoint {order.start.teacher}"),
            architectures=architectures,
            start=order.start,
            settings=self._settings.distillation,
        )

    def _restored(
        self, checkpoint: Checkpoint, architectures: Architectures, checkpoints: Checkpoints
    ) -> Member:
        arrays, stored = self._load(checkpoint, checkpoints)
        source = f"checkpoint {checkpoint}"
        if stored != architectures:
            raise InputError(f"{source} holds {stored}, but the configuration names {architectures}")
        return restore(self.programs(architectures).member_shape, arrays, source=source)

    def _load(
        self, checkpoint: Checkpoint, checkpoints: Checkpoints
    ) -> tuple[dict[str, npt.NDArray[Any]], Architectures]:
        arrays, metadata = checkpoints.load(checkpoint)
        environment = metadata.get("environment")
        if environment != self._settings.environment:
            raise DamagedRunError(
                f"checkpoint {checkpoint} is of environment {environment!r}, "
                f"this run is of {self._settings.environment!r}"
            )
        check_metadata(metadata, self._vector.environment, source=f"checkpoint {checkpoint}")
        return arrays, decode(Architectures, metadata["architectures"])

    def _metadata(self, architectures: Architectures) -> Mapping[str, str]:
        return {
            "agent": "ppo",
            "environment": self._settings.environment,
            "architectures": encode(architectures),
            **metadata_of(self._learner.actions),
        }

    def _evaluate(
        self, programs: Programs, policy: Policy, seeds: list[int], episodes: int | None = None
    ) -> EpisodeReturns:
        batches = [programs.evaluate(policy, seed_words(seed)) for seed in seeds]
        return_n = np.concatenate([np.asarray(return_b, dtype=np.float64) for return_b, _ in batches])
        steps = sum(int(steps) for _, steps in batches) * self._settings.evaluation_episodes
        return EpisodeReturns(return_n=return_n[:episodes], steps=steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """An order about to be carried out."""

    order: Order
    architectures: Architectures
    hyperparameters: Hyperparameters
    starts: StartStates  # of the environments' next episodes
    member: Member  # its environments running
    tutor: Tutor | None  # of a student


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """What a training took."""

    steps: int  # environment steps
    losses: list[LossTerms]  # of each iteration
    seconds: float


def _failure(arrays: Mapping[str, npt.NDArray[np.generic]], score: float) -> str | None:
    """Return why nobody should go on from this member, if so."""
    if not np.isfinite(score):
        return f"the mean return is {score}"
    for name, array in arrays.items():
        if name.startswith("parameters.") and not np.all(np.isfinite(array)):
            return f"{name} is not finite"
    return None


def _mean(losses: list[LossTerms], *, distilled: bool) -> dict[str, float]:
    """Return each term's mean over iterations; nothing if there was none."""
    if not losses:
        return {}
    names = [name for name in LossTerms._fields if distilled or not name.startswith("teacher_")]
    return {name: float(np.mean([getattr(terms, name) for terms in losses])) for name in names}
