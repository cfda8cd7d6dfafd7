"""Schedules of the population's size by name: which rungs and which burn-in suit a run of so many rounds.

`race`: a score after one round says little about the score that a configuration reaches, so the initial
design trains on together for some rounds, and members leave as scores can be trusted. A short run ends with
half of the population, four members at least, since what the best configurations lack there is steps. A long
run keeps all of it, since what pays there is to adapt hyperparameters (docs/study.md has the measurements).

`parallel`: where every member trains on a device of its own, members that leave would leave it idle. The
number of members stays, and the first copy comes later.

`paper`: Wan et al. (2022): the initial design trains for one round, and its best are the population.
"""

from dataclasses import dataclass, replace

from bgpbt.errors import InputError
from bgpbt.strategies.population_rungs import PopulationRung, halved_sizes
from bgpbt.strategies.settings import PopulationSettings

__all__ = ["SCHEDULES", "PopulationSchedule", "population_schedule", "with_schedule"]

SCHEDULES = ("race", "parallel", "paper")

_FIRST_CUT = 0.3
"""Share of the budget after which the population is left, at the latest."""
_FIRST_CUT_ROUNDS = 4
"""Rounds of the initial design after which ranks can be trusted. On cartpole the rank correlation with the
scores that configurations reach is 0.11 after round 0 and 0.68 after round 3."""
_SECOND_CUT = 0.5
"""Share of the budget after which half of the population is left, in a short run."""
_FEWEST = 4
"""Members that are left at least: of two, the better one would be copied in every round, whatever it is."""
_SHORT = 40
"""Rounds of the whole population, below which a run is short."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PopulationSchedule:
    """How many members train from when on, and until when none is copied."""

    rungs: tuple[PopulationRung, ...] | None = None  # None: the paper's
    copy_after: float = 0.0  # share of the budget


def population_schedule(name: str, settings: PopulationSettings) -> PopulationSchedule:
    """Return the schedule of this name for a run.

    Args:
        name: one of `SCHEDULES`.
        settings: sizes, length of a round and budget; its own rungs and burn-in do not matter.

    Raises:
        InputError: there is no such schedule, or the initial design of `parallel` is not the population.
    """
    if name == "race":
        return _race(settings)
    if name == "parallel":
        if settings.initial != settings.population:
            raise InputError(
                f"population_schedule = parallel keeps the number of members: initial = {settings.initial} "
                f"must be population = {settings.population}"
            )
        return PopulationSchedule(rungs=(), copy_after=_FIRST_CUT)
    if name == "paper":
        return PopulationSchedule()
    raise InputError(f"population_schedule = {name!r} must be {', '.join(SCHEDULES[:-1])} or {SCHEDULES[-1]}")


def with_schedule(settings: PopulationSettings, name: str) -> PopulationSettings:
    """Return the settings with the schedule of this name.

    Raises:
        InputError: see `population_schedule`.
    """
    schedule = population_schedule(name, settings)
    return replace(settings, rungs=schedule.rungs, copy_after=schedule.copy_after)


def _race(settings: PopulationSettings) -> PopulationSchedule:
    bare = replace(settings, rungs=None, copy_after=0.0, agreement=None)
    rounds = bare.total / (bare.population * bare.t_ready)
    last = min(_FIRST_CUT, _FIRST_CUT_ROUNDS * bare.initial * bare.t_ready / bare.total)
    halves = halved_sizes(bare.initial, bare.population)
    cuts = [(size, last * (index + 1) / len(halves)) for index, size in enumerate(halves)]
    half = max(_FEWEST, -(-bare.population // 2))
    if rounds < _SHORT and half < bare.population:
        cuts.append((half, max(_SECOND_CUT, last)))
    shares = [float(f"{share:.6g}") for _, share in cuts]  # as a person would write it
    rungs = tuple(
        PopulationRung(members=size, share=share) for (size, _), share in zip(cuts, shares, strict=True)
    )
    return PopulationSchedule(rungs=rungs, copy_after=shares[-1] if shares else float(f"{last:.6g}"))
