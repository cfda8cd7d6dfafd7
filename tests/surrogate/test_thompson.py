from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from ConfigSpace import ConfigurationSpace, Float
from scipy.stats import norm

from bgpbt.arrays import Floats
from bgpbt.space import Space
from bgpbt.surrogate import SurrogateSettings
from bgpbt.surrogate.acquisition import UpperBound, best_first
from bgpbt.surrogate.forecast import Forecast
from bgpbt.surrogate.gp import condition
from bgpbt.surrogate.reach import Reach, draw
from bgpbt.surrogate.thompson import best_first_of_a_draw
from tests.surrogate.problems import SPACES, noise_problem

DRAWS = 2000
Search = Callable[[Forecast, Reach, SurrogateSettings, np.random.Generator], tuple[Floats, Floats]]


def _problem(space: Space, seed: int) -> tuple[Forecast, Reach]:
    return noise_problem(space, seed, data=24, half_width=0.2)


@pytest.mark.parametrize("name", ["mixed", "continuous", "discrete"])
def test_joint_agrees_with_marginals_and_with_conditioning(name: str) -> None:
    forecast, reach = _problem(SPACES[name], 0)
    x_nd = draw(reach, 6, np.random.default_rng(1))
    mean_n, covariance_nn = forecast.joint(x_nd)
    one_mean_n, variance_n = forecast.marginals(x_nd)
    np.testing.assert_allclose(mean_n, one_mean_n, atol=1e-12)
    np.testing.assert_allclose(np.diag(covariance_nn), variance_n, atol=1e-10)
    # An observation at the first point takes cov^2 / (variance + noise) off every variance.
    first = forecast.coordinates.points(
        forecast.coordinates.with_activity(x_nd[:1]), np.array([forecast.context]), np.array([forecast.time])
    )
    _, after_n = replace(forecast, model=condition(forecast.model, first)).marginals(x_nd)
    noise = forecast.model.hyperparameters.noise_variance
    taken_n = covariance_nn[0] ** 2 / (variance_n[0] + noise)
    np.testing.assert_allclose(variance_n - after_n, taken_n, atol=1e-8)


@pytest.mark.parametrize("name", ["mixed", "continuous", "discrete"])
def test_a_point_comes_first_as_often_as_it_is_better_under_the_model(name: str) -> None:
    """The error rate is 6e-5: four standard deviations of a sum of independent choices."""
    forecast, reach = _problem(SPACES[name], 1)
    settings = SurrogateSettings(candidates=1)
    surprise = variance = 0.0
    for seed in range(DRAWS):
        found_nd, found_n = best_first_of_a_draw(forecast, reach, settings, np.random.default_rng(seed))
        assert found_n[0] >= found_n[1]
        mean_n, covariance_nn = forecast.joint(found_nd)
        spread = covariance_nn[0, 0] + covariance_nn[1, 1] - 2.0 * covariance_nn[0, 1]
        if spread < 1e-4:
            continue  # the same point twice, or almost
        # What comes first is the better of two by chance p; seen from the centre, which is one of the two.
        is_centre = np.array_equal(found_nd[0], reach.centre_d)
        p_first = float(norm.cdf((mean_n[0] - mean_n[1]) / np.sqrt(spread)))
        surprise += 1.0 - p_first if is_centre else -(1.0 - p_first)
        variance += p_first * (1.0 - p_first)
    assert variance > 10.0
    assert abs(surprise) < 4.0 * np.sqrt(variance)


def test_where_nothing_is_known_an_upper_bound_goes_to_the_sides_and_a_draw_does_not() -> None:
    space = ConfigurationSpace()
    space.add(*(Float(f"x{i}", (0.0, 1.0), default=0.5) for i in range(9)))

    def share_at_sides(search: Search) -> float:
        shares = []
        for seed in range(5):
            forecast, reach = _problem(Space.from_configspace(space), seed)
            found_nd, _ = search(forecast, reach, SurrogateSettings(), np.random.default_rng(seed))
            is_side_d = (found_nd[0] - reach.lower_d < 1e-6) | (reach.upper_d - found_nd[0] < 1e-6)
            shares.append(float(is_side_d.mean()))
        return float(np.mean(shares))

    assert share_at_sides(_best_first_of_the_bound) > 0.5
    assert share_at_sides(best_first_of_a_draw) == 0.0


def _best_first_of_the_bound(
    forecast: Forecast, reach: Reach, settings: SurrogateSettings, random: np.random.Generator
) -> tuple[Floats, Floats]:
    return best_first(UpperBound(forecast=forecast, beta=settings.ucb_beta), reach, settings, random)
