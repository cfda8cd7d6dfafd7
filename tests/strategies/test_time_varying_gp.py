import numpy as np
import pytest
import scipy.stats
from scipy.optimize import approx_fprime

from bgpbt.strategies.time_varying_gp import (
    Parameters,
    Points,
    _differences,
    _negative_log_likelihood,
    fit,
    posterior,
    upper_bound,
)

PARAMETERS = Parameters(variance=1.3, lengthscale=0.4, categorical_lengthscale=0.6, forgetting=0.1, noise=0.3)
THETA = np.log([1.3, 0.4, 0.6, 0.1 / 0.9, 0.3])


def points(seed: int, n: int) -> Points:
    rng = np.random.default_rng(seed)
    return Points(
        x_nd=rng.random((n, 3)),
        choice_nk=rng.integers(3, size=(n, 2)).astype(np.float64),
        time_n=rng.integers(20, size=n).astype(np.float64),
    )


def covariance(a: Points, b: Points) -> np.ndarray:
    """Return the covariance of the page, one pair at a time."""
    k = np.zeros((a.size, b.size))
    for i in range(a.size):
        for j in range(b.size):
            differing = sum(int(x != y) for x, y in zip(a.choice_nk[i], b.choice_nk[j], strict=True))
            distance = float(np.linalg.norm(a.x_nd[i] - b.x_nd[j]))
            closeness = np.exp(-(distance**2) / (2 * 0.4**2)) * np.exp(-differing / (2 * 0.6**2))
            k[i, j] = 1.3 * closeness * 0.9 ** (abs(a.time_n[i] - b.time_n[j]) / 2)
    return k


def test_the_likelihood_is_that_of_a_multivariate_normal() -> None:
    data, y_n = points(0, 12), np.random.default_rng(1).normal(size=12)
    normal = scipy.stats.multivariate_normal(cov=covariance(data, data) + 0.3 * np.eye(12))
    value, _ = _negative_log_likelihood(THETA, *_differences(data, data), y_n)
    assert value == pytest.approx(-float(normal.logpdf(y_n)), rel=1e-10)


def test_the_gradient_of_the_likelihood_agrees_with_finite_differences() -> None:
    data, y_n = points(2, 15), np.random.default_rng(3).normal(size=15)
    differences = _differences(data, data)
    _, gradient = _negative_log_likelihood(THETA, *differences, y_n)

    def value(theta: np.ndarray) -> float:
        return _negative_log_likelihood(theta, *differences, y_n)[0]

    expected = approx_fprime(THETA, value, 1e-6)
    np.testing.assert_allclose(gradient, expected, rtol=1e-4, atol=1e-4)


def test_the_bound_has_the_mean_of_the_data_and_the_variance_of_data_and_pending_points() -> None:
    """Both by conditioning the joint normal distribution with plain inverses."""
    data, pending, at = points(4, 10), points(5, 3), points(6, 4)
    y_n = np.random.default_rng(7).normal(size=10)
    joint = Points(
        x_nd=np.vstack([data.x_nd, pending.x_nd]),
        choice_nk=np.vstack([data.choice_nk, pending.choice_nk]),
        time_n=np.concatenate([data.time_n, pending.time_n]),
    )
    mean_q = covariance(at, data) @ np.linalg.inv(covariance(data, data) + 0.3 * np.eye(10)) @ y_n
    k_qm = covariance(at, joint)
    variance_q = 1.3 - np.diag(k_qm @ np.linalg.inv(covariance(joint, joint) + 0.3 * np.eye(13)) @ k_qm.T)
    value_q, _ = upper_bound(posterior(PARAMETERS, data, y_n, pending), at, 1.5)
    np.testing.assert_allclose(value_q, mean_q + 1.5 * np.sqrt(variance_q), rtol=1e-8)


def test_the_slope_of_the_bound_agrees_with_finite_differences() -> None:
    data, pending, at = points(8, 10), points(9, 2), points(10, 1)
    model = posterior(PARAMETERS, data, np.random.default_rng(11).normal(size=10), pending)

    def value(x_d: np.ndarray) -> float:
        moved = Points(x_nd=x_d[None], choice_nk=at.choice_nk, time_n=at.time_n)
        return float(upper_bound(model, moved, 1.5)[0][0])

    _, slope_qd = upper_bound(model, at, 1.5)
    np.testing.assert_allclose(slope_qd[0], approx_fprime(at.x_nd[0], value, 1e-7), rtol=1e-4, atol=1e-5)


def test_the_fit_is_a_maximum_of_the_likelihood_within_its_bounds() -> None:
    data, y_n = points(12, 40), np.random.default_rng(13).normal(size=40)
    y_n = np.sin(6 * data.x_nd[:, 0]) + 0.3 * y_n
    fitted = fit(data, y_n)
    odds = fitted.forgetting / (1 - fitted.forgetting)
    theta = np.log([fitted.variance, fitted.lengthscale, fitted.categorical_lengthscale, odds, fitted.noise])
    differences = _differences(data, data)
    best, _ = _negative_log_likelihood(theta, *differences, y_n)
    rng = np.random.default_rng(14)
    for _ in range(50):
        near = theta + 0.1 * rng.normal(size=5)
        near = np.clip(near, np.log([0.05, 0.05, 0.1, 1e-4, 1e-3]), np.log([20.0, 5.0, 5.0, 1.0, 1.0]))
        assert _negative_log_likelihood(near, *differences, y_n)[0] >= best - 1e-6
