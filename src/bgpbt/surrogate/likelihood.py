"""How well hyperparameters explain the targets, with the gradient: what a fit climbs.

The log marginal likelihood is Rasmussen & Williams (2006), eq. 5.8, its gradient eq. 5.9:
dL/dtheta = 1/2 tr(W dK/dtheta), W = alpha alpha^T - K^-1, alpha = K^-1 y. The covariance is that of
`bgpbt.surrogate.kernels`, written once more on the pairs of points only (n (n - 1) / 2 numbers instead of
n^2), with everything that hyperparameters do not change computed beforehand: the fit evaluates it a hundred
times. `tests/surrogate/test_likelihood.py` holds the two to each other.

Symbols: n points; q pairs of points; g lengthscales; c categories; p coordinates of theta.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.linalg.lapack import dpotrf, dpotri, dpotrs

from bgpbt.arrays import Floats
from bgpbt.surrogate.kernels import Hyperparameters, Points, prior_variance
from bgpbt.surrogate.parameters import Layout, from_theta

__all__ = ["Pairs", "log_likelihood", "log_posterior", "log_prior", "pairs_of"]

LOG_TWO_PI = math.log(2.0 * math.pi)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """What hyperparameters do not change about pairs of points."""

    row_q: npt.NDArray[np.intp]  # first point of each pair, the one with the larger index
    column_q: npt.NDArray[np.intp]
    place_q: npt.NDArray[np.intp]  # of a pair in a Fortran-ordered (n, n) matrix's memory
    square_gq: Floats  # squared distance in the features of each lengthscale
    differs_cq: Floats  # 1 where a category differs
    elapsed_q: Floats  # |t - t'|, rounds


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kernel:
    """The unit-variance covariance of pairs and its parts."""

    k_q: Floats  # mixed kernel times decay
    categorical_q: Floats
    continuous_q: Floats
    decay_q: Floats
    slope_q: Floats  # (1 + s) exp(-s), s = sqrt(5) r: of the Matern kernel


def pairs_of(points: Points, layout: Layout) -> Pairs:
    """Return the distances of all pairs of points."""
    row_q, column_q = np.tril_indices(points.size, -1)
    square_gq = np.zeros((layout.groups, row_q.size))
    for feature, group in enumerate(layout.group_d):
        x_n = points.features_nd[:, feature]
        square_gq[group] += (x_n[row_q] - x_n[column_q]) ** 2
    differs_qc = points.categories_nc[row_q] != points.categories_nc[column_q]
    return Pairs(
        row_q=row_q,
        column_q=column_q,
        place_q=row_q + points.size * column_q,
        square_gq=square_gq,
        differs_cq=np.ascontiguousarray(differs_qc.T, dtype=np.float64),
        elapsed_q=np.abs(points.time_n[row_q] - points.time_n[column_q]),
    )


def log_likelihood(theta_p: Floats, y_n: Floats, pairs: Pairs, layout: Layout) -> tuple[float, Floats]:
    """Return the log marginal likelihood and its gradient by theta.

    A covariance that is not positive definite in floating point has likelihood minus infinity and gradient 0.
    """
    hyper = from_theta(theta_p, layout)
    kernel = _kernel(hyper, pairs, layout)
    variance = prior_variance(hyper)
    n = y_n.size
    flat = np.zeros(n * n)  # the lower triangle of a Fortran-ordered matrix, which is all that LAPACK reads
    flat[pairs.place_q] = hyper.signal_variance * kernel.k_q
    flat[:: n + 1] = variance + hyper.noise_variance
    factor_nn, failed = dpotrf(flat.reshape((n, n), order="F"), lower=1, overwrite_a=1)
    if failed:
        return -math.inf, np.zeros_like(theta_p)
    alpha_n, _ = dpotrs(factor_nn, y_n, lower=1)
    log_determinant = 2.0 * float(np.log(np.diagonal(factor_nn)).sum())
    value = -0.5 * (float(y_n @ alpha_n) + log_determinant + n * LOG_TWO_PI)
    inverse_nn, _ = dpotri(factor_nn, lower=1, overwrite_c=1)
    w_q = alpha_n.take(pairs.row_q) * alpha_n.take(pairs.column_q)
    w_q -= inverse_nn.ravel(order="F").take(pairs.place_q)
    trace = float(alpha_n @ alpha_n - np.trace(inverse_nn))
    return value, _gradient(hyper, pairs, layout, kernel, (w_q, trace))


def log_prior(theta_p: Floats, layout: Layout) -> tuple[float, Floats]:
    """Return the log density of the priors, up to a constant, and its gradient."""
    z_p = (theta_p - layout.prior_mean_p) / layout.prior_deviation_p
    return -0.5 * float(z_p @ z_p), -z_p / layout.prior_deviation_p


def log_posterior(theta_p: Floats, y_n: Floats, pairs: Pairs, layout: Layout) -> tuple[float, Floats]:
    """Return log likelihood plus log prior, up to a constant, and the gradient."""
    likelihood, likelihood_p = log_likelihood(theta_p, y_n, pairs, layout)
    prior, prior_p = log_prior(theta_p, layout)
    return likelihood + prior, likelihood_p + prior_p


def _kernel(hyper: Hyperparameters, pairs: Pairs, layout: Layout) -> _Kernel:
    one_q = np.ones(pairs.row_q.size)
    continuous_q = categorical_q = mixed_q = one_q
    slope_q = np.zeros(pairs.row_q.size)
    if layout.groups:
        lengthscale_g = _per_group(hyper, layout)
        s_q = np.sqrt(5.0 * (lengthscale_g**-2.0 @ pairs.square_gq))
        vanishing_q = np.exp(-s_q)
        slope_q = (1.0 + s_q) * vanishing_q
        mixed_q = continuous_q = slope_q + (s_q * s_q) * vanishing_q / 3.0
    if layout.categories:
        mixed_q = categorical_q = np.exp(-(hyper.overlap_c @ pairs.differs_cq) / layout.categories)
    if layout.is_mixed:
        product_q = continuous_q * categorical_q
        mixed_q = (1.0 - hyper.mixing) * (categorical_q + continuous_q) + hyper.mixing * product_q
    decay_q = np.exp((0.5 * math.log1p(-hyper.forgetting)) * pairs.elapsed_q)
    return _Kernel(
        k_q=decay_q * mixed_q,
        categorical_q=categorical_q,
        continuous_q=continuous_q,
        decay_q=decay_q,
        slope_q=slope_q,
    )


def _gradient(
    hyper: Hyperparameters, pairs: Pairs, layout: Layout, kernel: _Kernel, w: tuple[Floats, float]
) -> Floats:
    """Return the gradient; `w` is W of each pair, and its trace. A pair stands for two entries of K."""
    w_q, trace = w
    wk_q = hyper.signal_variance * w_q * kernel.k_q
    wt_q = hyper.signal_variance * w_q * kernel.decay_q  # weighs derivatives of the mixed kernel
    parts: list[Floats] = []
    by_continuous_q = by_categorical_q = wt_q
    if layout.is_mixed:
        by_continuous_q = wt_q * (1.0 - hyper.mixing + hyper.mixing * kernel.categorical_q)
        by_categorical_q = wt_q * (1.0 - hyper.mixing + hyper.mixing * kernel.continuous_q)
    if layout.groups:
        # dk / d log l = 5/3 (1 + s) exp(-s) (x - x')^2 / l^2
        spread_g = pairs.square_gq @ (by_continuous_q * kernel.slope_q)
        parts.append((5.0 / 3.0) * spread_g / _per_group(hyper, layout) ** 2.0)
    if layout.categories:
        change_c = pairs.differs_cq @ (by_categorical_q * kernel.categorical_q)
        parts.append(-change_c * hyper.overlap_c / layout.categories)
    if layout.is_mixed:
        product_q = kernel.categorical_q * kernel.continuous_q
        by_mixing = float(wt_q @ (product_q - kernel.categorical_q - kernel.continuous_q))
        by_mixing -= 0.5 * trace * hyper.signal_variance  # the diagonal is (2 - lam) sigma^2
        parts.append(np.array([by_mixing * hyper.mixing * (1.0 - hyper.mixing)]))
    rate = -math.log1p(-hyper.forgetting)
    by_rate = -0.5 * rate * float(wk_q @ pairs.elapsed_q)
    by_signal = float(wk_q.sum()) + 0.5 * trace * prior_variance(hyper)
    by_noise = 0.5 * trace * hyper.noise_variance
    return np.concatenate([*parts, [by_rate, by_signal, by_noise]])


def _per_group(hyper: Hyperparameters, layout: Layout) -> Floats:
    """Return one lengthscale for each group of features."""
    lengthscale_g = np.ones(layout.groups)
    lengthscale_g[list(layout.group_d)] = hyper.lengthscale_d
    return lengthscale_g
