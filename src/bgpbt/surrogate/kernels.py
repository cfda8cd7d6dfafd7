"""The covariance of two training rounds: how alike their configurations, contexts and times are.

Wan et al. (2022), section 3.1 and appendix, after Casmopolitan (Wan et al., 2021, eqs. 3 and 4) and the
time-varying Gaussian process of Bogunovic et al. (2016), eq. 4:

    k((x, h, t), (x', h', t')) = sigma^2 k_time(t, t') k_mixed,
    k_mixed = (1 - lam) (k_cat(h, h') + k_cont(x, x')) + lam k_cat(h, h') k_cont(x, x').

`k_cont` is a Matern-5/2 over inputs with an order and the context, `k_cat` an exponentiated overlap over
categories. Both are scaled to 1 on the diagonal, so the variance of a point is (2 - lam) sigma^2 if there are
inputs of both kinds and sigma^2 otherwise.

Symbols: n, m points; d continuous features; c categories.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import cdist

from bgpbt.arrays import Floats

__all__ = [
    "Hyperparameters",
    "Points",
    "covariance",
    "covariance_with_slope",
    "matern52",
    "mixed",
    "overlap",
    "prior_variance",
    "time_decay",
]

Categories = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Points:
    """Where the process is looked at. `bgpbt.surrogate.coordinates` makes these from configurations."""

    features_nd: Floats  # continuous inputs and the context, finite
    categories_nc: Categories  # index of the choice; -1 where the input is inactive
    time_n: Floats  # rounds

    @property
    def size(self) -> int:
        """Number of points."""
        return self.time_n.size


@dataclass(frozen=True, slots=True, kw_only=True)
class Hyperparameters:
    """The parameters of the covariance and the noise."""

    lengthscale_d: Floats  # of each feature, positive
    overlap_c: Floats  # l_i of each category, positive: how much a changed choice matters
    mixing: float  # lam, in [0, 1]: 0 adds the two kinds, 1 multiplies them
    forgetting: float  # eps, in [0, 1): share of the covariance that is lost in two rounds
    signal_variance: float  # sigma^2
    noise_variance: float


def matern52(x_nd: Floats, z_md: Floats, *, lengthscale_d: Floats) -> Floats:
    """Unit-variance Matern-5/2 covariance: (n, d), (m, d), (d,) -> (n, m), float64.

    Rasmussen & Williams (2006), eq. 4.17, inputs divided by the lengthscales first.
    """
    s_nm = math.sqrt(5.0) * cdist(x_nd / lengthscale_d, z_md / lengthscale_d)
    k_nm: Floats = (1.0 + s_nm + s_nm**2 / 3.0) * np.exp(-s_nm)
    return k_nm


def overlap(h_nc: Categories, g_mc: Categories, *, overlap_c: Floats) -> Floats:
    """Exponentiated overlap of categories: (n, c), (m, c), (c,) -> (n, m), 1 where all agree.

    exp(sum_i l_i [h_i = g_i] / c) divided by its value on the diagonal, that is
    exp(-sum_i l_i [h_i != g_i] / c). Wan et al. (2021), eq. 3.
    """
    distance_nm = np.zeros((len(h_nc), len(g_mc)))
    for weight, h_n, g_m in zip(overlap_c, h_nc.T, g_mc.T, strict=True):
        distance_nm += weight * (h_n[:, None] != g_m[None, :])
    k_nm: Floats = np.exp(-distance_nm / overlap_c.size)
    return k_nm


def time_decay(t_n: Floats, t_m: Floats, *, forgetting: float) -> Floats:
    """Return (1 - eps)^(|t - t'| / 2), t in rounds. Bogunovic et al. (2016), eq. 4."""
    elapsed_nm = np.abs(t_n[:, None] - t_m[None, :])
    k_nm: Floats = np.exp(0.5 * math.log1p(-forgetting) * elapsed_nm)
    return k_nm


def mixed(k_continuous: Floats, k_categorical: Floats, *, mixing: float) -> Floats:
    """Return the sum and the product of two kernels, weighed. Wan et al. (2021), eq. 4."""
    k: Floats = (1.0 - mixing) * (k_categorical + k_continuous) + mixing * k_categorical * k_continuous
    return k


def covariance(p: Points, q: Points, hyper: Hyperparameters) -> Floats:
    """Return the covariance of the noise-free function: (n, m)."""
    scale_nm = hyper.signal_variance * time_decay(p.time_n, q.time_n, forgetting=hyper.forgetting)
    if hyper.overlap_c.size == 0:
        return scale_nm * matern52(p.features_nd, q.features_nd, lengthscale_d=hyper.lengthscale_d)
    k_categorical = overlap(p.categories_nc, q.categories_nc, overlap_c=hyper.overlap_c)
    if hyper.lengthscale_d.size == 0:
        return scale_nm * k_categorical
    k_continuous = matern52(p.features_nd, q.features_nd, lengthscale_d=hyper.lengthscale_d)
    return scale_nm * mixed(k_continuous, k_categorical, mixing=hyper.mixing)


def covariance_with_slope(p: Points, q: Points, hyper: Hyperparameters) -> tuple[Floats, Floats]:
    """Return the covariance and a slope: (n, m), (n, m). The gradient is -slope (x_d - x'_d) / l_d^2.

    The Matern kernel has slope 5/3 (1 + s) exp(-s), s = sqrt(5) r; the mixed one's follows by the chain rule.
    """
    scale_nm = hyper.signal_variance * time_decay(p.time_n, q.time_n, forgetting=hyper.forgetting)
    s_nm = math.sqrt(5.0) * cdist(p.features_nd / hyper.lengthscale_d, q.features_nd / hyper.lengthscale_d)
    decay_nm = np.exp(-s_nm)
    k_nm: Floats = (1.0 + s_nm + s_nm**2 / 3.0) * decay_nm
    slope_nm: Floats = (5.0 / 3.0) * (1.0 + s_nm) * decay_nm * scale_nm
    if hyper.overlap_c.size == 0:
        return scale_nm * k_nm, slope_nm
    categorical_nm = overlap(p.categories_nc, q.categories_nc, overlap_c=hyper.overlap_c)
    mixed_nm = mixed(k_nm, categorical_nm, mixing=hyper.mixing)
    return scale_nm * mixed_nm, slope_nm * (1.0 - hyper.mixing + hyper.mixing * categorical_nm)


def prior_variance(hyper: Hyperparameters) -> float:
    """Return the variance of the noise-free function at any point."""
    is_mixed = hyper.lengthscale_d.size > 0 and hyper.overlap_c.size > 0
    return hyper.signal_variance * (2.0 - hyper.mixing if is_mixed else 1.0)
