"""Statistics of few runs: interquartile means, stratified bootstrap intervals, comparisons over tasks.

Agarwal, Schwarzer, Castro, Courville and Bellemare (2021), "Deep reinforcement learning at the edge of the
statistical precipice": the interquartile mean, its stratified bootstrap, performance profiles and the
probability of improvement. Tasks are the strata: runs are resampled
within each. Unlike there, tasks may have different numbers of runs.

Symbols: n runs, k tasks, r repetitions of the bootstrap, c thresholds.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bgpbt.arrays import Floats
from bgpbt.errors import InputError

__all__ = [
    "CONFIDENCE",
    "FEWEST_RUNS",
    "Interval",
    "Scores",
    "interquartile_mean",
    "interval_of",
    "paired_difference",
    "paired_improvement",
    "performance_profile",
    "probability_of_improvement",
    "resample",
]

Scores = Sequence[Floats]
"""For each task the scores of its runs (n,), finite."""

CONFIDENCE = 0.95
FEWEST_RUNS = 3
"""Of a task, for an interval: the bootstrap of one run has no width, and that of two knows three results."""
_ROUNDING = 1e-9  # of sums of shares
REPETITIONS = 2000  # of the bootstrap; the ends of an interval then move by about 1% of its length


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A statistic with the interval its bootstrap gave; NaN at both ends where there are too few runs."""

    value: float
    low: float
    high: float

    @property
    def is_known(self) -> bool:
        """Whether there were enough runs for an interval."""
        return not math.isnan(self.low)

    def shown(self, digits: int) -> str:
        """Return the statistic and its interval as text, with so many significant digits."""
        ends = f" [{self.low:.{digits}g}, {self.high:.{digits}g}]" if self.is_known else ""
        return f"{self.value:.{digits}g}{ends}"


def interquartile_mean(pooled_n: Floats, weight_n: Floats | None = None) -> Floats:
    """Return the mean of the middle half along the last axis: (..., n) -> (...).

    A quarter of the runs, rounded down, is left out at either end; with weights, a quarter of the weight,
    rounded down to whole runs.

    Args:
        pooled_n: scores.
        weight_n: what each run counts, (n,); all the same without it.
    """
    count = pooled_n.shape[-1]
    if count == 0:
        raise InputError("an interquartile mean needs one run or more")
    order_n = np.argsort(pooled_n, axis=-1, kind="stable")
    share_n = np.full(count, 1.0 / count) if weight_n is None else weight_n / np.sum(weight_n)
    share_n = share_n[order_n]
    below_n = np.cumsum(share_n, axis=-1)
    above_n = np.cumsum(share_n[..., ::-1], axis=-1)[..., ::-1]
    is_middle_n = (below_n > 0.25 + _ROUNDING) & (above_n > 0.25 + _ROUNDING)
    share_n = np.where(is_middle_n, share_n, 0.0)
    sorted_n = np.take_along_axis(pooled_n, order_n, axis=-1)
    middle = np.sum(share_n * sorted_n, axis=-1) / np.sum(share_n, axis=-1)
    within: Floats = np.clip(middle, sorted_n[..., 0], sorted_n[..., -1])  # rounding may leave the range
    return within


def resample(scores: Scores, *, seed: int, repetitions: int = REPETITIONS) -> list[Floats]:
    """Return for each task (repetitions, n) scores, drawn with replacement from its own."""
    generator = np.random.default_rng(seed)
    return [score_n[generator.integers(len(score_n), size=(repetitions, len(score_n)))] for score_n in scores]


def interval_of(
    statistic: Callable[[Floats, Floats], Floats],
    scores: Scores,
    *,
    seed: int = 0,
    repetitions: int = REPETITIONS,
) -> Interval:
    """Return a statistic of all tasks' runs together and its percentile interval.

    The ends are NaN if a task has fewer than `FEWEST_RUNS` runs.

    Args:
        statistic: (..., n), (n,) -> (...), of the runs of all tasks together and what each counts: tasks have
            equal weight, however many runs each has.
        scores: of each task's runs; to be on one scale if there are several tasks.
        seed: of the resampling.
        repetitions: of the resampling.
    """
    weight_n = _weights(scores)
    drawn_r = statistic(
        np.concatenate(resample(scores, seed=seed, repetitions=repetitions), axis=-1), weight_n
    )
    return _interval(float(statistic(np.concatenate(scores), weight_n)), drawn_r, scores)


