import itertools

import numpy as np
import pytest

from bgpbt.space import Space
from bgpbt.surrogate import SurrogateSettings
from bgpbt.surrogate.acquisition import UpperBound, climb, maximise_bound, sign_steps
from bgpbt.surrogate.candidate_set import CandidateSet, draw
from tests.surrogate.problems import SPACES, noise_problem

SETTINGS = SurrogateSettings()


def _problem(space: Space, seed: int) -> tuple[UpperBound, CandidateSet]:
    forecast, candidate_set = noise_problem(space, seed, data=15, half_width=1.0)
    return UpperBound(forecast=forecast, beta=2.0), candidate_set


@pytest.mark.parametrize("name", ["mixed", "continuous"])
def test_slopes_of_the_bound_agree_with_finite_differences(name: str) -> None:
    bound, candidate_set = _problem(SPACES[name], 0)
    x_nd = draw(candidate_set, 12, np.random.default_rng(1))
    value_n, slope_nd = bound.with_slopes(x_nd)
    np.testing.assert_allclose(value_n, bound(x_nd), atol=1e-12)
    for column in candidate_set.continuous:
        step_d = 1e-6 * np.eye(x_nd.shape[1])[column]
        numeric_n = (bound(x_nd + step_d) - bound(x_nd - step_d)) / 2e-6
        np.testing.assert_allclose(slope_nd[:, column], numeric_n, atol=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_a_discrete_search_finds_the_best_of_all_points(seed: int) -> None:
    bound, candidate_set = _problem(SPACES["discrete"], seed)
    every_nd = np.array(list(itertools.product(*SPACES["discrete"].levels_d)))
    found_nd, found_n = maximise_bound(
        bound, candidate_set, SurrogateSettings(candidates=4, starts=4), _random()
    )
    assert found_n[0] == pytest.approx(bound(every_nd).max())
    assert found_n[0] == pytest.approx(bound(found_nd[:1])[0])


@pytest.mark.parametrize("seed", range(5))
def test_a_continuous_search_is_as_good_as_brute_force(seed: int) -> None:
    bound, candidate_set = _problem(SPACES["continuous"], seed)
    axis = np.linspace(0.0, 1.0, 101)
    best_of_grid = bound(np.array(list(itertools.product(axis, axis)))).max()
    _, found_n = maximise_bound(bound, candidate_set, SETTINGS, _random())
    assert found_n[0] >= best_of_grid - 1e-6


@pytest.mark.parametrize("seed", range(5))
def test_climbing_ends_where_no_direction_of_the_box_leads_up(seed: int) -> None:
    bound, candidate_set = _problem(SPACES["continuous"], seed)
    end_nd = climb(bound, candidate_set, draw(candidate_set, 6, _random()), 200)
    _, slope_nd = bound.with_slopes(end_nd)
    projected_nd = np.clip(end_nd + slope_nd, candidate_set.lower_d, candidate_set.upper_d) - end_nd
    assert np.abs(projected_nd).max() < 1e-3


@pytest.mark.parametrize("seed", range(3))
def test_converged_search_is_no_worse_than_sign_steps(seed: int) -> None:
    bound, candidate_set = _problem(SPACES["continuous"], seed)
    start_nd = draw(candidate_set, 8, _random())
    assert (
        bound(sign_steps(bound, candidate_set, start_nd)).max()
        <= bound(climb(bound, candidate_set, start_nd, 200)).max()
    )


def _random() -> np.random.Generator:
    return np.random.default_rng(0)
