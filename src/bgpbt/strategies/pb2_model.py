"""One proposal of PB2: fit the time-varying Gaussian process and maximise its upper bound.

Parker-Holder et al. (2020), section 4. The search is over ordered inputs, integers and ordinals at their
positions in [0, 1] and rounded to the nearest level. Categories are given; an inactive input stands at 0.5.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.optimize import minimize
from threadpoolctl import ThreadpoolController

from bgpbt.arrays import Floats
from bgpbt.records import Configuration
from bgpbt.space import Space
from bgpbt.strategies.time_varying_gp import Points, Posterior, fit, posterior, upper_bound
from bgpbt.surrogate import Observation, PendingPoint

__all__ = ["Task", "propose"]

CANDIDATES = 256
"""Random points among which the search for the maximum starts."""

STARTS = 4
"""Of the candidates, how many are improved by gradient ascent."""

INACTIVE = 0.5
"""Where an inactive input stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What a proposal depends on."""

    space: Space
    observations: Sequence[Observation]
    pending: Sequence[PendingPoint]
    given: Configuration  # its categories are kept
    score_before: float  # the context
    time: float  # of the coming round
    models_categories: bool  # False: the model sees ordered inputs only


def propose(task: Task, rng: np.random.Generator) -> tuple[Configuration, str | None]:
    """Return a legal configuration with the given categories, and why it is random: None if it is not."""
    with _blas().limit(limits=1, user_api="blas"):  # such small matrices only wait for more threads
        return _propose(task, rng)


def _propose(task: Task, rng: np.random.Generator) -> tuple[Configuration, str | None]:
    usable = [o for o in task.observations if math.isfinite(o.improvement_rate)]
    y_n, complaint = _standardised([o.improvement_rate for o in usable])
    if complaint is not None:
        return _random(task, rng), complaint
    scale = _ScoreScale.of([o.score_before for o in usable] + [task.score_before])
    data = _points(task, usable, scale, [o.time for o in usable])
    pending = _points(task, task.pending, scale, [task.time] * len(task.pending))
    model = posterior(fit(data, y_n), data, y_n, pending)
    kappa = math.sqrt(0.2 + max(0.0, math.log(0.4 * len(usable))))  # as the released PB2 has it
    best_d = _maximise(task, model, scale, kappa, rng)
    (candidate,) = task.space.decode(best_d[None])
    if not task.space.is_legal(candidate):
        return _random(task, rng), "the model's best configuration is forbidden"
    return candidate, None


@dataclass(frozen=True, slots=True, kw_only=True)
class _ScoreScale:
    """Scores to [0, 1]."""

    low: float
    high: float

    @classmethod
    def of(cls, scores: Sequence[float]) -> "_ScoreScale":
        finite = [score for score in scores if math.isfinite(score)] or [0.0]
        return cls(low=min(finite), high=max(finite))

    def __call__(self, score: float) -> float:
        width = self.high / 2.0 - self.low / 2.0  # halved, so that no finite scores overflow
        if not math.isfinite(score) or width <= 0.0:
            return 0.5
        return min(max((score / 2.0 - self.low / 2.0) / width, 0.0), 1.0)


def _standardised(rates: Sequence[float]) -> tuple[Floats, str | None]:
    """Return targets of mean 0 and variance 1, or why there are none."""
    if len(rates) < 2:
        return np.empty(0), f"{len(rates)} usable observations"
    y_n = np.array(rates, dtype=np.float64)
    largest = np.max(np.abs(y_n))
    y_n = y_n / largest if largest > 0.0 else y_n  # squares of huge rates would overflow
    deviation = float(np.std(y_n))
    if deviation < 1e-12:
        return y_n, "all rates of improvement are equal"
    return (y_n - np.mean(y_n)) / deviation, None


def _points(
    task: Task, items: Sequence[Observation] | Sequence[PendingPoint], scale: _ScoreScale, times: list[float]
) -> Points:
    x_nd = task.space.encode([item.configuration for item in items])
    scores = np.array([scale(item.score_before) for item in items], dtype=np.float64)
    return _as_points(task, x_nd, scores, np.array(times, dtype=np.float64))


def _as_points(task: Task, x_nd: Floats, context_n: Floats, time_n: Floats) -> Points:
    is_categorical_d = task.space.is_categorical_d
    ordered_nd = np.where(np.isnan(x_nd), INACTIVE, x_nd)[:, ~is_categorical_d]
    choice_nk = np.nan_to_num(x_nd[:, is_categorical_d], nan=-1.0)  # inactive: a choice of its own
    if not task.models_categories:
        choice_nk = choice_nk[:, :0]
    return Points(x_nd=np.column_stack([ordered_nd, context_n]), choice_nk=choice_nk, time_n=time_n)


def _maximise(
    task: Task, model: Posterior, scale: _ScoreScale, kappa: float, rng: np.random.Generator
) -> Floats:
    """Return the coordinates of the highest upper bound found: all inputs, categories as given."""
    (given_d,) = task.space.encode([task.given])
    ordered = np.flatnonzero(~task.space.is_categorical_d)
    if ordered.size == 0:
        return np.asarray(given_d)

    def at(ordered_qd: Floats) -> Points:
        x_qd = np.tile(given_d, (len(ordered_qd), 1))
        x_qd[:, ordered] = ordered_qd
        context_q = np.full(len(x_qd), scale(task.score_before))
        return _as_points(task, x_qd, context_q, np.full(len(x_qd), task.time))

    def descent(ordered_d: Floats) -> tuple[float, Floats]:
        value_q, slope_qd = upper_bound(model, at(ordered_d[None]), kappa)
        return -float(value_q[0]), -slope_qd[0, : ordered.size]  # the context is not moved

    candidate_qd = rng.random((CANDIDATES, ordered.size))
    value_q, _ = upper_bound(model, at(candidate_qd), kappa)
    starts = candidate_qd[np.argsort(-value_q, kind="stable")[:STARTS]]
    bounds = [(0.0, 1.0)] * int(ordered.size)
    results = [minimize(descent, start, jac=True, method="L-BFGS-B", bounds=bounds) for start in starts]
    best_d: Floats = given_d.copy()
    best_d[ordered] = min(results, key=lambda result: float(result.fun)).x
    return best_d


def _random(task: Task, rng: np.random.Generator) -> Configuration:
    """Return a random configuration, with the given categories where that is legal."""
    (given_d,) = task.space.encode([task.given])
    (sampled,) = task.space.sample(1, rng)
    (sampled_d,) = task.space.encode([sampled])
    keeps_d = task.space.is_categorical_d & ~np.isnan(given_d)
    (candidate,) = task.space.decode(np.where(keeps_d, given_d, sampled_d)[None])
    return candidate if task.space.is_legal(candidate) else sampled


@cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController()
