from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from bgpbt.agents.networks.squashed_normal import Box, SquashedNormal, standard_normal

LOGITS = [(0.0, 0.0), (1.5, -2.0), (-3.0, 1.0)]


def distributions(mean: float, unscaled: float, count: int) -> SquashedNormal:
    return Box(actuators=1).from_logits(jnp.tile(jnp.array([mean, unscaled]), (count, 1)))


def normal_of(mean: float, unscaled: float) -> Any:
    return scipy.stats.norm(mean, np.log1p(np.exp(unscaled)) + 0.001)


def density(mean: float, unscaled: float, unsquashed_n: np.ndarray) -> np.ndarray:
    distribution = distributions(mean, unscaled, unsquashed_n.size)
    return np.exp(np.asarray(distribution.log_prob(jnp.asarray(unsquashed_n)[:, None])))


@pytest.mark.parametrize(("mean", "unscaled"), LOGITS)
def test_the_density_before_squashing_is_the_normal_s(mean: float, unscaled: float) -> None:
    normal = normal_of(mean, unscaled)
    unsquashed_n = mean + normal.std() * np.linspace(-4.0, 4.0, 13)
    np.testing.assert_allclose(density(mean, unscaled, unsquashed_n), normal.pdf(unsquashed_n), rtol=2e-4)


def test_the_ratio_of_densities_is_that_of_the_squashed_actions() -> None:
    # Densities of tanh(x), numerically, from the distribution functions of x.
    edge_n = np.linspace(-0.9, 0.9, 19)
    middle_n = np.arctanh(edge_n + 1e-5)
    squashed = [
        np.diff(normal_of(*logits).cdf(np.arctanh(np.stack([edge_n, edge_n + 2e-5]))), axis=0)[0]
        for logits in (LOGITS[0], LOGITS[2])
    ]
    ratio_n = density(*LOGITS[0], middle_n) / density(*LOGITS[2], middle_n)
    np.testing.assert_allclose(ratio_n, squashed[0] / squashed[1], rtol=1e-3)


def test_densities_of_actuators_multiply() -> None:
    distribution = Box(actuators=2).from_logits(jnp.array([[0.3, -0.4, 0.5, 1.0]]))  # two means, two scales
    action = jnp.array([[0.2, -1.0]])
    expected = density(0.3, 0.5, np.array([0.2])) * density(-0.4, 1.0, np.array([-1.0]))
    np.testing.assert_allclose(np.exp(distribution.log_prob(action)), expected, rtol=1e-4)


def test_far_actions_have_a_finite_density() -> None:
    assert np.isfinite(distributions(0.0, 0.0, 1).log_prob(jnp.array([[30.0]])))[0]


@pytest.mark.parametrize(("mean", "unscaled"), LOGITS)
def test_the_entropy_estimate_is_unbiased(mean: float, unscaled: float) -> None:
    # Truth by quadrature; the test fails by chance once in 1.7 million times (5 standard errors).
    scale = np.log1p(np.exp(unscaled)) + 0.001
    unsquashed_n = np.linspace(mean - 9 * scale, mean + 9 * scale, 20_001)
    pdf_n = scipy.stats.norm(mean, scale).pdf(unsquashed_n)
    log_slope_n = 2.0 * (np.log(2.0) - unsquashed_n - np.logaddexp(0.0, -2.0 * unsquashed_n))
    truth = np.trapezoid(pdf_n * (-np.log(np.maximum(pdf_n, 1e-300)) + log_slope_n), unsquashed_n)
    noise_ba = jax.random.normal(jax.random.PRNGKey(0), (200_000, 1))
    estimate_n = np.asarray(distributions(mean, unscaled, 200_000).entropy(noise_ba), np.float64)
    assert abs(estimate_n.mean() - truth) < 5.0 * estimate_n.std() / np.sqrt(estimate_n.size) + 1e-4


def test_samples_follow_the_normal_before_squashing() -> None:
    # Kolmogorov-Smirnov at an error rate of one in a million.
    sample_n = np.asarray(distributions(0.7, -1.0, 20_000).sample(jax.random.PRNGKey(3)))[:, 0]
    assert scipy.stats.kstest(sample_n, normal_of(0.7, -1.0).cdf).pvalue > 1e-6


def test_scales_are_exact_however_large_or_small() -> None:
    unscaled_n = np.concatenate([np.linspace(-80.0, 80.0, 40_001), [-1e30, -0.0, 1e30]]).astype(np.float32)
    scale_n = np.asarray(scale_of(jnp.asarray(unscaled_n)))
    truth_n = np.logaddexp(0.0, unscaled_n.astype(np.float64)) + 0.001
    np.testing.assert_allclose(scale_n, truth_n, rtol=4e-7)
    assert np.isnan(scale_of(jnp.array([jnp.nan]))[0])
    assert np.isinf(scale_of(jnp.array([jnp.inf]))[0])


def scale_of(unscaled_n: jax.Array) -> jax.Array:
    return (
        Box(actuators=1).from_logits(jnp.stack([jnp.zeros_like(unscaled_n), unscaled_n], axis=1)).scale_ab[0]
    )


def test_slopes_of_means_and_scales_reach_their_logits() -> None:
    random = np.random.default_rng(0)
    logits_bl = random.normal(size=(50, 6), scale=20.0).astype(np.float32)
    mean_slope_ab, scale_slope_ab = random.normal(size=(2, 3, 50)).astype(np.float32)

    def weighted(logits_bl: jax.Array) -> jax.Array:
        distribution = Box(actuators=3).from_logits(logits_bl)
        return jnp.sum(mean_slope_ab * distribution.mean_ab + scale_slope_ab * distribution.scale_ab)

    sigmoid_ba = 1.0 / (1.0 + np.exp(-logits_bl[:, 3:].astype(np.float64)))
    expected_bl = np.hstack([mean_slope_ab.T, scale_slope_ab.T * sigmoid_ba])
    np.testing.assert_allclose(jax.grad(weighted)(jnp.asarray(logits_bl)), expected_bl, rtol=1e-6)


@pytest.mark.parametrize("actuators", [1, 2, 6, 10])
def test_noise_in_one_row_is_the_noise_in_many(actuators: int) -> None:
    key = jax.random.PRNGKey(4)
    np.testing.assert_array_equal(
        standard_normal(key, 33, actuators), jax.random.normal(key, (33, actuators))
    )
