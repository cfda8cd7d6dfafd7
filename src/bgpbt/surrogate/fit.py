"""The hyperparameters that the data make most probable: Rasmussen & Williams (2006), section 5.4.1.

The log marginal likelihood plus weak log priors has several maxima, so it is climbed from several starts.
"""

import math

import numpy as np
from scipy.optimize import Bounds, minimize

from bgpbt.arrays import Floats
from bgpbt.surrogate.kernels import Points
from bgpbt.surrogate.likelihood import Pairs, log_posterior, pairs_of
from bgpbt.surrogate.parameters import Layout

__all__ = ["fit"]

STARTS_DRAWN = 16  # random thetas, of which the most probable start an optimisation
MOST_ITERATIONS = 200  # of one optimisation; it converges in 20 to 60


def fit(
    points: Points,
    y_n: Floats,
    layout: Layout,
    random: np.random.Generator,
    *,
    starts: int = 3,
    warm_start: Floats | None = None,
) -> Floats:
    """Return theta at the highest posterior density that several optimisations reach.

    The first starts at `warm_start` if it is given, the next at the mean of the priors, the others at the
    best of a number of draws from the priors. L-BFGS-B with the analytic gradient, float64.
    """
    pairs = pairs_of(points, layout)
    low_p, high_p = layout.bounds
    best_p, best = np.clip(layout.prior_mean_p, low_p, high_p), -math.inf
    for start_p in _starts(y_n, pairs, layout, random, (starts, warm_start)):
        found = minimize(
            _negative_log_posterior,
            start_p,
            args=(y_n, pairs, layout),
            jac=True,
            method="L-BFGS-B",
            bounds=Bounds(low_p, high_p),
            options={"maxiter": MOST_ITERATIONS, "ftol": 1e-9, "gtol": 1e-4, "maxcor": 20},
        )
        if -found.fun > best:
            best_p, best = np.clip(found.x, low_p, high_p), -float(found.fun)
    return best_p


def _starts(
    y_n: Floats,
    pairs: Pairs,
    layout: Layout,
    random: np.random.Generator,
    wanted: tuple[int, Floats | None],
) -> list[Floats]:
    count, warm_p = wanted
    low_p, high_p = layout.bounds
    starts = [] if warm_p is None or warm_p.shape != low_p.shape else [warm_p]
    starts.append(layout.prior_mean_p)
    missing = count - len(starts)
    if missing > 0:
        drawn = random.normal(layout.prior_mean_p, layout.prior_deviation_p, (STARTS_DRAWN, layout.size))
        drawn = np.clip(drawn, low_p, high_p)
        ranking = np.argsort([_negative_log_posterior(t, y_n, pairs, layout)[0] for t in drawn])
        starts.extend(drawn[i] for i in ranking[:missing])
    return [np.clip(start_p, low_p, high_p) for start_p in starts[:count]]


def _negative_log_posterior(
    theta_p: Floats, y_n: Floats, pairs: Pairs, layout: Layout
) -> tuple[float, Floats]:
    value, gradient_p = log_posterior(theta_p, y_n, pairs, layout)
    return (-value, -gradient_p) if math.isfinite(value) else (1e25, np.zeros_like(theta_p))
