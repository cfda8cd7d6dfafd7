"""A run's settings, and the strategy and trainer made from them.

The settings are plain values, so that they can be stored with the run and compared with another's. They are
checked as a whole before anything is touched. JAX is imported only where an agent is to be trained.
"""

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bgpbt import envs
from bgpbt.contracts import Strategy, Trainer
from bgpbt.encoding import decode
from bgpbt.errors import InputError
from bgpbt.records import Order, Value
from bgpbt.space import Space, ppo_space, space_from_json, with_architectures
from bgpbt.strategies import (
    GenerationSettings,
    PopulationRung,
    PopulationSettings,
    Replay,
    Schedule,
    expected_steps,
    make_strategy,
    rungs,
    settings_for,
    strategy_names,
    strategy_options,
)
from bgpbt.toys import Toy, make_toy, toy_names

if TYPE_CHECKING:
    from bgpbt.agents import PPOSettings

__all__ = [
    "TOY_PREFIX",
    "Experiment",
    "ExperimentSettings",
    "assemble",
    "check_settings",
    "derived_seed",
    "difference",
]

TOY_PREFIX = "toy:"

Progress = Callable[[Order, int], None]


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

    @property
    def is_toy(self) -> bool:
        """Whether the task is a toy, which needs no environment."""
        return self.environment.startswith(TOY_PREFIX)

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
        """Number of rounds; None where nobody knows it beforehand, as with generations."""
        if self.schedule is not None:
            return len(decode(Schedule, self.schedule).stretches)
        if self.is_generational or self.agreement is not None:
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
        shortest = min(self.t_ready, self.t_ready_end or self.t_ready)
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
        )
        return settings_for(self.strategy, settings) if self.strategy in strategy_names() else settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """The parts of a run, ready to go."""

    settings: ExperimentSettings
    space: Space
    strategy: Strategy[Any]
    trainer: Trainer


def assemble(
    settings: ExperimentSettings, *, on_progress: Progress | None = None, like: Experiment | None = None
) -> Experiment:
    """Make the strategy and the trainer of a run; nothing is written.

    Args:
        settings: of the run.
        on_progress: told of every iteration.
        like: a run whose compiled programs are used again, where they fit.

    Raises:
        InputError: a setting is not allowed; the text names it.
    """
    space, strategy, task = _parts(settings)
    trainer = task if isinstance(task, Toy) else _ppo_trainer(task, space, on_progress, like)
    return Experiment(settings=settings, space=space, strategy=strategy, trainer=trainer)


def check_settings(settings: ExperimentSettings) -> None:
    """Check what `assemble` checks, without making an environment or touching a device.

    Raises:
        InputError: a setting is not allowed; the text names it.
    """
    _parts(settings)


def _parts(settings: ExperimentSettings) -> "tuple[Space, Strategy[Any], Toy | PPOSettings]":
    """Return the space, the strategy, and the toy or what to make a trainer from."""
    if settings.seed < 0:
        raise InputError(f"seed = {settings.seed} must be 0 or more")
    if settings.test_episodes < 1:
        raise InputError(f"test_episodes = {settings.test_episodes} must be 1 or more")
    _check_search_mode(settings)
    population = settings.population_settings
    own_space = None if settings.space is None else space_from_json(settings.space)
    space, task = _toy(settings, own_space) if settings.is_toy else _ppo(settings, own_space)
    return space, _strategy(settings, space, population), task


def _strategy(settings: ExperimentSettings, space: Space, population: PopulationSettings) -> Strategy[Any]:
    schedule = settings.replayed
    if schedule is not None:
        for index, stretch in enumerate(schedule.stretches):
            space.validate(stretch.configuration, source=f"stretch {index} of the schedule")
        return Replay(schedule=schedule, reseed=settings.reseed)
    options = strategy_options(settings.strategy, settings.options)
    if settings.is_generational:
        options["generations"] = settings.generations
    return make_strategy(settings.strategy, space=space, settings=population, **options)


