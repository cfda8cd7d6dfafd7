"""Runs from the terminal, one after another: started, resumed, extended, interrupted, summed up."""

import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType

from rich.console import Console

from bgpbt.analysis import best_member
from bgpbt.cli.last_words import last_words
from bgpbt.cli.output import lasting_console
from bgpbt.cli.placement import PlacementArguments, check_fits_here, executor_of
from bgpbt.cli.progress import RunProgress, say
from bgpbt.cli.summary import print_summary
from bgpbt.cli.tables import write_stats_file
from bgpbt.errors import BgpbtError, ClusterLostError, InputError, RoundFailedError
from bgpbt.execution import StopRequested, StopSwitch, run_loop
from bgpbt.records import Order
from bgpbt.runs import (
    Experiment,
    ExperimentSettings,
    assemble,
    check_settings,
    difference,
    extended_to,
    is_over,
    plain_settings,
    reopen,
    settings_of,
)
from bgpbt.storage import (
    History,
    RunDirectory,
    StorageError,
    create_run,
    moved_note,
    open_run,
    there_is_something,
)

__all__ = ["INTERRUPTED", "Manner", "check_place", "is_done", "resume_run", "start_run", "start_runs"]

INTERRUPTED = 130
"""Exit status of a run that was asked to end, as shells report Ctrl-C."""

ALL_FAILED = 1
"""Exit status of a run that is over and has no member to show for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How runs are trained; what they compute does not depend on it."""

    placement: PlacementArguments
    max_parallel: int | None = None
    verbose: bool = False

    def __post_init__(self) -> None:
        if self.max_parallel is not None and self.max_parallel < 1:
            raise InputError(f"max_parallel = {self.max_parallel} must be 1 or more")


def start_runs(runs: Mapping[Path, ExperimentSettings], exist: str | None, manner: Manner) -> int:
    """Do several runs one after another; return the exit status of the last that was begun.

    All are checked before the first is trained. With `exist` = resume a run that is over is left as it is.

    Raises:
        BgpbtError: bad input or a damaged run; a run that is there was not touched.
    """
    console = lasting_console()
    for path, settings in runs.items():
        check_place(path, settings, exist)
    for path, settings in runs.items():
        if exist == "resume" and is_done(path, settings):
            say(console, f"{path} is over; it is left as it is")
            continue
        status = start_run(settings, path, exist, manner)
        if status == INTERRUPTED and len(runs) > 1:
            say(console, "the same command with -exist resume trains what is left of all runs")
        if status != 0:
            return status
    return 0


def check_place(path: Path, settings: ExperimentSettings, exist: str | None) -> str:
    """Return what is to be done with the place of a run: start, overwrite or resume. Nothing is touched.

    Raises:
        BgpbtError: `exist` does not allow it, a setting is not allowed, or another run is there.
    """
    if not there_is_something(path):
        check_settings(settings)
        return "start"
    if exist is None:
        raise InputError(
            f"{path} is there already; add -exist resume to continue it, or -exist overwrite to train it anew"
        )
    if exist == "overwrite":
        check_settings(settings)
        return exist
    stored = settings_of(open_run(path))
    same_length = replace(stored, max_timesteps=settings.max_timesteps)  # the one that may be raised
    differs = difference(same_length, settings)
    if differs is not None:
        raise InputError(f"{path} was made with another configuration: {differs}")
    return "resume"


def start_run(settings: ExperimentSettings, path: Path, exist: str | None, manner: Manner) -> int:
    """Start a run, or what `exist` says if it is there; return the exit status.

    Raises:
        BgpbtError: bad input or a damaged run; nothing was touched.
    """
    if check_place(path, settings, exist) == "resume":
        return resume_run(path, manner, max_timesteps=settings.max_timesteps)
    prepared = _prepared(settings, manner.verbose)  # refuses bad input before anything is touched
    check_fits_here(manner.placement, prepared.experiment, manner.max_parallel)
    run = create_run(
        path,
        plain_settings(settings),
        seed=settings.seed,
        device=prepared.experiment.task.device,
        overwrite=exist == "overwrite",
    )
    return _go(run, prepared, manner)


