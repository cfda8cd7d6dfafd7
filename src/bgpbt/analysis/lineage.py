"""What a run's history says: who made what, the best member and its ancestry, a table of all orders.

Several orders may leave the same bytes, which are one checkpoint. There is one rule for which of them made it
(`Makers.of`), so that all that is said of a run's lineage agrees.

Everything here is a pure function of the orders that have an outcome, as `History.trained` returns them.
"""

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bgpbt.records import (
    TRAINED_PREFIX,
    Checkpoint,
    Configuration,
    Distil,
    Order,
    Outcome,
    Purpose,
    Trained,
)

__all__ = [
    "EVALUATION",
    "TABLE_COLUMNS",
    "BestMember",
    "Generation",
    "Makers",
    "ancestry",
    "best_member",
    "best_of",
    "failures",
    "generations",
    "steps_by_purpose",
    "table",
]

Cell = bool | int | float | str | None

EVALUATION = "evaluation"
"""Stands beside the purposes in a ledger of environment steps."""

TABLE_COLUMNS = (
    "round",
    "member",
    "generation",  # of architectures
    "purpose",
    "start",  # fresh, from, distil, grow or shrinkperturb
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


class Makers:
    """Which order made a checkpoint.

    Args:
        trained: every order that has an outcome, by round and member.
    """

    def __init__(self, trained: Iterable[Trained]) -> None:
        self._of: dict[Checkpoint, list[Trained]] = {}  # one for each round, by round
        for pair in trained:
            checkpoint = pair.outcome.checkpoint
            if checkpoint is None:
                continue
            made = self._of.setdefault(checkpoint, [])
            if not made or made[-1].order.round != pair.order.round:
                made.append(pair)

    def of(self, checkpoint: Checkpoint, before: int | None = None) -> Trained | None:
        """Return the order that made a checkpoint; of several that left the same bytes, the newest.

        Of several in the newest round it is the first member. An order reads what earlier rounds left, so its
        start is asked for with `before` as its own round.

        Args:
            checkpoint: what was made.
            before: a round; orders of it and of later ones do not count. None: all count.
        """
        made = self._of.get(checkpoint, [])
        count = len(made) if before is None else bisect_left(made, before, key=lambda pair: pair.order.round)
        return made[count - 1] if count else None

    def ancestry(self, descendant: Trained) -> tuple[Trained, ...]:
        """Return the orders whose training is in a member's weights, the oldest first, itself last."""
        line = [descendant]
        while (weights := line[-1].order.start.weights) is not None:
            parent = self.of(weights, before=line[-1].order.round)
            if parent is None:
                break
            line.append(parent)
        return tuple(reversed(line))

    def ancestry_and_teachers(self, descendant: Trained) -> tuple[Trained, ...]:
        """Return a member's ancestry; before a student with new weights comes that of its teacher."""
        line = self.ancestry(descendant)
        while isinstance(start := line[0].order.start, Distil):
            teacher = self.of(start.teacher, before=line[0].order.round)
            if teacher is None:
                break
            line = self.ancestry(teacher) + line
        return line


@dataclass(frozen=True, slots=True, kw_only=True)
class BestMember:
    """The member with the highest score of a run, whenever that was."""

    order: Order
    outcome: Outcome
    ancestry: tuple[Trained, ...]  # from new weights to this member, itself included

    @property
    def trained(self) -> Trained:
        """Its order and outcome."""
        return Trained(self.order, self.outcome)

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
    best = best_of(trained)
    if best is None:
        return None
    return BestMember(order=best.order, outcome=best.outcome, ancestry=ancestry(best, trained))


def best_of(trained: Iterable[Trained]) -> Trained | None:
    """Return the best member, as `best_member` does, without its ancestry."""
    sound = [pair for pair in trained if _is_sound(pair.outcome)]
    return max(
        sound, key=lambda pair: (pair.outcome.score, -pair.order.round, -pair.order.member), default=None
    )


def failures(trained: Sequence[Trained]) -> Counter[str]:
    """Return how often an order failed, by reason."""
    return Counter(outcome.failure for _, outcome in trained if outcome.failure is not None)


def ancestry(descendant: Trained, trained: Sequence[Trained]) -> tuple[Trained, ...]:
    """Return the orders whose training is in a member's weights, the oldest first, itself last.

    The weights of a student start with the student's own, or new; its teacher is not an ancestor.
    """
    return Makers(trained).ancestry(descendant)


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
    parts: dict[int, list[Trained]] = {number: [] for number in numbers}
    for pair in trained:
        parts[pair.order.generation].append(pair)
    return tuple(_generation(number, part) for number, part in parts.items())


def _generation(number: int, trained: Sequence[Trained]) -> Generation:
    students = [pair for pair in trained if pair.order.purpose is Purpose.DISTIL]
    best = best_of(pair for pair in trained if pair.order.purpose is not Purpose.DISTIL)
    first_round = min(order.round for order, _ in trained)
    return Generation(
        number=number,
        first_round=first_round,
        last_round=max(order.round for order, _ in trained),
        distillation_steps=sum(outcome.steps for _, outcome in students),
        students=sum(order.round == first_round for order, _ in students),
        best=best,
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
    `model.skill`, `model.lengthscale.NAME` and `region.length`, which holds None where it proposed nothing;
    then one named `trained.NAME` for each hyperparameter that a trainer set to another value than the
    configured, as in a distillation, which holds None where it did not.
    """
    names = sorted({name for order, _ in trained for name in order.configuration})
    figures = sorted({name for order, _ in trained for name in order.proposal.figures})
    used = sorted(
        {name for _, outcome in trained for name in outcome.figures if name.startswith(TRAINED_PREFIX)}
    )
    columns = [*TABLE_COLUMNS, *(f"{CONFIGURATION_PREFIX}{name}" for name in names), *figures, *used]
    rows = [_row(order, outcome, names, figures) for order, outcome in trained]
    return columns, [
        {**row, **{name: outcome.figures.get(name) for name in used}}
        for row, (_, outcome) in zip(rows, trained, strict=True)
    ]


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
