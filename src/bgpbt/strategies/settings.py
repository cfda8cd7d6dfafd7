"""How large a population is, how long a round, and how much of it is replaced."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from bgpbt.encoding import ABSENT_IF_DEFAULT
from bgpbt.errors import InputError
from bgpbt.records import Configuration
from bgpbt.strategies.initial_design import plain_start
from bgpbt.strategies.population_rungs import PopulationRung, check_rungs

__all__ = ["PopulationSettings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PopulationSettings:
    """What all strategies share; the defaults are those of Wan et al. (2022), section 4.

    With `rungs` the number of members is a schedule, and the run ends when `total` steps are spent: members
    that stay train longer than `max_timesteps`, with the steps of those that left.

    Raises:
        InputError: a count, the fraction, or a combination of them is not allowed.
    """

    t_ready: int  # environment steps of one round
    max_timesteps: int  # environment steps of one member's whole lineage
    population: int = 8  # members
    initial: int = 24  # members of the initial design, of which the best are kept
    quantile_fraction: float = 0.125  # of the population replaced in a round, and as many to replace them
    budget: int | None = None  # environment steps of all members together; None: as many as it takes
    t_ready_end: int | None = None  # length that rounds reach, linearly in steps done; None: always t_ready
    rungs: tuple[PopulationRung, ...] | None = None  # None: `population` members after the first round
    copy_after: float = 0.0  # share of the budget until which no member is copied or perturbed
    agreement: float | None = None  # rank correlation of two rounds at which rungs begin early; None: never
    # Configurations, or parts of them, that the initial design begins with. No part of the hash, which a
    # dictionary has none of.
    start: Sequence[Configuration] = field(default=(), hash=False, metadata=ABSENT_IF_DEFAULT)

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", plain_start(self.start))
        for name in ("t_ready", "max_timesteps", "population", "initial"):
            _check_count(name, getattr(self, name))
        if self.t_ready > self.max_timesteps:
            raise InputError(f"t_ready = {self.t_ready} must be at most max_timesteps = {self.max_timesteps}")
        if self.t_ready_end is not None:
            _check_count("t_ready_end", self.t_ready_end)
        if self.budget is not None:
            _check_count("budget", self.budget)
            if self.budget < self.initial * self.t_ready:
                raise InputError(
                    f"budget = {self.budget} must be at least {self.initial * self.t_ready}: the first round "
                    f"trains initial = {self.initial} members for t_ready = {self.t_ready} steps each"
                )
        if self.initial < self.population:
            raise InputError(f"initial = {self.initial} must be at least population = {self.population}")
        self._check_fraction()
        self._check_race()

    @property
    def is_race(self) -> bool:
        """Whether the number of members follows rungs of its own."""
        return self.rungs is not None

    @property
    def size_rungs(self) -> tuple[PopulationRung, ...]:
        """The rungs of the population; without any, the paper's: all for one round, then the population."""
        return (PopulationRung(members=self.population, rounds=1),) if self.rungs is None else self.rungs

    @property
    def total(self) -> int:
        """Environment steps of all members: the budget or, without one, what the paper's schedule takes."""
        if self.budget is not None:
            return self.budget
        first = min(self.t_ready, self.max_timesteps)
        return self.initial * first + self.population * (self.max_timesteps - first)

    @property
    def limit(self) -> int | None:
        """Environment steps of all members at which the run ends; None: lineages alone end it."""
        return self.total if self.is_race else self.budget

    @property
    def longest(self) -> int:
        """Environment steps of the longest lineage that is possible."""
        if self.rungs is None:
            return self.max_timesteps
        return max(self.t_ready, self.total // (self.rungs[-1].members if self.rungs else self.initial))

    @property
    def targets(self) -> tuple[int, ...]:
        """How far every lineage is trained when a round ends, in environment steps, without new generations.

        The last round may be shorter than the others.
        """
        targets = [self.next_target(0)]
        while targets[-1] < self.longest:
            targets.append(self.next_target(targets[-1]))
        return tuple(targets)

    @property
    def rounds(self) -> int:
        """Number of rounds of a run without new generations."""
        return len(self.targets)

    @property
    def replaced(self) -> int:
        """Number of members that truncation selection replaces in a round of the whole population."""
        return math.floor(self.quantile_fraction * self.population + ROUNDING)

    def replaced_of(self, members: int) -> int:
        """Return how many of so many members are replaced in a round: one at least, if there are two."""
        return max(math.floor(self.quantile_fraction * members + ROUNDING), min(1, members // 2))

    def planned_rounds(self) -> tuple[tuple[int, int], ...]:
        """Return members and steps of each, round by round, as the schedule has it by its shares and rounds.

        A run differs from it where ranks agree early, members fail or a trainer leaves steps out.
        """
        planned: list[tuple[int, int]] = []
        done = spent = rung = 0
        members = self.initial
        while done < self.longest:
            steps = self.next_target(done) - done
            if self.limit is not None:
                excess = -(-max(0, spent + members * steps - self.limit) // members)
                if 2 * excess > steps:
                    break
                if excess:
                    planned.append((members, steps - excess))
                    break
            planned.append((members, steps))
            done, spent = done + steps, spent + members * steps
            while rung < len(self.size_rungs) and self.size_rungs[rung].is_due(
                spent / self.total, len(planned)
            ):
                members, rung = self.size_rungs[rung].members, rung + 1
        return tuple(planned)

    def next_target(self, done: int) -> int:
        """Return how far every lineage is to be trained in the round that begins after `done` steps."""
        length = self.t_ready
        if self.t_ready_end is not None:
            length += round((self.t_ready_end - self.t_ready) * done / self.longest)
        return min(done + length, self.longest)

    def _check_race(self) -> None:
        if not 0.0 <= self.copy_after <= 1.0:
            raise InputError(f"copy_after = {self.copy_after} must be from 0 to 1, a share of the budget")
        if self.agreement is not None and not -1.0 <= self.agreement <= 1.0:
            raise InputError(f"agreement = {self.agreement} must be a rank correlation, from -1 to 1")
        if self.rungs is None:
            return
        check_rungs(self.rungs, self.initial)
        if self.initial * self.t_ready > self.total:
            raise InputError(
                f"initial = {self.initial} members x t_ready = {self.t_ready} is more than the whole budget "
                f"of {self.total} steps; lower one of them"
            )

    def _check_fraction(self) -> None:
        fraction = self.quantile_fraction
        if not 0.0 < fraction <= 0.5:
            raise InputError(f"quantile_fraction = {fraction} must be above 0 and at most 0.5")
        if self.replaced < 1:
            raise InputError(
                f"quantile_fraction = {fraction} of population = {self.population} is "
                f"{fraction * self.population:g} members; it must be at least 1"
            )


ROUNDING = 1e-9
"""Added to a fraction of a count, so that 0.1 of 30 is 3 although 0.1 has no exact binary form."""


def _check_count(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InputError(f"{name} = {value!r} must be a whole number, 1 or more")