def resume_run(path: Path, manner: Manner, *, max_timesteps: int | None = None) -> int:
    """Train a run until it is over, or until `max_timesteps` if that is more; return the exit status.

    Raises:
        BgpbtError: there is no run, it is damaged, or it cannot be extended.
    """
    run = open_run(path)
    if max_timesteps is not None:
        run = extended_to(run, max_timesteps)
    return _go(run, _prepared(settings_of(run), manner.verbose), manner)


def is_done(path: Path, settings: ExperimentSettings) -> bool:
    """Return whether the run with these settings is there and over."""
    if not there_is_something(path):
        return False
    run = open_run(path)
    if settings_of(run) != settings:  # to be extended
        return False
    with run.open_history(read_only=True) as history:
        return is_over(run, history)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Prepared:
    """A run that has touched nothing yet."""

    console: Console
    switch: StopSwitch
    progress: RunProgress
    experiment: Experiment


def _prepared(settings: ExperimentSettings, verbose: bool) -> _Prepared:
    """Check the settings and make all that they name.

    Raises:
        InputError: a setting is not allowed.
    """
    console, switch = lasting_console(), StopSwitch()
    progress = RunProgress(console, settings, verbose=verbose)

    def on_progress(order: Order, steps: int) -> None:
        progress.trained(order, steps)
        switch.check()

    experiment = assemble(settings, on_progress=on_progress)
    return _Prepared(console=console, switch=switch, progress=progress, experiment=experiment)


def _go(run: RunDirectory, prepared: _Prepared, manner: Manner) -> int:
    console, switch, progress = prepared.console, prepared.switch, prepared.progress
    experiment, settings = prepared.experiment, prepared.experiment.settings
    advice = f"all finished members are kept. Go on with: bgpbt resume {run.path}"
    with (
        run.locked(),
        last_words(f"bgpbt: {advice}") if manner.placement.executor == "ray" else nullcontext(),
        run.open_history() as history,
        executor_of(manner.placement, experiment, run.checkpoints, manner.max_parallel, switch) as executor,
        _signals(console, switch),  # after the executor, since Ray sets handlers too
    ):
        say(console, f"run {run.path}")
        reopen(run, history, experiment.strategy)
        _note_moved(run, experiment, history)
        if experiment.task.compiles:
            say(console, "compiling: half a minute at a first start, seconds at a later one")
        try:
            with progress, _figures_written(run, settings.seed, history):
                progress.recall(history.trained())
                run_loop(
                    experiment.strategy,
                    executor,
                    history,
                    run.checkpoints,
                    settings.seed,
                    observer=progress.observe,
                )
        except StopRequested:
            say(console, f"stopped; {advice}")
            return INTERRUPTED
        except RoundFailedError as error:
            raise RoundFailedError(f"{error}: bgpbt resume {run.path}") from error
        except (StorageError, ClusterLostError) as error:
            if not _is_whole(run.path):  # nothing to go on with
                raise
            raise type(error)(f"{error}; {advice}") from error
        trained = history.trained()
        print_summary(console, experiment, trained, run.checkpoints)
    return 0 if best_member(trained) is not None else ALL_FAILED


def _note_moved(run: RunDirectory, experiment: Experiment, history: History) -> None:
    """Say that a run is continued under other conditions than it began."""
    position = history.position(dict)
    if position is not None and position.plan is None:
        return  # it is over
    note = moved_note(run.path, run.description, device=experiment.task.device)
    if note is not None:
        print(f"bgpbt: note: {note}", file=sys.stderr)


@contextmanager
def _figures_written(run: RunDirectory, seed: int, history: History) -> Iterator[None]:
    """Write the figures of the paper's code when the run has ended, whatever ended it."""
    try:
        yield
    except BaseException:
        with suppress(BgpbtError):  # what ended the run says more
            write_stats_file(run.path, seed, history.trained())
        raise
    write_stats_file(run.path, seed, history.trained())


def _is_whole(path: Path) -> bool:
    try:
        open_run(path)
    except BgpbtError:
        return False
    return True


@contextmanager
def _signals(console: Console, switch: StopSwitch) -> Iterator[None]:
    """End cleanly on the first SIGINT or SIGTERM and at once on the second."""

    def stop(number: int, _: FrameType | None) -> None:
        if switch.requested:
            os._exit(128 + number)  # what is committed is on disk; a running program cannot be interrupted
        switch.stop()  # first, so that a second signal that comes while this is said is the second
        say(console, "stopping after the running iteration; once more to stop at once")

    previous = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
