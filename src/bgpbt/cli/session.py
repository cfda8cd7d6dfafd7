"""One run from the terminal: started, gone on with, interrupted, summed up."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
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
    plain_settings,
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

__all__ = ["INTERRUPTED", "resume_run", "start_run"]

INTERRUPTED = 130
"""Exit status of a run that was asked to end, as shells report Ctrl-C."""

ALL_FAILED = 1
"""Exit status of a run that is over and has no member to show for it."""


def start_run(
    settings: ExperimentSettings,
    path: Path,
    exist: str | None,
    *,
    placement: PlacementArguments,
    max_parallel: int | None,
    verbose: bool,
) -> int:
    """Start a run, or what `exist` says if it is there; return the exit status.

    Raises:
        BgpbtError: bad input or a damaged run; nothing was touched.
    """
    is_there = there_is_something(path)
    if is_there and exist is None:
        raise InputError(f"{path} is there already; add -exist resume to go on with it, or -exist overwrite")
    if is_there and exist == "resume":
        run = open_run(path)
        differs = difference(settings_of(run), settings)
        if differs is not None:
            raise InputError(f"{path} was made with another configuration: {differs}")
        return _go(run, _prepared(settings, verbose), placement, max_parallel)
    if exist == "resume":
        raise InputError(f"{path}: there is no run to resume; leave -exist resume out to start one")
    check_settings(settings)
    prepared = _prepared(settings, verbose)  # refuses bad input before anything is touched
    check_fits_here(placement, prepared.experiment, max_parallel)
    run = create_run(
        path,
        plain_settings(settings),
        seed=settings.seed,
        device=prepared.experiment.task.device,
        overwrite=exist == "overwrite",
    )
    return _go(run, prepared, placement, max_parallel)


def resume_run(path: Path, *, placement: PlacementArguments, max_parallel: int | None, verbose: bool) -> int:
    """Go on with a run until it is finished; return the exit status.

    Raises:
        BgpbtError: there is no run, or it is damaged.
    """
    run = open_run(path)
    return _go(run, _prepared(settings_of(run), verbose), placement, max_parallel)


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


def _go(
    run: RunDirectory, prepared: _Prepared, placement: PlacementArguments, max_parallel: int | None
) -> int:
    console, switch, progress = prepared.console, prepared.switch, prepared.progress
    experiment, settings = prepared.experiment, prepared.experiment.settings
    advice = f"all finished members are kept. Go on with: bgpbt resume {run.path}"
    with (
        run.locked(),
        last_words(f"bgpbt: {advice}") if placement.executor == "ray" else nullcontext(),
        run.open_history() as history,
        executor_of(placement, experiment, run.checkpoints, max_parallel, switch) as executor,
        _signals(console, switch),  # after the executor, since Ray sets handlers too
    ):
        say(console, f"run {run.path}")
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
