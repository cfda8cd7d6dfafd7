"""A run's settings, and the strategy and trainer made from them.

The settings are plain values, so that they can be stored with the run and compared with another's. They are
checked as a whole before anything is touched. JAX is imported only where an agent is to be trained.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from bgpbt import envs
from bgpbt.contracts import Strategy, Trainer
from bgpbt.errors import InputError
from bgpbt.records import Order
from bgpbt.space import Space, ppo_space, space_from_json
from bgpbt.strategies import PopulationSettings, make_strategy
from bgpbt.toys import make_toy, toy_names

__all__ = ["TOY_PREFIX", "Experiment", "ExperimentSettings", "assemble", "derived_seed", "difference"]

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
    environments: int  # copies stepped together
    minibatches: int
    episode_length: int  # environment steps
    evaluation_episodes: int
    test_episodes: int
    policy: tuple[int, int]  # depth and width
    value: tuple[int, int]
    space: str | None = None  # ConfigSpace as JSON; None: the task's own

    @property
    def is_toy(self) -> bool:
        """Whether the task is a toy, which needs no environment."""
        return self.environment.startswith(TOY_PREFIX)

    @property
    def population_settings(self) -> PopulationSettings:
        """What the strategy needs to know of the population.

        Raises:
            InputError: a count or a fraction is not allowed.
        """
        return PopulationSettings(
            population=self.population,
            initial=self.initial,
            quantile_fraction=self.quantile_fraction,
            t_ready=self.t_ready,
            max_timesteps=self.max_timesteps,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """The parts of a run, ready to go."""

    settings: ExperimentSettings
    space: Space
    strategy: Strategy[Any]
    trainer: Trainer


def assemble(settings: ExperimentSettings, *, on_progress: Progress | None = None) -> Experiment:
    """Make the strategy and the trainer of a run; nothing is written.

    Raises:
        InputError: a setting is not allowed; the text names it.
    """
    if settings.seed < 0:
        raise InputError(f"seed = {settings.seed} must be 0 or more")
    if settings.test_episodes < 1:
        raise InputError(f"test_episodes = {settings.test_episodes} must be 1 or more")
    population = settings.population_settings
    own_space = None if settings.space is None else space_from_json(settings.space)
    if settings.is_toy:
        space, trainer = _toy(settings, own_space)
    else:
        space, trainer = _ppo(settings, own_space, on_progress)
    strategy = make_strategy(settings.strategy, space=space, settings=population)
    return Experiment(settings=settings, space=space, strategy=strategy, trainer=trainer)


def difference(stored: ExperimentSettings, given: ExperimentSettings) -> str | None:
    """Return the first field in which two settings differ, with both values, or None."""
    for field in fields(ExperimentSettings):
        before, now = getattr(stored, field.name), getattr(given, field.name)
        if before != now:
            return f"{field.name} is {before!r} there and {now!r} here"
    return None


def derived_seed(seed: int, purpose: str) -> int:
    """Return the seed of one purpose of a run, in [0, 2**63); no two purposes share a stream."""
    return int(np.random.default_rng([seed, zlib.crc32(purpose.encode())]).integers(2**63))


def _toy(settings: ExperimentSettings, own_space: Space | None) -> tuple[Space, Trainer]:
    name = settings.environment.removeprefix(TOY_PREFIX)
    if name not in toy_names():
        raise InputError(f"there is no toy task {name!r}; there are {', '.join(toy_names())}")
    if own_space is not None:
        raise InputError(f"{settings.environment} has a space of its own; leave the space out")
    toy = make_toy(name)
    return toy.space, toy


def _ppo(
    settings: ExperimentSettings, own_space: Space | None, on_progress: Progress | None
) -> tuple[Space, Trainer]:
    envs.check_name(settings.environment)
    space = own_space or ppo_space()
    _check_architecture("policy", settings.policy)
    _check_architecture("value", settings.value)
    try:
        from bgpbt.agents import Architecture, Architectures, PPOSettings, PPOTrainer, enable_persistent_cache
    except ModuleNotFoundError as error:
        raise InputError(f"{error.name} is not installed; run pip install 'bgpbt[brax]'") from error
    enable_persistent_cache()
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
    )
    ppo.validate(space, settings.t_ready)
    return space, PPOTrainer(ppo, space, on_progress=on_progress)


def _check_architecture(network: str, depth_and_width: tuple[int, int]) -> None:
    if min(depth_and_width) < 1:
        raise InputError(f"{network} = {depth_and_width}: depth and width must be 1 or more")
