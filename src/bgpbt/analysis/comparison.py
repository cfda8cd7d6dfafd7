"""Strategies compared over tasks: per task, over all tasks together, and pair by pair.

Returns of different tasks have different scales. Over all tasks they are therefore brought to one: 0 and 1
are the references given for a task, or without those the lowest and highest score of the runs compared,
which makes that scale good for comparing these runs and for nothing else. Probabilities of improvement and
intervals per task need no scale.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from bgpbt import checks
from bgpbt.analysis.statistics import (
    REPETITIONS,
    Interval,
    Scores,
    interquartile_mean,
    interval_of,
    performance_profile,
    probability_of_improvement,
)
from bgpbt.arrays import Floats
from bgpbt.encoding import json_text
from bgpbt.errors import InputError
from bgpbt.text_files import read_text

__all__ = [
    "Comparison",
    "Reference",
    "Scored",
    "compare",
    "read_references",
    "to_json",
]


_THRESHOLDS = 201  # of a performance profile


class Scored(Protocol):
    """A run, as far as a comparison is concerned."""

    @property
    def task(self) -> str:
        """What it was run on."""
        ...

    @property
    def strategy(self) -> str:
        """What is compared."""
        ...

    @property
    def score(self) -> float:
        """What it reached; finite."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Returns that count as 0 and as 1 on a task.

    Raises:
        InputError: they are not finite and in order.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        if not (np.isfinite([self.low, self.high]).all() and self.low < self.high):
            raise InputError(f"a reference needs low < high, got {self.low} and {self.high}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What was found; strategies and tasks in the sequence they were named in."""

    tasks: tuple[str, ...]
    strategies: tuple[str, ...]
    runs: Mapping[str, Mapping[str, int]]  # strategy, task -> number of runs
    by_task: Mapping[str, Mapping[str, Interval]]  # strategy, task -> interquartile mean of the returns
    shared_tasks: tuple[str, ...]  # those that every strategy has runs on; the rest counts in these alone
    left_out: Mapping[str, tuple[str, ...]]  # task that is not shared -> strategies without runs on it
    references: Mapping[str, Reference]  # task -> what 0 and 1 are
    overall: Mapping[str, Interval]  # strategy -> interquartile mean over shared tasks, on the common scale
    improvement: Mapping[str, Mapping[str, Interval]]  # strategy, other -> probability that it is better
    thresholds: tuple[float, ...]  # on the common scale
    profiles: Mapping[str, tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]]  # share, low, high


def compare(
    runs: Sequence[Scored],
    *,
    references: Mapping[str, Reference] | None = None,
    seed: int = 0,
    repetitions: int = REPETITIONS,
) -> Comparison:
    """Compare the strategies of some runs.

    Args:
        runs: of at least one strategy.
        references: returns that count as 0 and 1, by task; tasks that are missing use the runs' own.
        seed: of the bootstrap; equal seeds give equal results.
        repetitions: of the bootstrap.

    Raises:
        InputError: no task has runs of all strategies, or the number of repetitions is not allowed.
    """
    checks.at_least("repetitions", repetitions, 1)
    tasks = tuple(dict.fromkeys(run.task for run in runs))
    strategies = tuple(dict.fromkeys(run.strategy for run in runs))
    score_n = {(strategy, task): _scores(runs, strategy, task) for strategy in strategies for task in tasks}
    shared = tuple(task for task in tasks if all(score_n[strategy, task].size for strategy in strategies))
    if not shared:
        raise InputError("no task has runs of all the strategies, so they cannot be compared")
    scales = {task: (references or {}).get(task) or _own_reference(runs, task) for task in shared}
    raw = {strategy: [score_n[strategy, task] for task in shared] for strategy in strategies}
    scaled = {strategy: _scaled(raw[strategy], [scales[task] for task in shared]) for strategy in strategies}
    threshold_c = _thresholds(scaled)

    def interval(scores: Scores) -> Interval:
        return interval_of(interquartile_mean, scores, seed=seed, repetitions=repetitions)

    chances: dict[str, dict[str, Interval]] = {strategy: {} for strategy in strategies}
    for one, other in combinations(strategies, 2):
        chance = probability_of_improvement(raw[one], raw[other], seed=seed, repetitions=repetitions)
        chances[one][other], chances[other][one] = chance, _complement(chance)
    return Comparison(
        tasks=tasks,
        strategies=strategies,
        runs={one: {task: score_n[one, task].size for task in tasks} for one in strategies},
        by_task={
            one: {task: interval([score_n[one, task]]) for task in tasks if score_n[one, task].size}
            for one in strategies
        },
        shared_tasks=shared,
        left_out={
            task: tuple(one for one in strategies if not score_n[one, task].size)
            for task in tasks
            if task not in shared
        },
        references=scales,
        overall={one: interval(scaled[one]) for one in strategies},
        improvement=chances,
        thresholds=tuple(threshold_c.tolist()),
        profiles={
            one: _profile(scaled[one], threshold_c, seed=seed, repetitions=repetitions) for one in strategies
        },
    )


def read_references(path: Path) -> dict[str, Reference]:
    """Read `{"TASK": {"low": RETURN, "high": RETURN}, ...}` from a JSON file.

    Raises:
        InputError: the file is not there or says something else.
    """
    text = read_text(path)
    try:
        content: dict[str, Any] = json.loads(text)
        return {
            task: Reference(low=float(ends["low"]), high=float(ends["high"]))
            for task, ends in content.items()
        }
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f'{path}: expected {{"TASK": {{"low": RETURN, "high": RETURN}}, ...}}') from error


def to_json(comparison: Comparison) -> str:
    """Return all that was found as JSON text."""
    return f"{json_text(asdict(comparison), indent=2)}\n"


def _scores(runs: Sequence[Scored], strategy: str, task: str) -> Floats:
    return np.array([run.score for run in runs if (run.strategy, run.task) == (strategy, task)], np.float64)


def _complement(chance: Interval) -> Interval:
    return Interval(value=1 - chance.value, low=1 - chance.high, high=1 - chance.low)


def _own_reference(runs: Sequence[Scored], task: str) -> Reference:
    scores = [run.score for run in runs if run.task == task]
    # All runs alike: any width does, since every score is 0 then.
    return Reference(low=min(scores), high=max(scores) if max(scores) > min(scores) else min(scores) + 1.0)


def _scaled(scores: Scores, references: Sequence[Reference]) -> list[Floats]:
    return [
        (score_n - reference.low) / (reference.high - reference.low)
        for score_n, reference in zip(scores, references, strict=True)
    ]


def _thresholds(scaled: Mapping[str, Scores]) -> Floats:
    everything = np.concatenate([score_n for scores in scaled.values() for score_n in scores])
    return np.linspace(min(everything.min(), 0.0), max(everything.max(), 1.0), _THRESHOLDS)


def _profile(
    scores: Scores, threshold_c: Floats, *, seed: int, repetitions: int
) -> tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]:
    share_c, low_c, high_c = performance_profile(scores, threshold_c, seed=seed, repetitions=repetitions)
    return tuple(share_c.tolist()), tuple(low_c.tolist()), tuple(high_c.tolist())
