"""PBT's exploration: multiply by 0.8 or 1.2, or draw anew.

Jaderberg et al. (2017), section 3 and appendix A. A float is multiplied (one that is searched as log(1 - x)
has its complement multiplied) and kept within its bounds; an integer is multiplied and rounded, by one level
at least; an ordinal moves to a neighbouring level; a category has no neighbours and changes only when it is
drawn anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bgpbt import checks
from bgpbt.records import Configuration, ProposalSource, Value
from bgpbt.space import LOG_COMPLEMENT, Space
from bgpbt.space.inputs import Categorical, Continuous, Input, Ordered
from bgpbt.strategies.rules import ClosedRound
from bgpbt.strategies.simple import Nothing
from bgpbt.strategies.truncation_rule import Clone, Explored
from bgpbt.streams import stream

__all__ = ["Perturb", "perturbed"]

MOST_TRIES = 100
"""Perturbations of one configuration that forbidden clauses may reject before it is drawn from the space."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Perturb:
    """PBT's exploration.

    Raises:
        InputError: a factor is not positive, or the probability not in [0, 1].
    """

    space: Space
    factors: tuple[float, float] = (0.8, 1.2)
    resample_probability: float = 0.25  # of each input

    def __post_init__(self) -> None:
        checks.require(all(factor > 0.0 for factor in self.factors), "factors", self.factors, "above 0")
        checks.within("resample_probability", self.resample_probability, 0, 1)

    @property
    def memory_type(self) -> type[Nothing]:
        """Nothing is remembered."""
        return Nothing

    def begin(self) -> Nothing:
        """Return the empty memory."""
        return Nothing()

    def explore(
        self, memory: Nothing, closed: ClosedRound, clones: Sequence[Clone]
    ) -> tuple[Nothing, tuple[Explored, ...]]:
        """Perturb the configuration of each clone's donor."""
        return memory, tuple(
            Explored(
                configuration=self.perturb(
                    clone.donor.configuration, stream(closed.seed, closed.round, f"perturb {clone.slot}")
                ),
                source=ProposalSource.PERTURBED,
            )
            for clone in clones
        )

    def perturb(self, configuration: Configuration, rng: np.random.Generator) -> Configuration:
        """Return a legal configuration near another; an input that was inactive is drawn."""
        for _ in range(MOST_TRIES):
            x_d = [self._coordinate(item, configuration, rng) for item in self.space.inputs]
            (candidate,) = self.space.decode(np.array([x_d]))
            if self.space.is_legal(candidate):
                return candidate
        return self.space.sample(1, rng)[0]

    def _coordinate(self, item: Input, configuration: Configuration, rng: np.random.Generator) -> float:
        is_drawn = rng.random() < self.resample_probability
        if is_drawn or item.name not in configuration:
            return item.coordinate(item.draw(rng))
        factor = self.factors[int(rng.integers(2))]
        return item.coordinate(perturbed(item, configuration[item.name], factor))


def perturbed(item: Input, value: Value, factor: float) -> Value:
    """Return a value moved by a factor: multiplied, or to the next level up or down; bounds are kept."""
    match item:
        case Continuous():
            number = float(value)
            moved = 1.0 - (1.0 - number) * factor if item.transform == LOG_COMPLEMENT else number * factor
            if item.is_integer:
                return _another_integer(int(value), moved, factor, (int(item.low), int(item.high)))
            return min(max(moved, item.low), item.high)
        case Ordered():
            step = 1 if factor > 1.0 else -1
            if _are_consecutive(item.levels):
                bounds = (int(item.levels[0]), int(item.levels[-1]))
                return _another_integer(int(value), float(value) * factor, factor, bounds)
            index = item.levels.index(item.level(value)) + step
            return item.levels[min(max(index, 0), len(item.levels) - 1)]
        case Categorical():
            return value


def _another_integer(value: int, moved: float, factor: float, bounds: tuple[int, int]) -> int:
    """Return a multiplied integer, rounded away from where it was by one at least, within its bounds."""
    step = 1 if factor > 1.0 else -1
    rounded = round(moved)
    far_enough = max(rounded, value + 1) if step > 0 else min(rounded, value - 1)
    return min(max(far_enough, bounds[0]), bounds[1])


def _are_consecutive(levels: Sequence[Value]) -> bool:
    """Return whether levels are all integers of a range, rather than an ordinal's."""
    if not all(isinstance(level, int) and not isinstance(level, bool) for level in levels):
        return False
    return len(levels) > 1 and int(levels[-1]) - int(levels[0]) == len(levels) - 1
