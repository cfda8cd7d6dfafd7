"""Where one function drawn from the model is highest: Thompson sampling.

An upper bound is highest in the corners of the region, the more so the less is known, and proposals that
follow it walk to the ends of the ranges. A function drawn from the posterior is highest at a point with the
probability that the point is the best one (Thompson, 1933), so where little is known proposals spread evenly.
As in TuRBO (Eriksson et al., 2019, section 3) the function is drawn at random points of the region.
"""

import numpy as np
from scipy.linalg import cholesky

from bgpbt.arrays import Floats
from bgpbt.surrogate.forecast import Forecast
from bgpbt.surrogate.kernels import prior_variance
from bgpbt.surrogate.reach import Reach, draw
from bgpbt.surrogate.settings import SurrogateSettings

__all__ = ["best_first_of_a_draw"]

JITTER = 1e-6  # of the prior variance, so that the Cholesky factor exists for points that are almost one


def best_first_of_a_draw(
    forecast: Forecast, reach: Reach, settings: SurrogateSettings, random: np.random.Generator
) -> tuple[Floats, Floats]:
    """Return points of the reach by falling value of one function of the posterior: (n, d), (n,)."""
    x_nd = np.vstack([reach.centre_d, draw(reach, settings.candidates, random)])
    mean_n, covariance_nn = forecast.joint(x_nd)
    covariance_nn[np.diag_indices(len(x_nd))] += JITTER * prior_variance(forecast.model.hyperparameters)
    value_n = mean_n + cholesky(covariance_nn, lower=True) @ random.normal(size=len(x_nd))
    order = np.argsort(-value_n, kind="stable")
    return x_nd[order], value_n[order]
