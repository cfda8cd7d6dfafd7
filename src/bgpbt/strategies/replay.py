"""One agent trained along a schedule that a population found: the ancestry of a member, stretch by stretch.

A stretch is an order that is in the member's weights, or in those of a teacher of one of its ancestors. With
the seeds of the schedule and the same trainer every stretch gives the same bytes again; with a seed of its
own a replay shows what the schedule is worth without the luck of the run that found it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bgpbt.errors import InputError
from bgpbt.outcomes import plain_outcomes
from bgpbt.records import (
    Checkpoint,
    Configuration,
    Distil,
    Fresh,
    From,
    Grow,
    Order,
    Outcome,
    Plan,
    Proposal,
    ProposalSource,
    Purpose,
    ShrinkPerturb,
    Start,
)
from bgpbt.streams import order_seed

__all__ = ["Replay", "ReplayState", "Schedule", "Stretch"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """One order of a schedule; others are named by their place in it."""

    parent: int | None  # whose weights it starts from; None: fresh ones
    teacher: int | None = None  # whose policy it is distilled towards; None: not a student
    is_grown: bool = False  # the parent's networks are enlarged
    keep: float | None = None  # share of the parent's weights, if they are shrunk and perturbed
    fresh: float = 0.0  # share of new weights that is added then
    rung: int = 0  # of the successive halving over students
    distilled: int = 0  # environment steps that the student has been distilled for before
    distillation: int = 0  # environment steps of the whole distillation
    round: int  # of the run that made it
    member: int
    generation: int
    purpose: Purpose
    first_step: int  # environment steps of the budget used up before
    steps: int  # environment steps
    seed: int
    score: float  # that it reached in the run that made it
    checkpoint: Checkpoint  # that it left there
    configuration: Configuration


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """The stretches behind a member, each after those it builds on; the last is the member itself.

    Raises:
        InputError: there is none, or one builds on a later one.
    """

    stretches: tuple[Stretch, ...]

    def __post_init__(self) -> None:
        if not self.stretches:
            raise InputError("a schedule needs at least one stretch")
        for index, stretch in enumerate(self.stretches):
            for name in ("parent", "teacher"):
                other = getattr(stretch, name)
                if other is not None and not 0 <= other < index:
                    raise InputError(f"stretch {index}: {name} = {other} must be an earlier stretch")

    @property
    def steps(self) -> int:
        """Environment steps of all stretches."""
        return sum(stretch.steps for stretch in self.stretches)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayState:
    """What a replay has made so far."""

    seed: int | None  # None: the schedule's own seeds
    plan: Plan | None
    made: tuple[Checkpoint, ...]  # by stretch


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """A strategy (`bgpbt.contracts.Strategy`) with one order in each round. It ends early if one fails."""

    schedule: Schedule
    reseed: bool = False  # train with seeds of the run's seed instead of the schedule's own

    @property
    def state_type(self) -> type[ReplayState]:
        """The type of the state, for `bgpbt.encoding`."""
        return ReplayState

    def start(self, seed: int) -> tuple[ReplayState, Plan]:
        """Plan the first stretch."""
        state = ReplayState(seed=seed if self.reseed else None, plan=None, made=())
        plan = self._plan(state)
        return replace(state, plan=plan), plan

    def advance(self, state: ReplayState, outcomes: Sequence[Outcome]) -> tuple[ReplayState, Plan | None]:
        """Plan the next stretch from what the last ones left.

        Raises:
            InputError: the replay has ended, or the outcomes are not those of the plan.
        """
        outcomes = plain_outcomes(outcomes)
        if state.plan is None or [outcome.round for outcome in outcomes] != [state.plan.round]:
            raise InputError("the outcomes are not those of the stretch under way")
        (outcome,) = outcomes
        if outcome.checkpoint is None or outcome.failure is not None:
            return replace(state, plan=None), None
        state = replace(state, plan=None, made=(*state.made, outcome.checkpoint))
        if len(state.made) == len(self.schedule.stretches):
            return state, None
        plan = self._plan(state)
        return replace(state, plan=plan), plan

    def _plan(self, state: ReplayState) -> Plan:
        index = len(state.made)
        stretch = self.schedule.stretches[index]
        order = Order(
            round=index,
            member=0,
            purpose=stretch.purpose,
            start=_start(stretch, state.made),
            configuration=stretch.configuration,
            first_step=stretch.first_step,
            steps=stretch.steps,
            seed=stretch.seed if state.seed is None else order_seed(state.seed, index, 0),
            proposal=Proposal(
                source=ProposalSource.INHERITED,
                note=f"member {stretch.member} of round {stretch.round} in the schedule",
            ),
            generation=stretch.generation,
        )
        return Plan(round=index, orders=(order,))


def _start(stretch: Stretch, made: Sequence[Checkpoint]) -> Start:
    parent = None if stretch.parent is None else made[stretch.parent]
    if stretch.teacher is not None:
        return Distil(
            teacher=made[stretch.teacher],
            student=parent,
            rung=stretch.rung,
            first_step=stretch.distilled,
            total_steps=stretch.distillation,
        )
    if parent is None:
        return Fresh()
    if stretch.keep is not None:
        return ShrinkPerturb(checkpoint=parent, keep=stretch.keep, fresh=stretch.fresh)
    return Grow(parent=parent) if stretch.is_grown else From(checkpoint=parent)
