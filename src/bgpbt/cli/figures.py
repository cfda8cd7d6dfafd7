"""`bgpbt figures` and `bgpbt compare`: runs on paper, and strategies against each other."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro
from tyro.conf import arg

from bgpbt.errors import InputError
from bgpbt.storage.files import write_durably

if TYPE_CHECKING:
    from bgpbt.analysis.comparison import Comparison
    from bgpbt.analysis.statistics import Interval

_DIGITS = 4  # significant

__all__ = ["CompareArguments", "FiguresArguments", "compare_runs", "draw_figures"]


@dataclass(frozen=True, kw_only=True)
class FiguresArguments:
    """Draw learning curves, final scores, schedules and lineages, as PDF and PNG."""

    runs: tyro.conf.Positional[list[Path]]
    """Directories of runs, or of directories of runs. Runs that differ in their seed alone are averaged."""
    output: Annotated[Path, arg(aliases=["-o"])] = Path("figures")
    """Directory to write to; it is made."""


@dataclass(frozen=True, kw_only=True)
class CompareArguments:
    """Compare strategies over tasks: interquartile means, probabilities of improvement, profiles."""

    runs: tyro.conf.Positional[list[Path]]
    """Directories of runs, or of directories of runs."""
    output: Annotated[Path | None, arg(aliases=["-o"])] = None
    """Directory to write a figure (PDF, PNG) and all numbers (JSON) to; it is made."""
    reference: Path | None = None
    """JSON file {"TASK": {"low": RETURN, "high": RETURN}}: the returns that count as 0 and 1 where tasks are
    taken together; without it, the lowest and highest of the runs compared."""
    repetitions: int = 2000
    """Repetitions of the bootstrap."""
    seed: int = 0
    """Seed of the bootstrap."""


def draw_figures(arguments: FiguresArguments) -> int:
    """Draw the figures of some runs and return the exit status.

    Raises:
        BgpbtError: a run cannot be read, a file cannot be written, or Matplotlib is missing.
    """
    from bgpbt.analysis.collection import read_runs
    from bgpbt.viewing.figures import draw_all

    runs = read_runs(arguments.runs)
    for path in draw_all(runs, _made(arguments.output)):
        print(path)
    return 0


def compare_runs(arguments: CompareArguments) -> int:
    """Print a comparison, write it if asked, and return the exit status.

    Raises:
        BgpbtError: a run cannot be read, a file cannot be written, or Matplotlib is missing.
    """
    from bgpbt.analysis.collection import read_runs
    from bgpbt.analysis.comparison import compare, read_references, to_json
    from bgpbt.viewing.comparison import draw_comparison

    references = None if arguments.reference is None else read_references(arguments.reference)
    comparison = compare(
        read_runs(arguments.runs),
        references=references,
        seed=arguments.seed,
        repetitions=arguments.repetitions,
    )
    _print_comparison(comparison)
    if arguments.output is not None:
        directory = _made(arguments.output)
        numbers = directory / "comparison.json"
        write_durably(numbers, to_json(comparison).encode())
        for path in [*draw_comparison(comparison, directory), numbers]:
            print(path)
    return 0


def _made(directory: Path) -> Path:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{directory}: {error.strerror}") from error
    return directory


def _print_comparison(comparison: "Comparison") -> None:
    from bgpbt.analysis.statistics import FEWEST_RUNS

    print("interquartile mean of the best member's return in the last round [95% interval] (runs)")
    rows = [["", *comparison.strategies]]
    for task in comparison.tasks:
        cells = [
            f"{_text(comparison.by_task[one][task])} ({comparison.runs[one][task]})"
            if comparison.runs[one][task]
            else "-"
            for one in comparison.strategies
        ]
        rows.append([task, *cells])
    if len(comparison.shared_tasks) > 1:
        rows.append(["all, scaled", *(_text(comparison.overall[one]) for one in comparison.strategies)])
    _print_rows(rows)
    if len(comparison.strategies) > 1:
        print("\nprobability that a run of the row beats one of the column [95% interval]")
        rows = [_chances(comparison, one) for one in comparison.strategies]
        _print_rows([["", *comparison.strategies], *rows])
    for task, strategies in comparison.left_out.items():
        print(f"\n{task} counts in its own row alone: there are no runs of {', '.join(strategies)}")
    counts = [count for of_one in comparison.runs.values() for count in of_one.values() if count]
    if min(counts) < FEWEST_RUNS:
        print(f"\nno interval where a strategy has fewer than {FEWEST_RUNS} runs on a task")


def _chances(comparison: "Comparison", one: str) -> list[str]:
    chances = comparison.improvement[one]
    return [one, *(_text(chances[other]) if other in chances else "" for other in comparison.strategies)]


def _text(interval: "Interval") -> str:
    return interval.shown(_DIGITS)


def _print_rows(rows: list[list[str]]) -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [cell.rjust(width) for cell, width in zip(row, widths, strict=True)]
        print("  ".join([row[0].ljust(widths[0]), *cells[1:]]).rstrip())
