"""The process against tinygp, which shares no code with it, and against its own refit."""

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from bgpbt.surrogate.gp import (
    condition,
    leave_one_out_residuals,
    posterior,
    predict,
    predict_with_slopes,
)
from bgpbt.surrogate.kernels import Hyperparameters, Points
from bgpbt.surrogate.likelihood import log_likelihood, pairs_of
from bgpbt.surrogate.parameters import Layout, from_theta
from tests.surrogate.problems import random_points, random_theta

SIZES = [(4, 0), (5, 3), (1, 1), (0, 3)]  # features, categories


def _tinygp_kernel(hyper: Hyperparameters) -> Any:
    """Return the covariance of one pair of points, written anew in tinygp's terms."""
    import jax.numpy as jnp
    import tinygp

    class Mixed(tinygp.kernels.Kernel):
        def evaluate(self, one: Any, two: Any) -> Any:
            (x, h, t), (y, g, u) = one, two
            parts = []
            if hyper.lengthscale_d.size:
                matern = tinygp.kernels.Matern52(distance=tinygp.kernels.distance.L2Distance())
                parts.append(matern.evaluate(x / hyper.lengthscale_d, y / hyper.lengthscale_d))
            if hyper.overlap_c.size:
                agreement = jnp.sum(hyper.overlap_c * (h == g)) - jnp.sum(hyper.overlap_c)
                parts.append(jnp.exp(agreement / hyper.overlap_c.size))
            k = parts[0]
            if len(parts) == 2:
                k = (1 - hyper.mixing) * (parts[0] + parts[1]) + hyper.mixing * parts[0] * parts[1]
            return hyper.signal_variance * (1 - hyper.forgetting) ** (jnp.abs(t - u) / 2) * k

    return Mixed()


@pytest.mark.parametrize(("features", "categories"), SIZES)
@pytest.mark.parametrize("seed", range(2))
def test_mean_variance_and_likelihood_agree_with_tinygp(features: int, categories: int, seed: int) -> None:
    import jax
    import jax.numpy as jnp
    import tinygp

    layout = Layout(tuple(range(features)), categories)
    theta_p = random_theta(layout, seed)
    hyper = from_theta(theta_p, layout)
    data, asked = (
        random_points(30, features, categories, seed),
        random_points(9, features, categories, seed + 50),
    )
    y_n = np.random.default_rng(seed).normal(size=30)
    with jax.enable_x64(True):
        noise = jnp.asarray(hyper.noise_variance)
        oracle = tinygp.GaussianProcess(_tinygp_kernel(hyper), _arrays(data), diag=noise)
        # Without `diag` tinygp adds 1.5e-8 to the variance it predicts.
        likelihood, given = oracle.condition(jnp.asarray(y_n), _arrays(asked), diag=jnp.zeros(()))
        expected = (float(likelihood), np.asarray(given.loc), np.asarray(given.variance))
    assert expected[1].dtype == np.float64
    mean_m, variance_m = predict(posterior(data, y_n, hyper), asked)
    value, _ = log_likelihood(theta_p, y_n, pairs_of(data, layout), layout)
    assert value == pytest.approx(expected[0], rel=0.0, abs=1e-8)
    np.testing.assert_allclose(mean_m, expected[1], rtol=0.0, atol=1e-8)
    np.testing.assert_allclose(variance_m, expected[2], rtol=0.0, atol=1e-8)


@pytest.mark.parametrize(("features", "categories"), SIZES)
def test_residuals_are_those_of_predictions_by_all_other_points(features: int, categories: int) -> None:
    layout = Layout(tuple(range(features)), categories)
    hyper = from_theta(random_theta(layout, 4), layout)
    data = random_points(12, features, categories, 5)
    y_n = np.random.default_rng(6).normal(size=12)
    expected = []
    for left_out in range(12):
        others = np.arange(12) != left_out
        mean_m, _ = predict(posterior(_chosen(data, others), y_n[others], hyper), _chosen(data, ~others))
        expected.append(y_n[left_out] - mean_m[0])
    np.testing.assert_allclose(leave_one_out_residuals(posterior(data, y_n, hyper)), expected, atol=1e-9)


@pytest.mark.parametrize(("features", "categories"), SIZES)
def test_pending_points_count_as_data_that_equal_the_mean(features: int, categories: int) -> None:
    layout = Layout(tuple(range(features)), categories)
    hyper = from_theta(random_theta(layout, 3), layout)
    data, pending = random_points(25, features, categories, 1), random_points(6, features, categories, 2)
    asked = random_points(10, features, categories, 3)
    y_n = np.random.default_rng(0).normal(size=25)
    before = posterior(data, y_n, hyper)
    believed_n = np.concatenate([y_n, predict(before, pending)[0]])
    refit = posterior(_joined(data, pending), believed_n, hyper)
    for actual, expected in zip(
        predict(condition(before, pending), asked), predict(refit, asked), strict=True
    ):
        np.testing.assert_allclose(actual, expected, atol=1e-10)


def test_a_pending_point_is_less_uncertain_and_its_mean_stays() -> None:
    hyper = from_theta(random_theta(Layout((0, 1), 0), 0), Layout((0, 1), 0))
    data, pending = random_points(10, 2, 0, 1), random_points(1, 2, 0, 2)
    before = posterior(data, np.random.default_rng(0).normal(size=10), hyper)
    (mean_before, variance_before), (mean, variance) = (
        predict(before, pending),
        predict(condition(before, pending), pending),
    )
    assert mean == pytest.approx(mean_before)
    assert variance[0] < variance_before[0]


@pytest.mark.parametrize("categories", [0, 2])
def test_slopes_of_mean_and_variance_agree_with_finite_differences(categories: int) -> None:
    layout = Layout((0, 1, 2), categories)
    hyper = from_theta(random_theta(layout, 5), layout)
    model = posterior(random_points(20, 3, categories, 0), np.random.default_rng(0).normal(size=20), hyper)
    asked = random_points(7, 3, categories, 9)
    mean_m, variance_m, mean_md, variance_md = predict_with_slopes(model, asked)
    np.testing.assert_allclose((mean_m, variance_m), predict(model, asked), atol=1e-12)
    for d in range(3):
        step = 1e-6 * np.eye(3)[d]
        ahead = predict(model, replace(asked, features_nd=asked.features_nd + step))
        behind = predict(model, replace(asked, features_nd=asked.features_nd - step))
        np.testing.assert_allclose(mean_md[:, d], (ahead[0] - behind[0]) / 2e-6, atol=1e-6)
        np.testing.assert_allclose(variance_md[:, d], (ahead[1] - behind[1]) / 2e-6, atol=1e-6)


def _arrays(points: Points) -> Any:
    return points.features_nd, points.categories_nc, points.time_n


def _chosen(points: Points, chosen: npt.NDArray[np.bool_]) -> Points:
    return Points(
        features_nd=points.features_nd[chosen],
        categories_nc=points.categories_nc[chosen],
        time_n=points.time_n[chosen],
    )


def _joined(p: Points, q: Points) -> Points:
    return Points(
        features_nd=np.vstack([p.features_nd, q.features_nd]),
        categories_nc=np.vstack([p.categories_nc, q.categories_nc]),
        time_n=np.concatenate([p.time_n, q.time_n]),
    )
