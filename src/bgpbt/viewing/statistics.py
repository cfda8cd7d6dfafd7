"""Statistics of few runs: interquartile means, stratified bootstrap intervals, comparisons over tasks.

Agarwal, Schwarzer, Castro, Courville and Bellemare (2021), "Deep reinforcement learning at the edge of the
statistical precipice": the interquartile mean, its stratified bootstrap, performance profiles and the
probability of improvement. Tasks are the strata: runs are resampled
within each. Unlike there, tasks may have different numbers of runs.

Symbols: n runs, k tasks, r repetitions of the bootstrap, c thresholds.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bgpbt.errors import InputError

__all__ = [
    "CONFIDENCE",
    "Interval",
    "Scores",
    "interquartile_mean",
    "interval_of",
    "performance_profile",
    "probability_of_improvement",
    "resample",
]

Floats = npt.NDArray[np.float64]
Scores = Sequence[Floats]
"""For each task the scores of its runs (n,), finite."""

CONFIDENCE = 0.95
REPETITIONS = 2000  # of the bootstrap; the ends of an interval then move by about 1% of its length


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A statistic with the interval its bootstrap gave."""

    value: float
    low: float
    high: float


def interquartile_mean(pooled_n: Floats) -> Floats:
    """Return the mean of the middle half along the last axis: (..., n) -> (...).

    A quarter of the runs, rounded down, is left out at either end.
    """
    count = pooled_n.shape[-1]
    if count == 0:
        raise InputError("an interquartile mean needs one run or more")
    cut = count // 4
    middle: Floats = np.sort(pooled_n, axis=-1)[..., cut : count - cut].mean(axis=-1)
    return middle


def resample(scores: Scores, *, seed: int, repetitions: int = REPETITIONS) -> list[Floats]:
    """Return for each task (repetitions, n) scores, drawn with replacement from its own."""
    generator = np.random.default_rng(seed)
    return [score_n[generator.integers(len(score_n), size=(repetitions, len(score_n)))] for score_n in scores]


def interval_of(
    statistic: Callable[[Floats], Floats], scores: Scores, *, seed: int = 0, repetitions: int = REPETITIONS
) -> Interval:
    """Return a statistic of all tasks' runs together and its percentile interval.

    Args:
        statistic: (..., n) -> (...), of the runs of all tasks together.
        scores: of each task's runs; to be on one scale if there are several tasks.
        seed: of the resampling.
        repetitions: of the resampling.
    """
    drawn_r = statistic(np.concatenate(resample(scores, seed=seed, repetitions=repetitions), axis=-1))
    return _interval(float(statistic(np.concatenate(scores))), drawn_r)


def probability_of_improvement(
    first: Scores, second: Scores, *, seed: int = 0, repetitions: int = REPETITIONS
) -> Interval:
    """Return how probably a run of the first beats one of the second, on a task taken at random.

    Ties count half (Mann and Whitney's U). Tasks have equal weight; the scale of scores does not matter.

    Raises:
        InputError: the two do not have the same number of tasks.
    """
    if len(first) != len(second) or not first:
        raise InputError("two strategies can be compared only on the same tasks")
    first_draws = resample(first, seed=seed, repetitions=repetitions)
    second_draws = resample(second, seed=seed + 1, repetitions=repetitions)  # of their own: draws are apart
    value = np.mean([_wins(one, other) for one, other in zip(first, second, strict=True)])
    drawn_r = np.mean(
        [_wins(one, other) for one, other in zip(first_draws, second_draws, strict=True)], axis=0
    )
    return _interval(float(value), drawn_r)


def performance_profile(
    scores: Scores, threshold_c: Floats, *, seed: int = 0, repetitions: int = REPETITIONS
) -> tuple[Floats, Floats, Floats]:
    """Return the share of runs above each threshold, and the pointwise ends of its interval: (c,) each."""
    pooled_rn = np.concatenate(resample(scores, seed=seed, repetitions=repetitions), axis=-1)
    drawn_rc = np.stack([(pooled_rn > threshold).mean(axis=-1) for threshold in threshold_c], axis=-1)
    value_c = (np.concatenate(scores)[:, None] > threshold_c).mean(axis=0)
    low_c, high_c = np.quantile(drawn_rc, _ends(), axis=0)
    return value_c, low_c, high_c


def _wins(first_n: Floats, second_n: Floats) -> Floats:
    """Return the share of pairs that the first wins: (..., n), (..., m) -> (...)."""
    one, other = first_n[..., :, None], second_n[..., None, :]
    share: Floats = ((one > other) + 0.5 * (one == other)).mean(axis=(-2, -1))
    return share


def _interval(value: float, drawn_r: Floats) -> Interval:
    low, high = np.quantile(drawn_r, _ends())
    return Interval(value=value, low=float(low), high=float(high))


def _ends() -> tuple[float, float]:
    return (1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2