def probability_of_improvement(
    first: Scores, second: Scores, *, seed: int = 0, repetitions: int = REPETITIONS
) -> Interval:
    """Return how probably a run of the first beats one of the second, on a task taken at random.

    Ties count half (Mann and Whitney's U). Tasks have equal weight; the scale of scores does not matter. The
    ends are NaN if either has fewer than `FEWEST_RUNS` runs on a task.

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
    return _interval(float(value), drawn_r, [*first, *second])


def paired_improvement(first: Scores, second: Scores, *, seed: int = 0) -> Interval:
    """Return the probability that the first is better than the second with the same seed.

    Runs that share a seed share their initial design, so a pair differs by less luck than two runs at random.
    Ties count one half. Tasks are weighted equally; seeds are resampled within each, pairs kept together.

    Args:
        first: for each task the scores of one (n,), in the order of their seeds.
        second: those of the other, of the same tasks and seeds.
        seed: of the bootstrap.

    Raises:
        InputError: the two have other numbers of tasks or runs.
    """
    return _over_pairs(first, second, lambda gain_n: (np.sign(gain_n) + 1.0) / 2.0, seed)


def paired_difference(first: Scores, second: Scores, *, seed: int = 0) -> Interval:
    """Return the mean of first minus second with the same seed, tasks weighted equally.

    Arguments and errors are those of `paired_improvement`. Scores of several tasks need one scale.
    """
    return _over_pairs(first, second, lambda gain_n: gain_n, seed)


def performance_profile(
    scores: Scores, threshold_c: Floats, *, seed: int = 0, repetitions: int = REPETITIONS
) -> tuple[Floats, Floats, Floats]:
    """Return the share of runs above each threshold, and the pointwise ends of its interval: (c,) each.

    Tasks have equal weight. The ends are NaN if a task has fewer than `FEWEST_RUNS` runs.
    """
    weight_n = _weights(scores)
    pooled_rn = np.concatenate(resample(scores, seed=seed, repetitions=repetitions), axis=-1)
    drawn_rc = np.stack([(pooled_rn > threshold) @ weight_n for threshold in threshold_c], axis=-1)
    value_c = weight_n @ (np.concatenate(scores)[:, None] > threshold_c)
    low_c, high_c = np.quantile(drawn_rc, _ends(), axis=0)
    if not _are_enough(scores):
        low_c, high_c = np.full_like(low_c, np.nan), np.full_like(high_c, np.nan)
    return value_c, low_c, high_c


def _over_pairs(first: Scores, second: Scores, statistic: Callable[[Floats], Floats], seed: int) -> Interval:
    sizes = [[len(one) for one in scores] for scores in (first, second)]
    if sizes[0] != sizes[1] or not sizes[0] or 0 in sizes[0]:
        raise InputError(f"pairs need equally many runs of each task, got {sizes[0]} and {sizes[1]}")
    value_kn = [
        statistic(np.asarray(one) - np.asarray(other)) for one, other in zip(first, second, strict=True)
    ]
    drawn_krn = resample(value_kn, seed=seed)
    mean_r = np.mean([drawn_rn.mean(axis=1) for drawn_rn in drawn_krn], axis=0)
    return _interval(float(np.mean([value_n.mean() for value_n in value_kn])), mean_r, value_kn)


def _weights(scores: Scores) -> Floats:
    """Return what each of all tasks' runs counts, in sum 1: equally much for every task."""
    return np.concatenate([np.full(len(score_n), 1.0 / (len(scores) * len(score_n))) for score_n in scores])


def _wins(first_n: Floats, second_n: Floats) -> Floats:
    """Return the share of pairs that the first wins: (..., n), (..., m) -> (...)."""
    one, other = first_n[..., :, None], second_n[..., None, :]
    share: Floats = ((one > other) + 0.5 * (one == other)).mean(axis=(-2, -1))
    return share


def _are_enough(scores: Scores) -> bool:
    return all(len(score_n) >= FEWEST_RUNS for score_n in scores)


def _interval(value: float, drawn_r: Floats, scores: Scores) -> Interval:
    low, high = np.quantile(drawn_r, _ends()) if _are_enough(scores) else (math.nan, math.nan)
    return Interval(value=value, low=float(low), high=float(high))


def _ends() -> tuple[float, float]:
    return (1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2
