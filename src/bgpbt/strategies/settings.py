"""How large a population is, how long a round, and how much of it is replaced."""

import math
from dataclasses import dataclass

from bgpbt.errors import InputError

__all__ = ["PopulationSettings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PopulationSettings:
    """What all strategies share; the defaults are those of Wan et al. (2022), section 4.

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

    def __post_init__(self) -> None:
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
                    f"budget = {self.budget} must be at least initial x t_ready = "
                    f"{self.initial * self.t_ready}, what the initial design takes"
                )
        if self.initial < self.population:
            raise InputError(f"initial = {self.initial} must be at least population = {self.population}")
        self._check_fraction()

    @property
    def targets(self) -> tuple[int, ...]:
        """How far every lineage is trained when a round ends, in environment steps, without new generations.

        The last round may be shorter than the others.
        """
        targets = [self.next_target(0)]
        while targets[-1] < self.max_timesteps:
            targets.append(self.next_target(targets[-1]))
        return tuple(targets)

    @property
    def rounds(self) -> int:
        """Number of rounds of a run without new generations."""
        return len(self.targets)

    @property
    def replaced(self) -> int:
        """Number of members that truncation selection replaces in a round."""
        return math.floor(self.quantile_fraction * self.population + ROUNDING)

    def next_target(self, done: int) -> int:
        """Return how far every lineage is to be trained in the round that begins after `done` steps."""
        length = self.t_ready
        if self.t_ready_end is not None:
            length += round((self.t_ready_end - self.t_ready) * done / self.max_timesteps)
        return min(done + length, self.max_timesteps)

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
