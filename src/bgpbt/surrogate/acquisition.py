"""Where the model's upper confidence bound is highest, over floats, levels and categories together.

The bound is mean + sqrt(beta) * standard deviation of the noise-free function (Srinivas et al., 2010, eq. 6).
Wan et al. (2022), appendix, interleave gradient steps on continuous inputs with local search over the
neighbours of discrete ones; here both are done for all starts at once.

Symbols: n points; k discrete moves; d searched inputs.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import Bounds, minimize

from bgpbt.arrays import Floats
from bgpbt.surrogate.forecast import Forecast
from bgpbt.surrogate.reach import Reach, draw, neighbours
from bgpbt.surrogate.settings import SurrogateSettings

__all__ = ["UpperBound", "best_first", "climb", "sign_steps", "step_to_best_neighbours"]

ROUNDS = 4  # alternations of discrete and continuous search
MOST_MOVES = 8  # discrete moves in a row, in one round
CLIMB_ITERATIONS = 15  # of L-BFGS-B, in one round; the last climb of the best point converges
POLISH_ITERATIONS = 100
SMALL_GAIN = 1e-7  # of the bound in a round, in units of a standard normal target: converged
SIGN_STEP = 0.1  # of the released code, in coordinates of [0, 1]
SIGN_STEPS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class UpperBound:
    """The acquisition function, over complete coordinates of the space."""

    forecast: Forecast
    beta: float

    def __call__(self, x_nd: Floats) -> Floats:
        """Return the bound: (n, d) -> (n,)."""
        mean_n, variance_n = self.forecast.marginals(x_nd)
        bound_n: Floats = mean_n + math.sqrt(self.beta) * np.sqrt(variance_n)
        return bound_n

    def with_slopes(self, x_nd: Floats) -> tuple[Floats, Floats]:
        """Return the bound and its gradient, which is 0 by categories and inactive inputs: (n,), (n, d)."""
        mean_n, variance_n, mean_nd, variance_nd = self.forecast.with_slopes(x_nd)
        deviation_n = np.sqrt(variance_n)
        slope_nd = mean_nd + (0.5 * math.sqrt(self.beta) / deviation_n)[:, None] * variance_nd
        return mean_n + math.sqrt(self.beta) * deviation_n, slope_nd


def best_first(
    bound: UpperBound, reach: Reach, settings: SurrogateSettings, random: np.random.Generator
) -> tuple[Floats, Floats]:
    """Return points of the reach by falling upper bound, and their bounds: (n, d), (n,).

    First comes the maximum that was found; the other ends of the search, its neighbours and random points
    follow, for the case that something forbids the first.
    """
    drawn_nd = np.vstack([reach.centre_d, draw(reach, settings.candidates, random)])
    drawn_n = bound(drawn_nd)
    x_nd = drawn_nd[np.argsort(-drawn_n, kind="stable")[: settings.starts]]
    value_n = bound(x_nd)
    seen = [drawn_nd]
    for _ in range(ROUNDS):
        before = float(value_n.max())
        x_nd = step_to_best_neighbours(bound, reach, x_nd)
        x_nd = _continuous_step(bound, reach, x_nd, settings)
        value_n = bound(x_nd)
        seen.append(x_nd)
        if value_n.max() - before < SMALL_GAIN:
            break
        x_nd = x_nd[np.argsort(-value_n, kind="stable")[: max(2, len(x_nd) // 2)]]
    best_nd = x_nd[[int(np.argmax(bound(x_nd)))]]
    if settings.acquisition != "sign":
        best_nd = climb(bound, reach, best_nd, POLISH_ITERATIONS)
    moved_knd, is_allowed_kn = neighbours(reach, best_nd)
    everything_nd = np.vstack([best_nd, moved_knd[is_allowed_kn], *seen])
    everything_n = bound(everything_nd)
    order = np.argsort(-everything_n, kind="stable")
    return everything_nd[order], everything_n[order]


def step_to_best_neighbours(bound: UpperBound, reach: Reach, x_nd: Floats) -> Floats:
    """Move each point to its best discrete neighbour, until none is better than where it stands."""
    value_n = bound(x_nd)
    rows = np.arange(len(x_nd))
    for _ in range(MOST_MOVES):
        moved_knd, is_allowed_kn = neighbours(reach, x_nd)
        if len(moved_knd) == 0:
            return x_nd
        moved_kn = np.full(is_allowed_kn.shape, -np.inf)
        moved_kn[is_allowed_kn] = bound(moved_knd[is_allowed_kn])
        best_n = moved_kn.argmax(axis=0)
        is_better_n = moved_kn[best_n, rows] > value_n + SMALL_GAIN
        if not is_better_n.any():
            return x_nd
        x_nd = np.where(is_better_n[:, None], moved_knd[best_n, rows], x_nd)
        value_n = np.where(is_better_n, moved_kn[best_n, rows], value_n)
    return x_nd


def climb(bound: UpperBound, reach: Reach, x_nd: Floats, iterations: int) -> Floats:
    """Climb the bound by the floats, from all points at once, inside the box.

    L-BFGS-B on the sum of the bounds, whose terms share no variable. Sides of the box have length 1, which
    scales every input by its lengthscale. While the sum rises a single term may fall into another basin; such
    points climb once more without the others. There are always fewer of them, and a point alone never falls.
    """
    columns = reach.continuous
    low_d, width_d = reach.lower_d[columns], (reach.upper_d - reach.lower_d)[columns]
    if columns.size == 0 or not width_d.any():
        return x_nd
    moving_nd = x_nd.copy()

    def negative_sum(unit: Floats) -> tuple[float, Floats]:
        moving_nd[:, columns] = low_d + unit.reshape(len(x_nd), -1) * width_d
        value_n, slope_nd = bound.with_slopes(moving_nd)
        return -float(value_n.sum()), -(slope_nd[:, columns] * width_d).ravel()

    start = (x_nd[:, columns] - low_d) / np.where(width_d > 0.0, width_d, 1.0)
    found = minimize(
        negative_sum,
        np.clip(start, 0.0, 1.0).ravel(),
        jac=True,
        method="L-BFGS-B",
        bounds=Bounds(0.0, 1.0),
        options={"maxiter": iterations, "ftol": 1e-12, "gtol": 1e-6},
    )
    end_nd = x_nd.copy()
    end_nd[:, columns] = low_d + np.clip(found.x, 0.0, 1.0).reshape(len(x_nd), -1) * width_d
    fell_n = bound(end_nd) < bound(x_nd)
    if fell_n.any():
        end_nd[fell_n] = x_nd[fell_n] if fell_n.all() else climb(bound, reach, x_nd[fell_n], iterations)
    return end_nd


def sign_steps(bound: UpperBound, reach: Reach, x_nd: Floats) -> Floats:
    """Take fixed steps along the sign of the gradient and keep the best point seen, as released code did."""
    columns = reach.continuous
    best_nd, best_n = x_nd, bound(x_nd)
    for _ in range(SIGN_STEPS):
        _, slope_nd = bound.with_slopes(x_nd)
        stepped_nd = x_nd[:, columns] + SIGN_STEP * np.sign(slope_nd[:, columns])
        x_nd = x_nd.copy()
        x_nd[:, columns] = np.clip(stepped_nd, reach.lower_d[columns], reach.upper_d[columns])
        value_n = bound(x_nd)
        best_nd = np.where((value_n > best_n)[:, None], x_nd, best_nd)
        best_n = np.maximum(value_n, best_n)
    return best_nd


def _continuous_step(bound: UpperBound, reach: Reach, x_nd: Floats, settings: SurrogateSettings) -> Floats:
    if settings.acquisition == "sign":
        return sign_steps(bound, reach, x_nd)
    return climb(bound, reach, x_nd, CLIMB_ITERATIONS)
