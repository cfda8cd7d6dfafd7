import math

import numpy as np
import pytest
import scipy.special
from hypothesis import given
from hypothesis import strategies as st

from bgpbt.arrays import Floats
from bgpbt.surrogate.kernels import (
    Points,
    covariance,
    covariance_with_slope,
    matern52,
    mixed,
    overlap,
    prior_variance,
    time_decay,
)
from tests.surrogate.problems import random_hyperparameters, random_points


@pytest.mark.parametrize("r", [0.01, 0.3, 0.7, 3.0, 12.0])
def test_matern52_agrees_with_the_general_bessel_form(r: float) -> None:
    z = math.sqrt(5.0) * r  # Rasmussen & Williams (2006), eq. 4.14 with nu = 5/2
    expected = 2**-1.5 / math.gamma(2.5) * z**2.5 * scipy.special.kv(2.5, z)
    actual = matern52(np.zeros((1, 1)), np.full((1, 1), 2.0 * r), lengthscale_d=np.full(1, 2.0))
    np.testing.assert_allclose(actual, [[expected]], rtol=1e-10)


def test_overlap_is_the_papers_exponential_over_its_diagonal() -> None:
    h_nc, g_mc = np.array([[0, 1, 2]]), np.array([[0, 1, 2], [0, 2, 2], [1, 2, 0]])
    overlap_c = np.array([0.5, 1.0, 2.0])
    papers = np.exp(np.array([0.5 + 1.0 + 2.0, 0.5 + 2.0, 0.0]) / 3.0)
    np.testing.assert_allclose(overlap(h_nc, g_mc, overlap_c=overlap_c)[0], papers / papers[0], rtol=1e-14)


def test_mixing_goes_from_sum_to_product() -> None:
    a, b = np.array([[0.3]]), np.array([[0.8]])
    assert mixed(a, b, mixing=0.0) == pytest.approx(1.1)
    assert mixed(a, b, mixing=1.0) == pytest.approx(0.24)


def test_two_rounds_lose_the_forgotten_share() -> None:
    assert time_decay(np.array([5.0]), np.array([7.0]), forgetting=0.2)[0, 0] == pytest.approx(0.8)


@given(
    n=st.integers(1, 25),
    features=st.integers(0, 6),
    categories=st.integers(0, 4),
    seed=st.integers(0, 10**6),
)
def test_covariance_is_symmetric_positive_semidefinite_with_a_known_diagonal(
    n: int, features: int, categories: int, seed: int
) -> None:
    if features + categories == 0:
        return
    points = random_points(n, features, categories, seed)
    hyper = random_hyperparameters(features, categories, seed)
    k_nn = covariance(points, points, hyper)
    np.testing.assert_allclose(k_nn, k_nn.T, rtol=1e-12)
    np.testing.assert_allclose(np.diag(k_nn), prior_variance(hyper), rtol=1e-12)
    assert np.linalg.eigvalsh(k_nn).min() > -1e-10 * n * prior_variance(hyper)


@pytest.mark.parametrize("categories", [0, 3])
def test_slope_gives_the_gradient_of_the_covariance(categories: int) -> None:
    p, q = random_points(4, 3, categories, 0), random_points(6, 3, categories, 1)
    hyper = random_hyperparameters(3, categories, 2)
    k_nm, slope_nm = covariance_with_slope(p, q, hyper)
    np.testing.assert_allclose(k_nm, covariance(p, q, hyper), rtol=1e-12)
    for d in range(3):
        step = np.zeros(3)
        step[d] = 1e-6
        ahead = covariance(_moved(p, step), q, hyper)
        behind = covariance(_moved(p, -step), q, hyper)
        difference_nm = p.features_nd[:, None, d] - q.features_nd[None, :, d]
        gradient_nm = -slope_nm * difference_nm / hyper.lengthscale_d[d] ** 2
        np.testing.assert_allclose(gradient_nm, (ahead - behind) / 2e-6, atol=1e-7)


def _moved(points: Points, step_d: Floats) -> Points:
    return Points(
        features_nd=points.features_nd + step_d, categories_nc=points.categories_nc, time_n=points.time_n
    )
