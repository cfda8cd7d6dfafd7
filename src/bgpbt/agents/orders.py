"""What comes before a member's training and after it: an order in, an outcome out.

Both trainers hold an `OrderDesk`: `PPOTrainer`, which trains one member, and `StackedTrainer`, which trains
several in one program.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import jax
import numpy as np

from bgpbt.agents.compiled.program_cache import ProgramCache
from bgpbt.agents.compiled.programs import Programs, grown
from bgpbt.agents.networks.action_space import check_metadata, metadata_of
from bgpbt.agents.networks.architecture import Architectures, architectures_of
from bgpbt.agents.networks.growth import check_growth
from bgpbt.agents.networks.member import Member, arrays_of, restore
from bgpbt.agents.networks.padding import largest_of
from bgpbt.agents.networks.shrink_perturb import shrunk_and_perturbed
from bgpbt.agents.ppo.evaluation import EpisodeReturns
from bgpbt.agents.ppo.hyperparameters import Hyperparameters, hyperparameters_of
from bgpbt.agents.ppo.loss import LossTerms
from bgpbt.agents.ppo.teacher_schedule import TeacherSchedule
from bgpbt.agents.seeds import seed_words
from bgpbt.agents.settings import PPOSettings, Ranges, largest_architectures
from bgpbt.contracts import Arrays, Checkpoints
from bgpbt.encoding import decode, encode
from bgpbt.envs.vector import StartStates
from bgpbt.errors import DamagedRunError, InputError
from bgpbt.records import TRAINED_PREFIX, Checkpoint, Distil, Grow, Order, Outcome, ShrinkPerturb
from bgpbt.space import Space

__all__ = ["Begun", "OrderDesk", "Progress", "Training"]

Progress = Callable[[Order, int], None]
"""Called after every iteration with the order and the environment steps done for it so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """An order about to be carried out."""

    order: Order
    architectures: Architectures
    hyperparameters: Hyperparameters
    starts: StartStates  # of the environments' next episodes
    member: Member  # its environments running
    schedule: TeacherSchedule | None  # of a student


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """What a training took."""

    steps: int  # environment steps
    losses: list[LossTerms]  # of each iteration
    seconds: float


