"""A noisy series without its noise: a Gaussian process over the place in the series.

Rasmussen & Williams (2006), eqs. 2.25 and 2.30: a Matern-5/2 process on n places spread evenly over [0, 1],
with constant noise. The lengthscale l and the ratio g of noise to signal are the most probable of a grid; the
variance follows from them in closed form,

    s^2 = z' (R + g I)^-1 z / n,    log p = -(n log s^2 + log |R + g I|) / 2 + constant.

Symbols: n places; g ratios.
"""

import numpy as np

from bgpbt.space import Floats
from bgpbt.surrogate.blas import one_blas_thread
from bgpbt.surrogate.kernels import matern52

__all__ = ["smoothed", "standardised"]

LENGTHSCALES = np.geomspace(0.1, 3.0, 12)
"""In lengths of the series: from a tenth of it to nearly a straight line."""

NOISE_RATIOS = np.geomspace(1e-3, 10.0, 12)
"""Noise variance over signal variance."""


def standardised(value_n: Floats) -> Floats:
    """Return values with mean 0 and standard deviation 1 (n - 1 in its divisor); all 0 if they are equal."""
    largest = np.abs(value_n).max()
    unit_n = value_n / largest if largest > 0.0 else value_n  # the square of a huge value is infinite
    centred_n: Floats = unit_n - unit_n.mean()
    deviation = centred_n.std(ddof=1) if value_n.size > 1 else 0.0
    is_flat = deviation <= 1e-12  # equal values may differ from their mean by rounding
    return np.zeros_like(value_n) if is_flat else centred_n / deviation


def smoothed(z_n: Floats) -> Floats:
    """Return the posterior mean at the places of a standardised series (n,), finite, n at least 2."""
    if not np.any(z_n):
        return np.zeros_like(z_n)
    place_n1 = np.linspace(0.0, 1.0, z_n.size)[:, None]
    best, mean_n = -np.inf, z_n
    with one_blas_thread():
        for lengthscale in LENGTHSCALES:
            r_nn = matern52(place_n1, place_n1, lengthscale_d=np.array([lengthscale]))
            eigen_n, vector_nn = np.linalg.eigh(r_nn)
            along_n = vector_nn.T @ z_n
            spread_gn = np.maximum(eigen_n, 0.0) + NOISE_RATIOS[:, None]
            variance_g = np.mean(along_n**2 / spread_gn, axis=1)
            log_g = -0.5 * (z_n.size * np.log(variance_g) + np.log(spread_gn).sum(axis=1))
            at = int(np.argmax(log_g))
            if log_g[at] > best:
                best = float(log_g[at])
                mean_n = r_nn @ (vector_nn @ (along_n / spread_gn[at]))
    return mean_n
