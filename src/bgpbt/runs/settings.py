"""Everything that decides what a run computes, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace

from bgpbt.encoding import ABSENT_IF_DEFAULT, decode
from bgpbt.records import Configuration, Value
from bgpbt.strategies import (
    GenerationSettings,
    PopulationRung,
    PopulationSettings,
    Schedule,
    expected_steps,
    plans_its_rounds,
    population_schedule,
    rungs,
    settings_for,
    strategy_names,
)
from bgpbt.streams import stream

__all__ = ["ExperimentSettings", "derived_seed", "difference", "scheduled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentSettings:
    """Everything that decides what a run computes."""

    environment: str
    strategy: str
    seed: int
    population: int
    initial: int  # configurations of the initial design
    quantile_fraction: float
    t_ready: int  # environment steps
    max_timesteps: int  # environment steps for each member
    budget: int | None = None  # environment steps of all members together; the run ends before it costs more
    environments: int  # copies stepped together
    minibatches: int
    episode_length: int  # environment steps
    evaluation_episodes: int
    test_episodes: int
    policy: tuple[int, int]  # depth and width
    value: tuple[int, int]
    space: str | None = None  # ConfigSpace as JSON; None: the task's own
    t_ready_end: int | None = None  # environment steps
    rungs: tuple[PopulationRung, ...] | None = None  # how many members train, and from when on
    copy_after: float = 0.0  # share of the budget until which no member is copied
    agreement: float | None = None  # rank correlation at which a rung begins early
    search_mode: str = "hpo"  # "hpo": hyperparameters; "both": architectures too, in generations
    generations: GenerationSettings = field(default_factory=GenerationSettings)  # in mode "both"
    kl_coefficient: float = 5.0  # c_pi of distillation
    value_coefficient: float = 0.0  # c_v of distillation
    schedule: str | None = None  # a `bgpbt.strategies.Schedule` as JSON, which one agent trains along
    # Of the strategy, where not its defaults. No part of the hash, which a dictionary has none of.
    options: Mapping[str, Value] = field(default_factory=dict, hash=False)
    reseed: bool = False  # train along it with other seeds than it was found with
    # Configurations, or parts of them, that the initial design begins with.
    start: tuple[Configuration, ...] = field(default=(), hash=False, metadata=ABSENT_IF_DEFAULT)

    @property
    def is_generational(self) -> bool:
        """Whether architectures are searched too, and new generations begin."""
        return self.search_mode == "both"

    @property
    def replayed(self) -> Schedule | None:
        """The schedule that one agent trains along; None: a population trains."""
        return None if self.schedule is None else decode(Schedule, self.schedule)

    @property
    def rounds(self) -> int | None:
        """Number of rounds; None where it is not known beforehand, as with generations or restarts."""
        if self.schedule is not None:
            return len(decode(Schedule, self.schedule).stretches)
        if self.is_generational or self.agreement is not None:
            return None
        if not plans_its_rounds(self.strategy, self.options):
            return None
        return len(self.population_settings.planned_rounds())

    @property
    def expected_steps(self) -> int:
        """Environment steps of all members, if no generation ends before its time."""
        if self.schedule is not None:
            return decode(Schedule, self.schedule).steps
        generations = self.generations if self.is_generational else None
        return expected_steps(self.population_settings, generations)

    @property
    def shortest_order(self) -> int:
        """Environment steps of the shortest order that the run gives, but for the last round's."""
        settings = self.population_settings
        shortest = min(settings.t_ready, settings.t_ready_end or settings.t_ready)
        if not self.is_generational:
            return shortest
        first, *_ = rungs(self.initial, self.population, self.generations.t_distillation)
        return min(shortest, first.until)

    @property
    def population_settings(self) -> PopulationSettings:
        """What the strategy needs to know of the population.

        Raises:
            InputError: a count or a fraction is not allowed.
        """
        settings = PopulationSettings(
            population=self.population,
            initial=self.initial,
            quantile_fraction=self.quantile_fraction,
            t_ready=self.t_ready,
            max_timesteps=self.max_timesteps,
            budget=self.budget,
            t_ready_end=self.t_ready_end,
            rungs=self.rungs,
            copy_after=self.copy_after,
            agreement=self.agreement,
            start=self.start,
        )
        if self.strategy not in strategy_names():
            return settings
        return settings_for(self.strategy, settings, self.options)


def scheduled(settings: ExperimentSettings, name: str) -> ExperimentSettings:
    """Return the settings with the population's schedule of this name: race, parallel or paper.

    Raises:
        InputError: there is no such schedule, or it does not suit the settings.
    """
    schedule = population_schedule(name, settings.population_settings)
    return replace(settings, rungs=schedule.rungs, copy_after=schedule.copy_after)


def difference(stored: ExperimentSettings, given: ExperimentSettings) -> str | None:
    """Return the first field in which two settings differ, with both values, or None."""
    for setting in fields(ExperimentSettings):
        before, now = getattr(stored, setting.name), getattr(given, setting.name)
        if before != now:
            return f"{setting.name} = {before!r} there and {now!r} here"
    return None


def derived_seed(seed: int, purpose: str) -> int:
    """Return the seed of one purpose of a run, in [0, 2**63); no two purposes share a stream."""
    return int(stream(seed, purpose).integers(2**63))
