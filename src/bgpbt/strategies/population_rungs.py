"""How many members train, as a schedule: the race that decides which configurations a budget is spent on.

A score after one round says little about the score that a configuration reaches, so cutting the population
at once throws the winner away. A schedule of rungs keeps more members for longer, as successive halving does
(Jamieson and Talwalkar, 2016), and in the burn-in no member is copied, since scores cannot be trusted yet.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bgpbt import checks
from bgpbt.errors import InputError

__all__ = ["PopulationRung", "check_rungs", "halved_sizes", "halving_rungs", "rank_agreement"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PopulationRung:
    """From when on so many members train: from a share of the budget or a number of rounds, what is earlier.

    Raises:
        InputError: there are no members, or neither a share nor a number of rounds, or one is not allowed.
    """

    members: int
    share: float | None = None  # of the run's budget, in (0, 1)
    rounds: int | None = None  # trained in full

    def __post_init__(self) -> None:
        checks.whole("rungs: members", self.members, 1)
        if self.share is None and self.rounds is None:
            raise InputError(f"rungs: the rung of {self.members} members needs a share or a number of rounds")
        if self.share is not None:
            is_inside = 0.0 < self.share < 1.0
            checks.require(is_inside, "rungs: share", self.share, "above 0 and below 1, of the budget")
        if self.rounds is not None:
            checks.at_least("rungs: rounds", self.rounds, 1)

    def is_due(self, share: float, rounds: int) -> bool:
        """Return whether it begins when a share of the budget is spent and so many rounds are trained."""
        by_share = self.share is not None and share >= self.share
        return by_share or (self.rounds is not None and rounds >= self.rounds)


def check_rungs(rungs: Sequence[PopulationRung], initial: int) -> None:
    """Refuse rungs that are out of order.

    Raises:
        InputError: a rung has as many members as the one before it or more, or does not come later.
    """
    sizes = [initial, *(rung.members for rung in rungs)]
    if any(after >= before for before, after in itertools.pairwise(sizes)):
        raise InputError(f"rungs: members must fall from initial = {initial}, got {sizes[1:]}")
    for name in ("share", "rounds"):
        given = [getattr(rung, name) for rung in rungs if getattr(rung, name) is not None]
        if any(after <= before for before, after in itertools.pairwise(given)):
            raise InputError(f"rungs: {name} must rise from rung to rung, got {given}")


def halved_sizes(members: int, last: int) -> list[int]:
    """Return the sizes after `members`, down to `last`; half of the members leave each time, at most."""
    sizes: list[int] = []
    while members > last:
        members = max(last, -(-members // 2))
        sizes.append(members)
    return sizes


def halving_rungs(initial: int) -> tuple[PopulationRung, ...]:
    """Return the rungs of successive halving: half of the members leave each time, until two are left.

    They begin at 30% to 70% of the budget, evenly: for 16 members 8 at 30%, 4 at 50% and 2 at 70%.
    """
    sizes = halved_sizes(initial, 2)
    gap = 0.4 / (len(sizes) - 1) if len(sizes) > 1 else 0.0
    return tuple(
        PopulationRung(members=size, share=round(0.3 + gap * index, 6)) for index, size in enumerate(sizes)
    )


def rank_agreement(before_m: Sequence[float], after_m: Sequence[float]) -> float:
    """Return Spearman's rank correlation of two rounds' scores; NaN for fewer than three usable members.

    Ties share their mean rank. 1 means that the second round ranked the members as the first did.
    """
    pairs = [(b, a) for b, a in zip(before_m, after_m, strict=True) if math.isfinite(b) and math.isfinite(a)]
    if len(pairs) < 3:
        return math.nan
    rank_2m = np.array([_mean_ranks([pair[side] for pair in pairs]) for side in (0, 1)])
    centred_2m = rank_2m - rank_2m.mean(axis=1, keepdims=True)
    scale = math.sqrt(float(np.prod(np.sum(centred_2m**2, axis=1))))
    return float(centred_2m[0] @ centred_2m[1]) / scale if scale > 0.0 else math.nan


def _mean_ranks(values: Sequence[float]) -> list[float]:
    value_m = np.array(values)
    below_m = np.sum(value_m[:, None] > value_m[None], axis=1)
    equal_m = np.sum(value_m[:, None] == value_m[None], axis=1)
    return [float(rank) for rank in below_m + (equal_m - 1) / 2.0]
