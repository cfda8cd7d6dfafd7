"""Where one function drawn from the model is highest: Thompson sampling.

An upper bound is highest in the corners of the region, the more so the less is known, and proposals that
follow it walk to the ends of the ranges. A function drawn from the posterior is highest at a point with the
probability that the point is the best one (Thompson, 1933), so where little is known proposals spread evenly.
As in TuRBO (Eriksson et al., 2019, section 3) the function is drawn at random points of the region.
"""

import numpy as np
from scipy.linalg import cholesky

from bgpbt.arrays import Floats
from bgpbt.surrogate.candidate_set import CandidateSet, draw
from bgpbt.surrogate.forecast import Forecast
from bgpbt.surrogate.kernels import prior_variance
from bgpbt.surrogate.settings import SurrogateSettings

__all__ = ["maximise_draw"]

JITTER = 1e-6  # of the prior variance, so that the Cholesky factor exists for points that are almost one


def maximise_draw(
    forecast: Forecast, candidate_set: CandidateSet, settings: SurrogateSettings, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Return candidates by falling value of one function of the posterior: (n, d), (n,)."""
    x_nd = np.vstack([candidate_set.centre_d, draw(candidate_set, settings.candidates, rng)])
    mean_n, covariance_nn = forecast.joint(x_nd)
    covariance_nn[np.diag_indices(len(x_nd))] += JITTER * prior_variance(forecast.model.hyperparameters)
    value_n = mean_n + cholesky(covariance_nn, lower=True) @ rng.normal(size=len(x_nd))
    order = np.argsort(-value_n, kind="stable")
    return x_nd[order], value_n[order]
