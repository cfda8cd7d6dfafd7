"""The book-keeping that all population strategies share: rounds, targets, debts, seeds.

Round 0 is the initial design. Rungs say how many of the best are kept, and when. The target of a round is how
many steps each lineage is to have when it ends: t_ready more than before, at most as many as a lineage may
have. An order asks for what is missing to it, so steps that a trainer left out are asked for again. What a
member does next is for a `Rule` to say; the core turns it into orders.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar, cast

from bgpbt import checks
from bgpbt.errors import InputError
from bgpbt.outcomes import plain_outcomes
from bgpbt.records import (
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
from bgpbt.space import Space
from bgpbt.strategies.initial_design import initial_design
from bgpbt.strategies.population_rungs import rank_agreement
from bgpbt.strategies.rules import Assignment, ClosedRound, Lesson, Member, Rule
from bgpbt.strategies.selection import best_first
from bgpbt.strategies.settings import PopulationSettings
from bgpbt.streams import order_seed

__all__ = ["Population", "PopulationState"]

Memory = TypeVar("Memory")


@dataclass(frozen=True, slots=True, kw_only=True)
class Descent:
    """What an order does not say about where its member comes from."""

    source: ProposalSource  # of the configuration's last change
    score_before: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PopulationState(Generic[Memory]):
    """Everything a population strategy knows between two rounds."""

    seed: int
    plan: Plan | None  # of the round under way; None: the run has ended
    descents: tuple[Descent, ...]  # by order of the plan
    best: Member | None
    memory: Memory
    spent: int = 0  # environment steps that all members were trained for before this round
    is_last: bool = False  # the budget is used up by this round
    rung: int = 0  # rungs of the population's size that have begun
    has_agreed: bool = False  # whether the ranks of two rounds in a row have agreed


@dataclass(frozen=True, slots=True, kw_only=True)
class _RungStanding:
    """How far the schedule of the population's size is."""

    begun: int  # rungs
    has_agreed: bool
    note: str = ""  # for people: why the last one begins


