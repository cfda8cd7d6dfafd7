"""Runs read for figures and tables: what happened in them, by task and strategy.

A run may be under way. Its score is the return of the best member of its last round that has one.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bgpbt.analysis.lineage import Makers, best_of
from bgpbt.arrays import Floats
from bgpbt.errors import InputError
from bgpbt.records import Trained
from bgpbt.storage import open_run, runs_in, there_is_something

__all__ = ["Curve", "RunRecord", "common_grid", "read_runs"]


_GRID_POINTS = 200  # of curves that are averaged; more than a column's width in points


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """The best member's return over the environment steps of the whole population, by round."""

    steps_t: Floats  # environment steps trained by all members since the run's start
    score_t: Floats

    def at(self, steps: Floats) -> Floats:
        """Return the score at these steps, linear in between."""
        return np.interp(steps, self.steps_t, self.score_t)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """A run and everything in its history that has an outcome."""

    name: str
    task: str
    strategy: str
    seed: int
    trained: tuple[Trained, ...]

    @property
    def curve(self) -> Curve:
        """The learning curve; rounds in which every member failed are left out."""
        steps, score, done = [], [], 0
        for round_index in sorted({order.round for order, _ in self.trained}):
            outcomes = [outcome for order, outcome in self.trained if order.round == round_index]
            done += sum(outcome.steps for outcome in outcomes)
            finite = [outcome.score for outcome in outcomes if math.isfinite(outcome.score)]
            if finite:
                steps.append(float(done))
                score.append(max(finite))
        return Curve(steps_t=np.array(steps), score_t=np.array(score))

    @property
    def winning_line(self) -> tuple[Trained, ...]:
        """The best member's ancestry, oldest first; before a student comes the ancestry of its teacher."""
        best = best_of(self.trained)
        return () if best is None else Makers(self.trained).ancestry_and_teachers(best)

    @property
    def score(self) -> float:
        """Return of the best member of the last round that has a score."""
        return float(self.curve.score_t[-1])


def read_runs(paths: Sequence[Path]) -> list[RunRecord]:
    """Read runs, in the sequence given; a directory that holds runs stands for all of them.

    Raises:
        InputError: there is no run, the same run is named twice, or a run has no score yet.
        DamagedRunError: a run is damaged.
    """
    found = [run for path in paths for run in _runs_in(path)]
    if not found:
        raise InputError("no run was named")
    if len({run.resolve() for run in found}) != len(found):
        raise InputError("the same run is named twice")
    return [_read(path) for path in found]


def common_grid(curves: Sequence[Curve]) -> Floats:
    """Return steps at which all curves have a score."""
    first = max(curve.steps_t[0] for curve in curves)
    last = min(curve.steps_t[-1] for curve in curves)
    if last < first:
        raise InputError("these runs have no stretch of environment steps in common, so no mean can be drawn")
    return np.linspace(first, last, _GRID_POINTS)


def _runs_in(path: Path) -> list[Path]:
    if there_is_something(path) and path.is_dir() and not (path / "run.json").exists():
        return runs_in(path) or [path]
    return [path]


def _read(path: Path) -> RunRecord:
    run = open_run(path)
    configuration = run.description.configuration
    with run.open_history(read_only=True) as history:
        trained = tuple(history.trained())
    if not any(math.isfinite(outcome.score) for _, outcome in trained):
        raise InputError(f"{path}: no member has a score yet")
    return RunRecord(
        name=path.resolve().name,
        task=str(configuration.get("environment", "unknown task")),
        strategy=_strategy(configuration),
        seed=run.description.seed,
        trained=trained,
    )


def _strategy(configuration: Mapping[str, Any]) -> str:
    """Return a strategy's name; where architectures were searched too, it is another strategy."""
    name = str(configuration.get("strategy", "unknown strategy"))
    return f"{name}-both" if configuration.get("search_mode") == "both" else name
