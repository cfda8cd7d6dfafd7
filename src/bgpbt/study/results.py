"""What came of each run of a study: two CSV tables, a row for each run and a row for each of its rounds."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TypeVar, get_type_hints

from bgpbt.errors import InputError
from bgpbt.storage.files import naming_file, write_durably

__all__ = ["ROUNDS_FILE", "RUNS_FILE", "Result", "RoundResult", "RunResult", "read_results", "write_results"]

RUNS_FILE, ROUNDS_FILE = "runs.csv", "rounds.csv"

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """A run that is over."""

    task: str
    contender: str
    seed: int
    score: float  # mean return of the best member on start states that selection never saw
    standard_error: float  # of it
    selection_score: float  # the same member's score in the run
    test_episodes: int
    steps: int  # environment steps that members were trained for, distillation included
    distillation_steps: int
    evaluation_steps: int
    rounds: int
    proposals: int  # of configurations, by the strategy's model
    fallbacks: int  # proposals at random, where the model could make none
    failed_members: int
    seconds: float  # of training and scoring
    compilations: int
    configuration: str  # `bgpbt.study.plan.configuration_hash`
    source: str  # hash of the program
    versions: str  # of packages
    machine: str

    @property
    def strategy(self) -> str:
        """The contender, as what compares runs calls it."""
        return self.contender


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundResult:
    """A round of a run."""

    task: str
    contender: str
    seed: int
    round: int
    steps: int  # trained by all members since the run's start
    best: float  # score of the round's best member; NaN if all failed
    median: float
    generation: int  # of architectures


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A run with its rounds."""

    run: RunResult
    rounds: tuple[RoundResult, ...]


def write_results(directory: Path, results: Iterable[Result]) -> None:
    """Write both tables, ordered by task, contender and seed, so that equal results give equal files.

    Raises:
        StorageError: the file system refuses.
    """
    ordered = sorted(results, key=lambda one: (one.run.task, one.run.contender, one.run.seed))
    with naming_file(directory):
        directory.mkdir(parents=True, exist_ok=True)
    write_durably(directory / RUNS_FILE, _text(RunResult, [one.run for one in ordered]))
    rounds = [row for one in ordered for row in one.rounds]
    write_durably(directory / ROUNDS_FILE, _text(RoundResult, rounds))


def read_results(directory: Path) -> list[Result]:
    """Read both tables; a directory without them has no results.

    Raises:
        InputError: a table is not one of a study.
    """
    if not (directory / RUNS_FILE).exists():
        return []
    runs = _rows(RunResult, directory / RUNS_FILE)
    rounds: dict[tuple[str, str, int], list[RoundResult]] = {}
    for row in _rows(RoundResult, directory / ROUNDS_FILE):
        rounds.setdefault((row.task, row.contender, row.seed), []).append(row)
    return [
        Result(run=run, rounds=tuple(rounds.get((run.task, run.contender, run.seed), ()))) for run in runs
    ]


def _text(kind: type[Row], rows: Sequence[Row]) -> bytes:
    text = io.StringIO()
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([getattr(row, name) for name in names] for row in rows)
    return text.getvalue().encode()


def _rows(kind: type[Row], path: Path) -> list[Row]:
    kinds: Mapping[str, type] = get_type_hints(kind)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return [
                kind(**{name: kinds[name](text) for name, text in row.items()})
                for row in csv.DictReader(file)
            ]
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    except (KeyError, ValueError, TypeError) as error:
        raise InputError(f"{path} is no table of a study: {error}") from error
