"""`bgpbt list`: the runs in a directory, one a line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import tyro

from bgpbt.analysis import best_member
from bgpbt.errors import BgpbtError, InputError
from bgpbt.runs import is_over, settings_if_ours
from bgpbt.storage import RunDirectory, is_run, lock_holder, open_run, runs_in

__all__ = ["ListArguments", "Row", "list_runs", "row_of"]


_NUMBERS = (3, 4, 5)  # columns that are aligned on the right


@dataclass(frozen=True, kw_only=True)
class ListArguments:
    """List runs: name, task, strategy, seed, rounds, best score and state."""

    runs: tyro.conf.Positional[list[Path]] = field(default_factory=lambda: [Path("runs")])
    """Directories of runs, or of directories of runs; `runs` without it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What is said of a run."""

    name: str
    task: str
    strategy: str
    seed: int | None
    rounds: str  # trained in full, of how many
    score: float | None  # the best so far
    state: str  # over, running, interrupted, new, or damaged and why


def list_runs(arguments: ListArguments) -> int:
    """Print the table and return the exit status.

    Raises:
        InputError: there is no run in a directory.
        StorageError: a directory cannot be read.
    """
    rows = [row_of(path) for directory in arguments.runs for path in _runs(directory)]
    lines = [("run", "task", "strategy", "seed", "rounds", "score", "state"), *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for line in lines:
        padded = [
            cell.rjust(width) if column in _NUMBERS else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        print("  ".join(padded).rstrip())
    return 0


def _cells(row: Row) -> tuple[str, ...]:
    seed = "-" if row.seed is None else f"{row.seed}"
    score = "-" if row.score is None else f"{row.score:.6g}"
    return row.name, row.task, row.strategy, seed, row.rounds, score, row.state


def row_of(path: Path) -> Row:
    """Return what is said of the run in a directory, intact or not."""
    try:
        run = open_run(path)
        return _row(run)
    except BgpbtError as error:
        reason = " ".join(str(error).split())
        return Row(
            name=f"{path}",
            task="-",
            strategy="-",
            seed=None,
            rounds="-",
            score=None,
            state=f"damaged: {reason}",
        )


def _row(run: RunDirectory) -> Row:
    configuration, settings = run.description.configuration, settings_if_ours(run.description)
    with run.open_history(read_only=True) as history:
        trained, plans, over = history.trained(), history.plans(), is_over(run, history)
    under_way = not over and bool(plans)
    done = len(plans) - under_way
    planned = None if settings is None else settings.rounds
    best = best_member(trained)
    return Row(
        name=f"{run.path}",
        task=str(configuration.get("environment", "own trainer")),
        strategy=_strategy(configuration),
        seed=run.description.seed,
        rounds=f"{done}" if planned is None else f"{done}/{planned}",
        score=None if best is None else best.outcome.score,
        state=_state(run, over=over, is_new=not trained),
    )


def _state(run: RunDirectory, *, over: bool, is_new: bool) -> str:
    holder = lock_holder(run.path)
    if holder is not None:
        return f"running (process {holder})"
    if over:
        return "over"
    return "new" if is_new else "interrupted"


def _strategy(configuration: Mapping[str, object]) -> str:
    name = str(configuration.get("strategy", "-"))
    return f"{name}, both" if configuration.get("search_mode") == "both" else name


def _runs(directory: Path) -> Sequence[Path]:
    if is_run(directory):
        return [directory]
    if not directory.is_dir():
        raise InputError(f"{directory}: there is no such directory")
    found = runs_in(directory)
    if not found:  # `runs/NAME` holds the runs of an experiment with a name
        found = [run for child in sorted(directory.iterdir()) if child.is_dir() for run in runs_in(child)]
    if not found:
        raise InputError(f"{directory}: there is no run in it")
    return found
