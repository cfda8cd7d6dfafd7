"""A whole run in one call, for who has a trainer and a space of their own."""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bgpbt import checks
from bgpbt.analysis.lineage import BestMember, best_member, failures
from bgpbt.contracts import Checkpoints, Executor, Strategy, Trainer
from bgpbt.encoding import encode
from bgpbt.errors import InputError
from bgpbt.execution.local import LocalExecutor
from bgpbt.execution.loop import Observer, run_loop
from bgpbt.records import Trained
from bgpbt.space import Space, space_to_json
from bgpbt.storage import RunDirectory, create_run, open_run, there_is_something
from bgpbt.strategies import PopulationSettings, make_strategy

__all__ = ["Optimised", "Options", "optimise"]

_LOGGER = logging.getLogger("bgpbt")

MakeExecutor = Callable[[Trainer, Checkpoints], Executor]
"""From a trainer and where it keeps checkpoints to what runs it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a run is done; of these, the seed and the strategy decide what comes of it."""

    strategy: str = "bgpbt"  # by name, as `bgpbt.strategies.strategy_names` lists them
    seed: int = 0
    max_parallel: int = 1  # members trained at the same time, at most
    executor: MakeExecutor | None = None  # None: threads of this process, `max_parallel` of them
    observer: Observer = lambda event: None  # told of every event


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimised:
    """A run that is over."""

    run: RunDirectory
    trained: tuple[Trained, ...]  # every order and its outcome, by round and member

    @property
    def best(self) -> BestMember | None:
        """The member with the highest score of all rounds; None if every member failed."""
        return best_member(self.trained)

    @property
    def failures(self) -> dict[str, int]:
        """How often an order failed, by reason, the most frequent first."""
        return dict(failures(self.trained).most_common())


def optimise(
    trainer: Trainer,
    space: Space,
    settings: PopulationSettings,
    path: Path | str,
    *,
    options: Options | None = None,
    exist: str = "resume",
) -> Optimised:
    """Train a population while a strategy rewrites the hyperparameters of its weakest members.

    A run that is there already is continued, or only read if it is over, so that a script which was
    interrupted is simply started again. A logger named `bgpbt` says when nothing was trained.

    Args:
        trainer: trains and scores one member; see `bgpbt.contracts.Trainer` and `bgpbt.trainers`.
        space: the hyperparameters to search.
        settings: size of the population, length of a round and of the run; a step is what the trainer says.
        path: directory of the run.
        options: strategy, seed, and where members are trained.
        exist: what to do with a run that is there: `resume` or `overwrite`.

    Raises:
        InputError: a setting is not allowed, the trainer's `check_space` refuses the space of a new run, or
            the run that is there was started with another setting.
        RoundFailedError: every member of a round failed; the next start trains that round again.
        DamagedRunError: the run that is there is damaged.
        StorageError: the file system refuses.
    """
    options = options or Options()
    check_space = getattr(trainer, "check_space", None)
    if check_space is not None and not Path(path).exists():  # a run that is there began under its own rules
        check_space(space)
    strategy = make_strategy(options.strategy, space=space, settings=settings)
    checks.one_of("exist", exist, ("resume", "overwrite"))
    configuration = _configuration(space, settings, options)
    run = _run_directory(Path(path), configuration, options.seed, overwrite=exist == "overwrite")
    return _carry_on(run, trainer, strategy, options)


def _configuration(space: Space, settings: PopulationSettings, options: Options) -> dict[str, Any]:
    return {
        "strategy": options.strategy,
        "seed": options.seed,
        "settings": json.loads(encode(settings)),
        "space": json.loads(space_to_json(space)),
    }


def _run_directory(path: Path, configuration: dict[str, Any], seed: int, *, overwrite: bool) -> RunDirectory:
    if overwrite or not there_is_something(path):
        return create_run(path, configuration, seed=seed, overwrite=overwrite)
    run = open_run(path)
    stored = run.description.configuration
    for name, value in configuration.items():
        if stored.get(name) != value:
            raise InputError(f"{path} holds a run with another {name}; give it a path of its own")
    return run


def _carry_on(run: RunDirectory, trainer: Trainer, strategy: Strategy[Any], options: Options) -> Optimised:
    if options.executor is None:
        executor: Executor = LocalExecutor(trainer, run.checkpoints, options.max_parallel)
    else:
        executor = options.executor(trainer, run.checkpoints)
    with run.locked(), run.open_history() as history:
        position = history.position(strategy.state_type)
        if position is not None and position.plan is None:
            _LOGGER.warning('%s is over; nothing was trained (exist="overwrite" trains it anew)', run.path)
        run_loop(strategy, executor, history, run.checkpoints, options.seed, observer=options.observer)
        return Optimised(run=run, trained=tuple(history.trained()))
