"""What a run's history says: the best member and its ancestry, a table of every order, steps by purpose.

Everything here is a pure function of the orders that have an outcome, as `History.trained` returns them.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bgpbt.records import Configuration, Distil, Fresh, From, Grow, Order, Outcome, Purpose, Start

__all__ = [
    "EVALUATION",
    "TABLE_COLUMNS",
    "BestMember",
    "Generation",
    "Trained",
    "ancestry",
    "best_member",
    "failures",
    "generations",
    "steps_by_purpose",
    "table",
]

Trained = tuple[Order, Outcome]
Cell = bool | int | float | str | None

EVALUATION = "evaluation"
"""Stands beside the purposes in a ledger of environment steps."""

TABLE_COLUMNS = (
    "round",
    "member",
    "generation",  # of architectures
    "purpose",
    "start",  # fresh, from, distil or grow
    "first_step",  # environment steps that the starting weights had been trained for
    "steps",  # environment steps trained in this round
    "total_steps",  # environment steps that the weights have been trained for since
    "score",
    "source",  # where the configuration came from
    "parent",  # member of the previous round whose weights were taken over, if another's
    "teacher",  # checkpoint that a student learns from
    "rung",  # of the successive halving over students
    "note",
    "failure",
    "evaluation_steps",
    "seconds",
    "checkpoint",
)
"""The columns of `table` that every run has, in sequence; the hyperparameters follow."""

CONFIGURATION_PREFIX = "config."  # keeps a hyperparameter named `steps` apart from the column


@dataclass(frozen=True, slots=True, kw_only=True)
class BestMember:
    """The member with the highest score of a run, whenever that was."""

    order: Order
    outcome: Outcome
    ancestry: tuple[Trained, ...]  # from new weights to this member, itself included

    @property
    def configuration(self) -> Configuration:
        """What it was trained with last."""
        return self.order.configuration

    @property
    def total_steps(self) -> int:
        """Environment steps behind its weights."""
        return self.order.first_step + self.outcome.steps


def best_member(trained: Sequence[Trained]) -> BestMember | None:
    """Return the member with the highest finite score and a checkpoint, of equals the first; or None."""
    sound = [pair for pair in trained if _is_sound(pair[1])]
    if not sound:
        return None
    order, outcome = max(sound, key=lambda pair: (pair[1].score, -pair[0].round, -pair[0].member))
    return BestMember(order=order, outcome=outcome, ancestry=ancestry((order, outcome), trained))


def failures(trained: Sequence[Trained]) -> Counter[str]:
    """Return how often an order failed, by reason."""
    return Counter(outcome.failure for _, outcome in trained if outcome.failure is not None)


def ancestry(descendant: Trained, trained: Sequence[Trained]) -> tuple[Trained, ...]:
    """Return the orders whose training is in a member's weights, the oldest first, itself last.

    The weights of a student start with the student's own, or new; its teacher is not an ancestor.
    """
    line = [descendant]
    while (parent := _parent(line[-1][0], trained)) is not None:
        line.append(parent)
    return tuple(reversed(line))


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """What one generation of architectures did."""

    number: int  # 0 is the first
    first_round: int
    last_round: int
    distillation_steps: int  # environment steps of all its students
    students: int  # of its first rung; 0: it began with the run
    best: Trained | None  # its best member as a member of the population


def generations(trained: Sequence[Trained]) -> tuple[Generation, ...]:
    """Return every generation that a run has come to, in order."""
    numbers = sorted({order.generation for order, _ in trained})
    return tuple(
        _generation(number, [pair for pair in trained if pair[0].generation == number]) for number in numbers
    )


def _generation(number: int, trained: Sequence[Trained]) -> Generation:
    students = [pair for pair in trained if pair[0].purpose is Purpose.DISTIL]
    best = best_member([pair for pair in trained if pair[0].purpose is not Purpose.DISTIL])
    first_round = min(order.round for order, _ in trained)
    return Generation(
        number=number,
        first_round=first_round,
        last_round=max(order.round for order, _ in trained),
        distillation_steps=sum(outcome.steps for _, outcome in students),
        students=sum(order.round == first_round for order, _ in students),
        best=None if best is None else (best.order, best.outcome),
    )


def steps_by_purpose(trained: Sequence[Trained]) -> dict[str, int]:
    """Return environment steps by purpose, those spent on scores under `EVALUATION`."""
    steps: dict[str, int] = {}
    for order, outcome in trained:
        steps[order.purpose.value] = steps.get(order.purpose.value, 0) + outcome.steps
        steps[EVALUATION] = steps.get(EVALUATION, 0) + outcome.evaluation_steps
    return steps


def table(trained: Sequence[Trained]) -> tuple[list[str], list[Mapping[str, Cell]]]:
    """Return column names and one row for each order that has an outcome, by round and member.

    After `TABLE_COLUMNS` comes one column for each hyperparameter, named `config.NAME`, which holds None
    where the hyperparameter is inactive; then one for each figure of the strategy's model, such as
    `model.skill`, `model.lengthscale.NAME` and `region.length`, which holds None where it proposed nothing.
    """
    names = sorted({name for order, _ in trained for name in order.configuration})
    figures = sorted({name for order, _ in trained for name in order.proposal.figures})
    columns = [*TABLE_COLUMNS, *(f"{CONFIGURATION_PREFIX}{name}" for name in names), *figures]
    return columns, [_row(order, outcome, names, figures) for order, outcome in trained]


def _row(order: Order, outcome: Outcome, names: Sequence[str], figures: Sequence[str]) -> Mapping[str, Cell]:
    row: dict[str, Cell] = {
        "round": order.round,
        "member": order.member,
        "generation": order.generation,
        "purpose": order.purpose.value,
        "start": type(order.start).__name__.lower(),
        "first_step": order.first_step,
        "steps": outcome.steps,
        "total_steps": order.first_step + outcome.steps,
        "score": outcome.score,
        "source": order.proposal.source.value,
        "parent": order.proposal.parent,
        "teacher": order.start.teacher if isinstance(order.start, Distil) else None,
        "rung": order.start.rung if isinstance(order.start, Distil) else None,
        "note": order.proposal.note,
        "failure": outcome.failure,
        "evaluation_steps": outcome.evaluation_steps,
        "seconds": outcome.seconds,
        "checkpoint": outcome.checkpoint,
    }
    row |= {f"{CONFIGURATION_PREFIX}{name}": order.configuration.get(name) for name in names}
    return row | {name: order.proposal.figures.get(name) for name in figures}


def _is_sound(outcome: Outcome) -> bool:
    return outcome.checkpoint is not None and outcome.failure is None and math.isfinite(outcome.score)


def _parent(order: Order, trained: Sequence[Trained]) -> Trained | None:
    """Return the order that made the weights this one starts from.

    Equal checkpoints are the same file, so several orders may have made it; the newest is taken, and any is
    as good, since what they made is equal.
    """
    checkpoint = _weights(order.start)
    if checkpoint is None:
        return None
    makers = [pair for pair in trained if pair[1].checkpoint == checkpoint and pair[0].round < order.round]
    return max(makers, key=lambda pair: (pair[0].round, -pair[0].member), default=None)


def _weights(start: Start) -> str | None:
    match start:
        case Fresh():
            return None
        case From(checkpoint=checkpoint):
            return checkpoint
        case Distil(student=student):
            return student
        case Grow(parent=parent):
            return parent
