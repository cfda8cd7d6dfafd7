"""Smoothing against brute force (the density of a normal distribution, SciPy's), and what must hold."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from bgpbt.surrogate.kernels import matern52
from bgpbt.surrogate.smoothing import LENGTHSCALES, NOISE_RATIOS, smoothed, standardised

series = st.lists(st.integers(-100, 100), min_size=2, max_size=20)


@pytest.mark.parametrize("seed", range(3))
def test_the_mean_is_that_of_the_most_probable_process(seed: int) -> None:
    """The density is maximised over the variance by a fine grid, and the mean solved for directly."""
    random = np.random.default_rng(seed)
    z_n = standardised(np.sin(np.linspace(0.0, 2.0, 9)) + 0.2 * random.normal(size=9))
    place_n1 = np.linspace(0.0, 1.0, 9)[:, None]
    best, mean_n = -np.inf, z_n
    for lengthscale in LENGTHSCALES:
        r_nn = matern52(place_n1, place_n1, lengthscale_d=np.array([lengthscale]))
        for ratio in NOISE_RATIOS:
            total_nn = r_nn + ratio * np.eye(9)
            log = max(
                float(multivariate_normal(np.zeros(9), variance * total_nn).logpdf(z_n))
                for variance in np.geomspace(1e-2, 1e2, 200)
            )
            if log > best + 1e-3:  # the grid of variances is this coarse
                best, mean_n = log, r_nn @ np.linalg.solve(total_nn, z_n)
    np.testing.assert_allclose(smoothed(z_n), mean_n, atol=0.02)


@given(values=series, shift=st.integers(-1000, 1000), scale=st.sampled_from([0.25, 3.0, 1000.0]))
@settings(max_examples=60, deadline=None)
def test_units_do_not_matter(values: list[int], shift: int, scale: float) -> None:
    value_n = np.array(values, dtype=np.float64)
    np.testing.assert_allclose(standardised(scale * value_n + shift), standardised(value_n), atol=1e-9)


@given(values=series)
@settings(max_examples=60, deadline=None)
def test_turning_scores_round_turns_the_mean_round(values: list[int]) -> None:
    z_n = standardised(np.array(values, dtype=np.float64))
    np.testing.assert_allclose(smoothed(-z_n), -smoothed(z_n), atol=1e-9)
    assert np.linalg.norm(smoothed(z_n)) <= np.linalg.norm(z_n) + 1e-9  # the largest eigenvalue is below 1


def test_equal_values_are_flat() -> None:
    np.testing.assert_array_equal(standardised(np.full(5, 0.1)), 0.0)
    np.testing.assert_array_equal(smoothed(np.zeros(5)), 0.0)


@pytest.mark.parametrize("direction", [1.0, -1.0])
def test_a_trend_is_seen_through_noise_that_hides_its_last_step(direction: float) -> None:
    place_n = np.arange(20)
    value_n = direction * (place_n + 0.8 * (-1.0) ** place_n)
    assert direction * (value_n[-1] - value_n[-2]) < 0.0
    mean_n = smoothed(standardised(value_n))
    assert direction * (mean_n[-1] - mean_n[-2]) > 0.0
