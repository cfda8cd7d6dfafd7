import numpy as np
import pytest
import scipy.stats

from bgpbt.surrogate.kernels import covariance
from bgpbt.surrogate.likelihood import log_likelihood, log_posterior, log_prior, pairs_of
from bgpbt.surrogate.parameters import Layout, from_theta
from tests.surrogate.problems import random_points, random_theta

LAYOUTS = {
    "continuous": Layout((0, 1, 2, 3), 0),
    "mixed": Layout((0, 1, 2, 3), 3),
    "shared": Layout((0, 0, 0, 0), 2),
    "an input of two features": Layout((0, 1, 0, 2), 1),
    "categorical": Layout((), 3),
}


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("seed", range(3))
def test_likelihood_is_the_multivariate_normals(name: str, seed: int) -> None:
    layout = LAYOUTS[name]
    points = random_points(20, len(layout.group_d), layout.categories, seed)
    theta_p, y_n = random_theta(layout, seed), np.random.default_rng(seed).normal(size=20)
    hyper = from_theta(theta_p, layout)
    k_nn = covariance(points, points, hyper) + hyper.noise_variance * np.eye(20)
    expected = scipy.stats.multivariate_normal(cov=k_nn).logpdf(y_n)
    value, _ = log_likelihood(theta_p, y_n, pairs_of(points, layout), layout)
    assert value == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("n", [1, 2, 25])
def test_gradients_agree_with_finite_differences(name: str, seed: int, n: int) -> None:
    layout = LAYOUTS[name]
    points = random_points(n, len(layout.group_d), layout.categories, seed)
    pairs = pairs_of(points, layout)
    theta_p, y_n = random_theta(layout, seed), np.random.default_rng(seed).normal(size=n)
    _, gradient_p = log_posterior(theta_p, y_n, pairs, layout)
    step = 1e-5
    numeric_p = [
        (
            log_posterior(theta_p + e, y_n, pairs, layout)[0]
            - log_posterior(theta_p - e, y_n, pairs, layout)[0]
        )
        / (2.0 * step)
        for e in step * np.eye(layout.size)
    ]
    np.testing.assert_allclose(gradient_p, numeric_p, rtol=1e-5, atol=1e-6)


def test_prior_is_normal_up_to_a_constant() -> None:
    layout = LAYOUTS["mixed"]
    normal = scipy.stats.norm(layout.prior_mean_p, layout.prior_deviation_p)
    a_p, b_p = random_theta(layout, 0), random_theta(layout, 1)
    difference = log_prior(a_p, layout)[0] - log_prior(b_p, layout)[0]
    assert difference == pytest.approx(normal.logpdf(a_p).sum() - normal.logpdf(b_p).sum())