def difference(stored: ExperimentSettings, given: ExperimentSettings) -> str | None:
    """Return the first field in which two settings differ, with both values, or None."""
    for setting in fields(ExperimentSettings):
        before, now = getattr(stored, setting.name), getattr(given, setting.name)
        if before != now:
            return f"{setting.name} is {before!r} there and {now!r} here"
    return None


def derived_seed(seed: int, purpose: str) -> int:
    """Return the seed of one purpose of a run, in [0, 2**63); no two purposes share a stream."""
    return int(np.random.default_rng([seed, zlib.crc32(purpose.encode())]).integers(2**63))


def _toy(settings: ExperimentSettings, own_space: Space | None) -> tuple[Space, Toy]:
    name = settings.environment.removeprefix(TOY_PREFIX)
    if name not in toy_names():
        raise InputError(f"there is no toy task {name!r}; there are {', '.join(toy_names())}")
    if own_space is not None:
        raise InputError(f"{settings.environment} has a space of its own; leave the space out")
    toy = make_toy(name)
    if settings.is_generational:
        if not toy.has_architectures:
            raise InputError(f"{settings.environment} has no architectures to search; use search mode hpo")
        toy = replace(toy, space=with_architectures(toy.space))
    return toy.space, toy


def _ppo(settings: ExperimentSettings, own_space: Space | None) -> "tuple[Space, PPOSettings]":
    envs.check_name(settings.environment)
    space = own_space or ppo_space()
    if settings.is_generational:
        space = with_architectures(space)
    _check_architecture("policy", settings.policy)
    _check_architecture("value", settings.value)
    try:
        from bgpbt.agents import Architecture, Architectures, DistillationSettings, PPOSettings
    except ModuleNotFoundError as error:
        raise InputError(f"{error.name} is not installed; run pip install 'bgpbt[brax]'") from error
    ppo = PPOSettings(
        environment=settings.environment,
        environments=settings.environments,
        minibatches=settings.minibatches,
        episode_length=settings.episode_length,
        evaluation_episodes=settings.evaluation_episodes,
        evaluation_seed=derived_seed(settings.seed, "evaluation"),
        architectures=Architectures(
            policy=Architecture(depth=settings.policy[0], width=settings.policy[1]),
            value=Architecture(depth=settings.value[0], width=settings.value[1]),
        ),
        distillation=DistillationSettings(
            kl_coefficient=settings.kl_coefficient, value_coefficient=settings.value_coefficient
        ),
    )
    ppo.validate(space, settings.t_ready)
    _check_rungs(settings, ppo.one_unroll(space))
    return space, ppo


def _ppo_trainer(
    settings: "PPOSettings", space: Space, on_progress: Progress | None, like: Experiment | None
) -> Trainer:
    from bgpbt.agents import PPOTrainer, enable_persistent_cache

    enable_persistent_cache()
    if like is not None and isinstance(like.trainer, PPOTrainer):
        shared = like.trainer.sharing(settings, space, on_progress=on_progress)
        if shared is not None:
            return shared
    return PPOTrainer(settings, space, on_progress=on_progress)


def _check_search_mode(settings: ExperimentSettings) -> None:
    if settings.search_mode not in ("hpo", "both"):
        raise InputError(f"search_mode = {settings.search_mode!r} must be hpo or both")
    if settings.is_generational and settings.strategy != "bgpbt":
        raise InputError(
            f"search mode both needs strategy bgpbt, got {settings.strategy}; others search in mode hpo"
        )


def _check_rungs(settings: ExperimentSettings, one_unroll: int) -> None:
    if settings.shortest_order < one_unroll:
        raise InputError(
            f"t_ready_end = {settings.t_ready_end} and the rungs of t_distillation = "
            f"{settings.generations.t_distillation} make rounds of {settings.shortest_order} steps, less "
            f"than one unroll of all environments ({one_unroll}); raise them or lower environments"
        )


def _check_architecture(network: str, depth_and_width: tuple[int, int]) -> None:
    if min(depth_and_width) < 1:
        raise InputError(f"{network} = {depth_and_width}: depth and width must be 1 or more")