class OrderDesk:
    """Prepares the members that orders name, and makes outcomes of what has been trained.

    `largest` are the largest networks that the space can propose.

    Args:
        settings: what all members have in common.
        space: what configurations can hold.
        cache: of compiled programs, made for such settings and such a space.
        on_progress: told of every iteration; an exception it raises ends the training at once.
    """

    def __init__(
        self, settings: PPOSettings, space: Space, cache: ProgramCache, *, on_progress: Progress | None = None
    ) -> None:
        self._settings = settings
        self._ranges = Ranges.of(space)
        self.largest = largest_architectures(space, settings.architectures)
        self._cache = cache
        self._on_progress = on_progress

    def begin(self, order: Order, checkpoints: Checkpoints) -> Begun:
        """Return the member that an order starts from, and all that its training takes.

        Raises:
            InputError: the configuration does not fit this trainer.
            DamagedRunError: the checkpoint to start from is damaged or of another environment.
        """
        architectures = self.architectures_of(order)
        hyperparameters = self._hyperparameters(order)
        self._ranges.check(hyperparameters)
        starts = self.programs(architectures).draw_starts(seed_words(order.seed))
        schedule = self._teacher_schedule(order, checkpoints)
        weights = order.start.weights
        if weights is None:
            member = self._new(order, architectures, starts, schedule)
        else:
            member = self._continued(order, weights, architectures, starts, checkpoints)
        return Begun(
            order=order,
            architectures=architectures,
            hyperparameters=hyperparameters,
            starts=starts,
            member=member,
            schedule=schedule,
        )

    def conclude(
        self,
        begun: Begun,
        member: Member,
        returns: EpisodeReturns,
        training: Training,
        checkpoints: Checkpoints,
    ) -> Outcome:
        """Store a trained member and return the outcome of its order."""
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
            figures=_mean(training.losses, distilled=begun.schedule is not None)
            | {"score_standard_error": returns.standard_error}
            | self._trained_with(begun.order),
            failure=failure,
        )

    def report(self, order: Order, steps: int) -> None:
        """Tell the callback, if there is one, how far an order is; an exception of its ends the training."""
        if self._on_progress is not None:
            self._on_progress(order, steps)

    def next_unrolls(self, hyperparameters: Hyperparameters, remaining: int) -> int:
        """Return the unrolls of the next iteration, cut to whole unrolls that fit into `remaining` steps."""
        whole = self._settings.unrolls_per_iteration(int(hyperparameters.batch_size))
        return min(whole, remaining // self.steps_of(hyperparameters, 1))

    def steps_of(self, hyperparameters: Hyperparameters, unrolls: int) -> int:
        """Return the environment steps of so many unrolls of every environment."""
        return unrolls * int(hyperparameters.unroll_length) * self._settings.environments

    def padded_to(self, begun: Sequence[Begun]) -> Architectures:
        """Return what networks are padded to: the largest of the space, so that it stays the same.

        Where members or teachers come from outside the space, it is large enough for them too.
        """
        teachers = [one.schedule.architectures for one in begun if one.schedule is not None]
        return largest_of([self.largest, *(one.architectures for one in begun), *teachers])

    def architectures_of(self, order: Order) -> Architectures:
        """Return the networks that an order's configuration names."""
        return architectures_of(order.configuration, self._settings.architectures)

    def programs(self, architectures: Architectures) -> Programs:
        """Return the programs of these architectures, each compiled when it is first called."""
        return self._cache.programs(architectures, self.largest)

    def load(self, checkpoint: Checkpoint, checkpoints: Checkpoints) -> tuple[Member, Architectures]:
        """Return the member that a checkpoint holds, on the host, and the shapes of its networks.

        Raises:
            DamagedRunError: the checkpoint is damaged or of another environment.
        """
        source = f"checkpoint {checkpoint}"
        arrays, metadata = checkpoints.load(checkpoint)
        environment = metadata.get("environment")
        if environment != self._settings.environment:
            raise DamagedRunError(
                f"{source} is of environment {environment!r}, this run is of {self._settings.environment!r}"
            )
        check_metadata(metadata, self._cache.learner.environment.environment, source=source)
        architectures = decode(Architectures, metadata["architectures"])
        return restore(self._cache.member_shape(architectures), arrays, source=source), architectures

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

    def _teacher_schedule(self, order: Order, checkpoints: Checkpoints) -> TeacherSchedule | None:
        """Return what teaches the student of an order, if it is one."""
        if not isinstance(order.start, Distil):
            return None
        member, architectures = self.load(order.start.teacher, checkpoints)
        return TeacherSchedule(
            member=member,
            architectures=architectures,
            start=order.start,
            settings=self._settings.distillation,
        )

    def _new(
        self,
        order: Order,
        architectures: Architectures,
        starts: StartStates,
        schedule: TeacherSchedule | None,
    ) -> Member:
        """Return a member with new networks; a student sees observations as its teacher does."""
        member = self.programs(architectures).initialise(seed_words(order.seed), starts)
        if schedule is None:
            return member
        # A copy: training takes over the student's memory, and the teacher is needed until the end.
        return member._replace(normaliser=jax.tree.map(np.array, schedule.member.normaliser))

    def _continued(
        self,
        order: Order,
        weights: Checkpoint,
        architectures: Architectures,
        starts: StartStates,
        checkpoints: Checkpoints,
    ) -> Member:
        """Return the member that a checkpoint holds, its networks grown or perturbed if the order says so."""
        member, stored = self.load(weights, checkpoints)
        if isinstance(order.start, Grow):
            check_growth(stored.policy, architectures.policy, network="policy")
            check_growth(stored.value, architectures.value, network="value")
            return grown(member, architectures, seed_words(order.seed))
        if stored != architectures:
            raise InputError(
                f"checkpoint {weights} holds {stored}, but the configuration names {architectures}"
            )
        if isinstance(order.start, ShrinkPerturb):
            new = self.programs(architectures).initialise(seed_words(order.seed), starts)
            return shrunk_and_perturbed(member, new, keep=order.start.keep, fresh=order.start.fresh)
        return member

    def _metadata(self, architectures: Architectures) -> Mapping[str, str]:
        return {
            "agent": "ppo",
            "environment": self._settings.environment,
            "architectures": encode(architectures),
            **metadata_of(self._cache.learner.actions),
        }


def _failure(arrays: Arrays, score: float) -> str | None:
    """Return why training cannot continue from this member, if it cannot."""
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
