"""Targets as Gaussian ranks, so that the scale and the outliers of a reward do not matter.

Wan et al. (2022), section 3.1; the copula transform of Salinas et al. (2020), "A quantile-based approach for
hyperparameter transfer learning", section 4.
"""

import numpy as np
from scipy.special import ndtri

from bgpbt.arrays import Floats

__all__ = ["gaussian_ranks", "standardised"]


def gaussian_ranks(y_n: Floats) -> Floats:
    """Return the normal quantile of each value's rank: (n,) finite -> (n,).

    Equal values share the mean of their ranks. The quantile is that of (rank - 1/2) / n, so it is finite.
    """
    _, group_n, count_g = np.unique(y_n, return_inverse=True, return_counts=True)
    last_rank_g = np.cumsum(count_g)
    mean_rank_g = last_rank_g - (count_g - 1) / 2.0
    z_n: Floats = ndtri((mean_rank_g[group_n] - 0.5) / max(y_n.size, 1))
    return z_n


def standardised(y_n: Floats) -> Floats:
    """Return values, not all equal, less their mean, in units of their standard deviation: (n,) -> (n,)."""
    scale = np.abs(y_n).max()  # squares of very large or very small values would leave the range of floats
    scaled_n = y_n / scale
    z_n: Floats = (scaled_n - scaled_n.mean()) / scaled_n.std()
    return z_n
