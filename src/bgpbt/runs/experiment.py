"""The parts of a run, made from its settings, which are checked as a whole before anything is touched."""

from dataclasses import dataclass
from typing import Any

from bgpbt import checks
from bgpbt.contracts import Strategy, Trainer
from bgpbt.errors import InputError
from bgpbt.runs.settings import ExperimentSettings
from bgpbt.runs.tasks import Progress, ReadyTask, Task, task_of
from bgpbt.space import Space
from bgpbt.strategies import PopulationSettings, Replay, make_strategy, strategy_options

__all__ = ["Experiment", "assemble", "check_settings", "strategy_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """The parts of a run, ready to go."""

    settings: ExperimentSettings
    space: Space
    strategy: Strategy[Any]
    task: ReadyTask

    @property
    def trainer(self) -> Trainer:
        """Trains one member."""
        return self.task.trainer


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
    task, strategy = _parts(settings)
    ready = task.ready(on_progress, None if like is None else like.task)
    return Experiment(settings=settings, space=task.space, strategy=strategy, task=ready)


def check_settings(settings: ExperimentSettings) -> None:
    """Check the settings of a new run, without making an environment or touching a device.

    This is what `assemble` checks, and whether the trainer reads all of the space.

    Raises:
        InputError: a setting is not allowed; the text names it.
    """
    _parts(settings, is_new=True)


def strategy_of(settings: ExperimentSettings) -> Strategy[Any]:
    """Return the strategy of a run, without a trainer.

    Raises:
        InputError: a setting is not allowed; the text names it.
    """
    return _parts(settings)[1]


def _parts(settings: ExperimentSettings, *, is_new: bool = False) -> tuple[Task, Strategy[Any]]:
    checks.at_least("seed", settings.seed, 0)
    checks.at_least("test_episodes", settings.test_episodes, 1)
    _check_search_mode(settings)
    population = settings.population_settings
    task = task_of(settings, is_new=is_new)
    return task, _strategy(settings, task.space, population)


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


def _check_search_mode(settings: ExperimentSettings) -> None:
    checks.one_of("search_mode", settings.search_mode, ("hpo", "both"))
    if settings.is_generational and settings.strategy != "bgpbt":
        raise InputError(
            f"search_mode = both needs strategy = bgpbt, got {settings.strategy}; others search in mode hpo"
        )
