"""When members left a run, and why: the race that decides which configurations its steps are spent on."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from bgpbt.records import Checkpoint, Order, Purpose, Trained

__all__ = ["Cut", "cuts", "first_copy", "reason_to_leave"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """Members that left between two rounds of training."""

    round: int  # the first with fewer members
    before: int  # members
    after: int
    share: float  # of the environment steps trained so far in the whole run
    reason: str  # as the strategy put it; empty: it said none


def cuts(trained: Sequence[Trained]) -> tuple[Cut, ...]:
    """Return when members left, in order of rounds; students that were dropped in distillation do not count.

    The newest round counts with the members that have an outcome, so ask when a round is whole.
    """
    by_round: dict[int, list[Trained]] = {}
    for pair in trained:
        if pair.order.purpose is not Purpose.DISTIL:
            by_round.setdefault(pair.order.round, []).append(pair)
    total = sum(pair.outcome.steps for pair in trained)
    found, spent = [], 0
    for (_, before), (number, after) in pairwise(sorted(by_round.items())):
        spent += sum(pair.outcome.steps for pair in before)
        if len(after) < len(before):
            reason = reason_to_leave(after[0].order, len(before), len(after))
            share = spent / total if total else 0.0
            found.append(Cut(round=number, before=len(before), after=len(after), share=share, reason=reason))
    return tuple(found)


def first_copy(trained: Sequence[Trained]) -> int | None:
    """Return the first round in which two members continue from the same weights, or None."""
    continued: set[tuple[int, Checkpoint]] = set()
    for order, _ in sorted(trained, key=lambda pair: pair.order.round):
        weights = order.start.weights
        if order.purpose is not Purpose.TRAIN or weights is None:
            continue
        if (order.round, weights) in continued:
            return order.round
        continued.add((order.round, weights))
    return None


def reason_to_leave(order: Order, before: int, after: int) -> str:
    """Return why members left, as the strategy noted it on each order of the first round without them.

    Empty where it noted nothing of these numbers of members.
    """
    said = f"{before} members to {after}: "
    notes = [note for note in order.proposal.note.split("; ") if note.startswith(said)]
    return notes[0].removeprefix(said) if notes else ""
