"""What the data say about a point that was not tried: mean, variance, and their slopes.

Rasmussen & Williams (2006), algorithm 2.1. A `Posterior` is made by `posterior` at given hyperparameters,
which `bgpbt.surrogate.fit` finds; `condition` adds points whose targets are not known yet.

Symbols: n data; m points asked for; d features.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cholesky, solve_triangular

from bgpbt.arrays import Floats
from bgpbt.surrogate.kernels import (
    Hyperparameters,
    Points,
    covariance,
    covariance_with_slope,
    prior_variance,
)

__all__ = [
    "Posterior",
    "condition",
    "joint",
    "leave_one_out_residuals",
    "posterior",
    "predict",
    "predict_with_slopes",
]

TINY_VARIANCE = 1e-12  # below it a variance is rounding


@dataclass(frozen=True, slots=True, kw_only=True)
class Posterior:
    """A Gaussian process given its data."""

    points: Points
    hyperparameters: Hyperparameters
    factor_nn: Floats  # lower Cholesky factor L of K + noise
    inverse_factor_nn: Floats  # L^-1
    alpha_n: Floats  # (K + noise)^-1 y


def posterior(points: Points, y_n: Floats, hyper: Hyperparameters) -> Posterior:
    """Return the process given targets (n,) at points.

    Raises:
        scipy.linalg.LinAlgError: the covariance is not positive definite in floating point.
    """
    k_nn = covariance(points, points, hyper)
    k_nn[np.diag_indices(points.size)] += hyper.noise_variance
    factor_nn = cholesky(k_nn, lower=True)
    return _posterior(points, hyper, factor_nn, y_n)


def condition(model: Posterior, pending: Points) -> Posterior:
    """Return the process given also that pending points turn out as it expects ("kriging believer").

    Ginsbourger et al. (2010), section 4.2. Targets equal to the mean change no mean, so alpha gains zeros;
    the variance falls. The Cholesky factor is extended and not computed anew.
    """
    if pending.size == 0:
        return model
    hyper = model.hyperparameters
    old = model.points.size
    k_np = covariance(model.points, pending, hyper)
    k_pp = covariance(pending, pending, hyper)
    k_pp[np.diag_indices(pending.size)] += hyper.noise_variance
    across_np = solve_triangular(model.factor_nn, k_np, lower=True)
    corner_pp = cholesky(k_pp - across_np.T @ across_np, lower=True)
    factor = np.zeros((old + pending.size, old + pending.size))
    factor[:old, :old] = model.factor_nn
    factor[old:, :old] = across_np.T
    factor[old:, old:] = corner_pp
    points = Points(
        features_nd=np.vstack([model.points.features_nd, pending.features_nd]),
        categories_nc=np.vstack([model.points.categories_nc, pending.categories_nc]),
        time_n=np.concatenate([model.points.time_n, pending.time_n]),
    )
    return Posterior(
        points=points,
        hyperparameters=hyper,
        factor_nn=factor,
        inverse_factor_nn=solve_triangular(factor, np.eye(len(factor)), lower=True),
        alpha_n=np.concatenate([model.alpha_n, np.zeros(pending.size)]),
    )


def leave_one_out_residuals(model: Posterior) -> Floats:
    """Return how far each target is from its prediction by all others: (n,).

    Rasmussen & Williams (2006), eq. 5.12. The hyperparameters stay; those of the whole data are not far off.
    """
    precision_n = np.einsum("mn,mn->n", model.inverse_factor_nn, model.inverse_factor_nn)
    residual_n: Floats = model.alpha_n / precision_n
    return residual_n


def predict(model: Posterior, points: Points) -> tuple[Floats, Floats]:
    """Return mean and variance of the noise-free function: (m,), (m,)."""
    k_mn = covariance(points, model.points, model.hyperparameters)
    return k_mn @ model.alpha_n, _variance(model, k_mn @ model.inverse_factor_nn.T)


def joint(model: Posterior, points: Points) -> tuple[Floats, Floats]:
    """Return mean and covariance of the noise-free function at points taken together: (m,), (m, m)."""
    k_mn = covariance(points, model.points, model.hyperparameters)
    half_mn = k_mn @ model.inverse_factor_nn.T
    covariance_mm = covariance(points, points, model.hyperparameters) - half_mn @ half_mn.T
    return k_mn @ model.alpha_n, covariance_mm


def predict_with_slopes(model: Posterior, points: Points) -> tuple[Floats, Floats, Floats, Floats]:
    """Return mean, variance, and their gradients by the features: (m,), (m,), (m, d), (m, d).

    The Matern kernel has slope -5/3 (1 + s) exp(-s) (x - x') / l^2, s = sqrt(5) r.
    """
    hyper, data = model.hyperparameters, model.points
    x_md, x_nd = points.features_nd, data.features_nd
    k_mn, slope_mn = covariance_with_slope(points, data, hyper)
    half_mn = k_mn @ model.inverse_factor_nn.T
    mean_slope_mn = slope_mn * model.alpha_n
    variance_slope_mn = -2.0 * slope_mn * (half_mn @ model.inverse_factor_nn)
    inverse_square_d = hyper.lengthscale_d**-2.0

    def gradient(weight_mn: Floats) -> Floats:
        total_m = weight_mn.sum(axis=1)
        by_feature: Floats = (x_md * total_m[:, None] - weight_mn @ x_nd) * -inverse_square_d
        return by_feature

    return (
        k_mn @ model.alpha_n,
        _variance(model, half_mn),
        gradient(mean_slope_mn),
        gradient(variance_slope_mn),
    )


def _posterior(points: Points, hyper: Hyperparameters, factor_nn: Floats, y_n: Floats) -> Posterior:
    inverse_nn = solve_triangular(factor_nn, np.eye(len(factor_nn)), lower=True)
    half_n = solve_triangular(factor_nn, y_n, lower=True)
    return Posterior(
        points=points,
        hyperparameters=hyper,
        factor_nn=factor_nn,
        inverse_factor_nn=inverse_nn,
        alpha_n=solve_triangular(factor_nn, half_n, lower=True, trans="T"),
    )


def _variance(model: Posterior, half_mn: Floats) -> Floats:
    explained_m = np.einsum("mn,mn->m", half_mn, half_mn)
    variance_m: Floats = np.maximum(prior_variance(model.hyperparameters) - explained_m, TINY_VARIANCE)
    return variance_m
