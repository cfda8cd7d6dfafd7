"""A whole run in one call, for users who bring a trainer and a space of their own."""

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bgpbt import checks
from bgpbt import space as spaces
from bgpbt.analysis.lineage import BestMember, best_member, failures
from bgpbt.contracts import Checkpoints, Executor, Strategy, Trainer
from bgpbt.encoding import decode, encode
from bgpbt.errors import InputError, shown
from bgpbt.execution.local import LocalExecutor
from bgpbt.execution.loop import Observer, run_loop
from bgpbt.records import Trained
from bgpbt.runs.extension import Extension, extend, reopen
from bgpbt.space import Space
from bgpbt.storage import RunDirectory, create_run, moved_note, open_run, there_is_something
from bgpbt.strategies import PopulationSettings, make_strategy, settings_for, start_remarks
from bgpbt.trainers import FunctionTrainer, TrainFunction, state_from

__all__ = ["Optimised", "Options", "optimise"]

_LOGGER = logging.getLogger("bgpbt")

MakeExecutor = Callable[[Trainer, Checkpoints], Executor]
"""From a trainer and where it keeps checkpoints to what runs it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a run is carried out. Of these options, its results depend on the strategy and the seed alone."""

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
    def best_state(self) -> Any:
        """What the best member learnt: the state that its function returned; None without a best member.

        Raises:
            TrainerError: the trainer was no function, and left something else.
        """
        best = self.best
        if best is None or best.outcome.checkpoint is None:
            return None
        return state_from(self.run.checkpoints.load(best.outcome.checkpoint)[0])

    @property
    def failures(self) -> dict[str, int]:
        """How often an order failed, by reason, the most frequent first."""
        return dict(failures(self.trained).most_common())


def optimise(
    trainer: Trainer | TrainFunction,
    space: "Space | Mapping[str, spaces.Range]",
    settings: PopulationSettings,
    path: Path | str,
    *,
    options: Options | None = None,
    exist: str = "resume",
) -> Optimised:
    """Train a population while a strategy rewrites the hyperparameters of its weakest members.

    A run that is there already is continued, or only read if it is over, so that a script which was
    interrupted is simply started again. A logger named `bgpbt` says when nothing was trained, and what of
    `settings.start` is not used or left to defaults. A larger `max_timesteps` extends the run: it becomes the
    run that the larger number would have given from the start, or is refused where that is another.

    Args:
        trainer: trains and scores one member: a function `train(config, steps, state, seed)` that returns a
            state and a score (`bgpbt.trainers.FunctionTrainer`), another trainer of `bgpbt.trainers`, or any
            `bgpbt.contracts.Trainer`.
        space: the hyperparameters to search, or their ranges, such as
            `{"learning_rate": (1e-4, 1e-2, "log"), "optimizer": ["adam", "sgd"]}`
            (`bgpbt.space.from_ranges`).
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
    trainer, space = _trainer_of(trainer), _space_of(space)
    check_space = getattr(trainer, "check_space", None)
    if check_space is not None and not Path(path).exists():  # a run that is there began under its own rules
        check_space(space)
    strategy = make_strategy(options.strategy, space=space, settings=settings)
    checks.one_of("exist", exist, ("resume", "overwrite"))
    configuration = _configuration(space, settings, options)
    if exist == "overwrite" or not there_is_something(Path(path)):
        for remark in start_remarks(space, settings.start, settings.initial):
            _LOGGER.warning("%s", remark)
        run = create_run(Path(path), configuration, seed=options.seed, overwrite=exist == "overwrite")
    else:
        run = _run_there(open_run(Path(path)), configuration, space, settings)
    return _carry_on(run, trainer, strategy, options)


def _trainer_of(given: Trainer | TrainFunction) -> Trainer:
    """Return a trainer, or the one that a function is."""
    if not isinstance(given, type):
        if hasattr(given, "train"):
            return given
        if callable(given):
            return FunctionTrainer(given)
    raise InputError(
        f"trainer = {shown(given)} must be a function train(config, steps, state, seed), or an object with a "
        f"method train(order, checkpoints)"
    )


def _space_of(given: Any) -> Space:
    """Return a space, the one of a ConfigSpace object, or the one of a dictionary of ranges."""
    if isinstance(given, Space):
        return given
    if hasattr(given, "to_serialized_dict"):  # ConfigSpace's own, which is a mapping, too
        return Space.from_configspace(given)
    if isinstance(given, Mapping):
        return spaces.from_ranges(given)
    raise InputError(f"space = {shown(given)} must be a space, or a dictionary of ranges by name")


def _configuration(space: Space, settings: PopulationSettings, options: Options) -> dict[str, Any]:
    return {
        "strategy": options.strategy,
        "seed": options.seed,
        "settings": json.loads(encode(settings)),
        "space": json.loads(spaces.space_to_json(space)),
    }


def _run_there(
    run: RunDirectory, configuration: dict[str, Any], space: Space, settings: PopulationSettings
) -> RunDirectory:
    """Return the run that is there, extended where `max_timesteps` was raised."""
    stored = run.description.configuration
    for name, value in configuration.items():
        if name != "settings" and stored.get(name) != value:
            raise InputError(f"{run.path} holds a run with another {name}; give it a path of its own")
    try:
        before = decode(PopulationSettings, json.dumps(stored.get("settings")))
    except Exception as error:  # the converter raises groups of whatever went wrong inside
        raise InputError(f"{run.path} holds a run of another kind; give it a path of its own") from error
    if before == settings:
        return run
    if replace(settings, max_timesteps=before.max_timesteps) != before:
        raise InputError(f"{run.path} holds a run with another settings; give it a path of its own")
    strategy_before, strategy_after = (
        make_strategy(configuration["strategy"], space=space, settings=one) for one in (before, settings)
    )
    extension = Extension(
        configuration=configuration,
        before=settings_for(configuration["strategy"], before),
        after=settings_for(configuration["strategy"], settings),
        strategy_before=strategy_before,
        strategy_after=strategy_after,
    )
    return extend(run, extension)


def _carry_on(run: RunDirectory, trainer: Trainer, strategy: Strategy[Any], options: Options) -> Optimised:
    if options.executor is None:
        executor: Executor = LocalExecutor(trainer, run.checkpoints, options.max_parallel)
    else:
        executor = options.executor(trainer, run.checkpoints)
    with run.locked(), run.open_history() as history:
        reopen(run, history, strategy)
        position = history.position(strategy.state_type)
        if position is not None and position.plan is None:
            _LOGGER.warning('%s is over; nothing was trained (exist="overwrite" trains it anew)', run.path)
        elif note := moved_note(run.path, run.description):
            _LOGGER.warning("%s", note)
        run_loop(strategy, executor, history, run.checkpoints, options.seed, observer=options.observer)
        return Optimised(run=run, trained=tuple(history.trained()))