@dataclass(frozen=True, slots=True, kw_only=True)
class Population(Generic[Memory]):
    """A strategy (`bgpbt.contracts.Strategy`) that trains a population by a rule."""

    space: Space
    settings: PopulationSettings
    rule: Rule[Memory]

    @property
    def state_type(self) -> type[PopulationState[Memory]]:
        """The type of the state, for `bgpbt.encoding`."""
        memory_type = self.rule.memory_type
        return cast(type[PopulationState[Memory]], PopulationState[memory_type])  # type: ignore[valid-type]

    def start(self, seed: int) -> tuple[PopulationState[Memory], Plan]:
        """Open a run with the initial design.

        Raises:
            InputError: the seed is negative, or a given configuration is not in the space.
        """
        checks.at_least("seed", seed, 0)
        design = initial_design(self.space, self.settings.start, self.settings.initial, seed)
        assignments = tuple(
            Assignment(parent=None, configuration=d.configuration, source=d.source, note=d.note)
            for d in design
        )
        return self._open(seed, 0, assignments, self.settings.next_target(0), None, self.rule.begin())

    def advance(
        self, state: PopulationState[Memory], outcomes: Sequence[Outcome]
    ) -> tuple[PopulationState[Memory], Plan | None]:
        """Close a round with its outcomes and plan the next; None ends the run.

        Raises:
            InputError: the run has ended, a field of an outcome has a wrong value, or the outcomes are not
                those of the plan.
        """
        if state.plan is None:
            raise InputError("the run has ended; there is no round to close")
        outcomes = plain_outcomes(outcomes)
        members = _members(state, outcomes)
        spent = state.spent + sum(outcome.steps for outcome in outcomes)
        rung = self._next_rung(state, members, spent)
        closed = self._close(state, members, rung, spent)
        if closed.target >= self.settings.longest or state.is_last:
            return replace(state, plan=None, descents=(), best=closed.best), None
        memory, assignments = self.rule.assign(state.memory, closed)
        if not assignments:
            return replace(state, plan=None, descents=(), best=closed.best, memory=memory), None
        assignments = _with_note(assignments, closed.note)
        target = self._target(closed, assignments)
        opened, plan = self._open(state.seed, closed.round + 1, assignments, target, closed.best, memory)
        affordable = self._affordable(plan, spent)
        opened = replace(
            opened,
            plan=affordable,
            spent=spent,
            is_last=affordable is not plan,
            rung=rung.begun,
            has_agreed=rung.has_agreed,
        )
        return (opened if affordable else replace(opened, descents=())), affordable

    def _target(self, closed: ClosedRound, assignments: Sequence[Assignment]) -> int:
        """Return how far every lineage is to be trained in the coming round, in environment steps."""
        length = assignments[0].length
        if length is None:
            return self.settings.next_target(closed.target)
        return min(closed.target + length, self.settings.longest)

    def _next_rung(
        self, state: PopulationState[Memory], members: Sequence[Member], spent: int
    ) -> "_RungStanding":
        """Return which rung begins with the next round, and why; students have rungs of their own."""
        assert state.plan is not None
        if state.plan.orders[0].purpose is Purpose.DISTIL:
            return _RungStanding(begun=state.rung, has_agreed=state.has_agreed)
        rungs, begun, note = self.settings.size_rungs, state.rung, ""
        share, rounds = spent / self.settings.total, state.plan.round + 1
        while begun < len(rungs) and rungs[begun].is_due(share, rounds):
            begun += 1
            note = f"{100.0 * share:.0f}% of the budget is spent"
        agreement = rank_agreement([m.score_before for m in members], [m.score for m in members])
        agrees = self.settings.agreement is not None and agreement >= self.settings.agreement
        if agrees and begun == state.rung and begun < len(rungs):
            begun += 1
            note = f"the ranks of two rounds agree ({agreement:.2f})"
        return _RungStanding(begun=begun, has_agreed=state.has_agreed or agrees, note=note)

    def _close(
        self, state: PopulationState[Memory], members: tuple[Member, ...], rung: "_RungStanding", spent: int
    ) -> ClosedRound:
        assert state.plan is not None
        settings = self.settings
        size = settings.size_rungs[rung.begun - 1].members if rung.begun else settings.initial
        ranking = best_first([member.score if member.is_usable else float("nan") for member in members])
        kept = tuple(members[slot] for slot in sorted(ranking[:size]))
        has_left = settings.is_race and len(kept) < len(members)
        return ClosedRound(
            seed=state.seed,
            round=state.plan.round,
            target=max(order.first_step + order.steps for order in state.plan.orders),
            members=members,
            kept=kept,
            best=_better(state.best, members[ranking[0]]),
            can_copy=rung.has_agreed or spent >= settings.copy_after * settings.total,
            left=None if settings.limit is None else settings.limit - spent,
            note=f"{len(members)} members to {len(kept)}: {rung.note}" if has_left else "",
        )

    def _affordable(self, plan: Plan, spent: int) -> Plan | None:
        """Return the plan, its orders equally shorter where the budget asks for it, or None.

        A round that would come to less than half of what was planned for any member is not worth beginning,
        and students of a rung train as long as they should or not at all.
        """
        limit = self.settings.limit
        if limit is None:
            return plan
        asked = sum(order.steps for order in plan.orders)
        excess = -(-max(0, spent + asked - limit) // len(plan.orders))
        if excess == 0:
            return plan
        if any(order.purpose is Purpose.DISTIL or 2 * excess > order.steps for order in plan.orders):
            return None
        return replace(
            plan, orders=tuple(replace(order, steps=order.steps - excess) for order in plan.orders)
        )

    def _open(
        self,
        seed: int,
        round_index: int,
        assignments: tuple[Assignment, ...],
        target: int,
        best: Member | None,
        memory: Memory,
    ) -> tuple[PopulationState[Memory], Plan]:
        orders = tuple(
            _order(seed, round_index, slot, assignment, target) for slot, assignment in enumerate(assignments)
        )
        plan = Plan(round=round_index, orders=orders)
        descents = tuple(_descent(assignment) for assignment in assignments)
        return PopulationState(seed=seed, plan=plan, descents=descents, best=best, memory=memory), plan


def _order(seed: int, round_index: int, slot: int, assignment: Assignment, target: int) -> Order:
    parent, lesson = assignment.parent, assignment.lesson
    if parent is not None:
        first_step = parent.steps
    else:
        first_step = assignment.begun_at if lesson is None else lesson.begun_at
    if lesson is not None:
        target = lesson.begun_at + lesson.until
    return Order(
        round=round_index,
        member=slot,
        purpose=_purpose(round_index, lesson),
        start=_start(assignment, first_step),
        configuration=assignment.configuration,
        first_step=first_step,
        steps=target - first_step,
        seed=order_seed(seed, round_index, slot),
        proposal=Proposal(
            source=assignment.source,
            parent=parent.slot if parent is not None and parent.slot != slot else None,
            note=assignment.note,
            figures=assignment.figures,
        ),
        generation=assignment.generation,
    )


def _purpose(round_index: int, lesson: Lesson | None) -> Purpose:
    if lesson is not None:
        return Purpose.DISTIL
    return Purpose.INITIAL if round_index == 0 else Purpose.TRAIN


def _start(assignment: Assignment, first_step: int) -> Start:
    parent, lesson, shrinkage = assignment.parent, assignment.lesson, assignment.shrinkage
    checkpoint = None if parent is None else parent.checkpoint
    assert parent is None or checkpoint is not None
    if lesson is not None and not lesson.is_grown:
        return Distil(
            teacher=lesson.teacher,
            student=checkpoint,
            rung=lesson.rung,
            first_step=first_step - lesson.begun_at,
            total_steps=lesson.total,
        )
    if checkpoint is not None and shrinkage is not None:
        return ShrinkPerturb(checkpoint=checkpoint, keep=shrinkage.keep, fresh=shrinkage.fresh)
    if checkpoint is not None:
        return From(checkpoint=checkpoint)
    return Fresh() if lesson is None else Grow(parent=lesson.teacher)


def _descent(assignment: Assignment) -> Descent:
    parent = assignment.parent
    if parent is None:
        return Descent(source=assignment.source, score_before=float("nan"))
    inherited = assignment.source is ProposalSource.INHERITED
    return Descent(
        source=parent.source if inherited else assignment.source,
        score_before=parent.score if assignment.shrinkage is None else float("nan"),  # nobody has scored it
    )


def _members(state: PopulationState[Memory], outcomes: Sequence[Outcome]) -> tuple[Member, ...]:
    assert state.plan is not None
    orders = state.plan.orders
    if [(o.round, o.member) for o in outcomes] != [(o.round, o.member) for o in orders]:
        raise InputError(
            f"round {state.plan.round} needs the outcomes of members 0 to {len(orders) - 1}, in order, got "
            f"(round, member) {', '.join(f'({o.round}, {o.member})' for o in outcomes) or 'none'}"
        )
    return tuple(
        _member(order, descent, outcome)
        for order, descent, outcome in zip(orders, state.descents, outcomes, strict=True)
    )


def _with_note(assignments: tuple[Assignment, ...], note: str) -> tuple[Assignment, ...]:
    """Let every order of a round say why members have left before it."""
    if not note:
        return assignments
    return tuple(
        replace(assignment, note="; ".join(part for part in (note, assignment.note) if part))
        for assignment in assignments
    )


def _member(order: Order, descent: Descent, outcome: Outcome) -> Member:
    if not 0 <= outcome.steps <= order.steps:
        raise InputError(
            f"member {order.member} of round {order.round} trained {outcome.steps} steps; "
            f"its order allows 0 to {order.steps}"
        )
    has_failed = outcome.failure is not None
    return Member(
        slot=order.member,
        configuration=order.configuration,
        source=descent.source,
        checkpoint=None if has_failed else outcome.checkpoint,
        steps=order.first_step + outcome.steps,
        trained=outcome.steps,
        score=float("nan") if has_failed else outcome.score,
        score_before=descent.score_before,
        is_new=order.proposal.source is not ProposalSource.INHERITED,
    )


def _better(best: Member | None, challenger: Member) -> Member | None:
    """Return the better of two; of equals the first."""
    if not challenger.is_usable:
        return best
    return challenger if best is None or challenger.score > best.score else best
