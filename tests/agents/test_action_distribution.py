import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from bgpbt.agents import action_distribution

LOGITS = [(0.0, 0.0), (1.5, -2.0), (-3.0, 1.0)]


def density(mean: float, unscaled: float, unsquashed_n: np.ndarray) -> np.ndarray:
    logits = jnp.tile(jnp.array([mean, unscaled]), (unsquashed_n.size, 1))
    log_prob_n = action_distribution.log_prob(logits, jnp.asarray(unsquashed_n)[:, None])
    return np.exp(np.asarray(log_prob_n))


@pytest.mark.parametrize(("mean", "unscaled"), LOGITS)
def test_the_density_of_the_action_agrees_with_the_change_of_variables(mean: float, unscaled: float) -> None:
    normal = scipy.stats.norm(mean, np.log1p(np.exp(unscaled)) + 0.001)
    unsquashed_n = mean + normal.std() * np.linspace(-4.0, 4.0, 13)
    expected = normal.pdf(unsquashed_n) / np.cosh(unsquashed_n) ** -2.0
    np.testing.assert_allclose(density(mean, unscaled, unsquashed_n), expected, rtol=2e-4)


def test_densities_of_actuators_multiply() -> None:
    logits = jnp.array([[0.3, -0.4, 0.5, 1.0]])  # two means, two scales
    action = jnp.array([[0.2, -1.0]])
    expected = density(0.3, 0.5, np.array([0.2])) * density(-0.4, 1.0, np.array([-1.0]))
    np.testing.assert_allclose(np.exp(action_distribution.log_prob(logits, action)), expected, rtol=1e-4)


def test_far_actions_have_a_finite_density() -> None:
    logits = jnp.array([[0.0, 0.0]])
    assert np.isfinite(action_distribution.log_prob(logits, jnp.array([[30.0]])))[0]


@pytest.mark.parametrize(("mean", "unscaled"), LOGITS)
def test_the_entropy_estimate_is_unbiased(mean: float, unscaled: float) -> None:
    # Truth by quadrature; the test fails by chance once in 1.7 million times (5 standard errors).
    scale = np.log1p(np.exp(unscaled)) + 0.001
    unsquashed_n = np.linspace(mean - 9 * scale, mean + 9 * scale, 20_001)
    pdf_n = scipy.stats.norm(mean, scale).pdf(unsquashed_n)
    log_slope_n = 2.0 * (np.log(2.0) - unsquashed_n - np.logaddexp(0.0, -2.0 * unsquashed_n))
    truth = np.trapezoid(pdf_n * (-np.log(np.maximum(pdf_n, 1e-300)) + log_slope_n), unsquashed_n)
    logits = jnp.tile(jnp.array([mean, unscaled]), (200_000, 1))
    estimate_n = np.asarray(action_distribution.entropy(jax.random.PRNGKey(0), logits), np.float64)
    assert abs(estimate_n.mean() - truth) < 5.0 * estimate_n.std() / np.sqrt(estimate_n.size) + 1e-4


def test_samples_follow_the_normal_before_squashing() -> None:
    # Kolmogorov-Smirnov at an error rate of one in a million.
    logits = jnp.tile(jnp.array([0.7, -1.0]), (20_000, 1))
    sample_n = np.asarray(action_distribution.sample(jax.random.PRNGKey(3), logits))[:, 0]
    normal = scipy.stats.norm(0.7, np.log1p(np.exp(-1.0)) + 0.001)
    assert scipy.stats.kstest(sample_n, normal.cdf).pvalue > 1e-6
