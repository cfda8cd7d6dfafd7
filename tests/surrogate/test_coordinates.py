import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgpbt.surrogate.coordinates import coordinates_of, score_scale
from bgpbt.surrogate.kernels import covariance
from bgpbt.surrogate.parameters import from_theta
from tests.surrogate.problems import SPACES, mixed_space, random_theta

SPACE = mixed_space()


def test_an_inactive_input_differs_by_the_same_amount_from_every_value() -> None:
    coordinates = coordinates_of(SPACE)
    column = SPACE.names.index("momentum")
    x_nd = np.tile(coordinates.completed(SPACE.default()), (4, 1))
    x_nd[:, column] = [np.nan, np.nan, 0.0, 0.9]
    features_nd = coordinates.points(x_nd, np.zeros(4), np.zeros(4)).features_nd
    distance_nn = np.linalg.norm(features_nd[:, None] - features_nd[None, :], axis=-1)
    assert distance_nn[0, 1] == 0.0
    np.testing.assert_allclose(distance_nn[0, 2:], 1.0)
    assert distance_nn[2, 3] == pytest.approx(0.9, rel=0.04)


@given(seed=st.integers(0, 10**6))
def test_conditional_spaces_have_positive_semidefinite_covariances(seed: int) -> None:
    rng = np.random.default_rng(seed)
    coordinates = coordinates_of(SPACE)
    x_nd = SPACE.encode(SPACE.sample(20, rng))
    points = coordinates.points(x_nd, rng.random(20), rng.random(20))
    layout = coordinates.layout(shared=False, fit_lengthscales=True, noise_prior=0.3)
    hyper = from_theta(random_theta(layout, seed), layout)
    assert np.linalg.eigvalsh(covariance(points, points, hyper)).min() > -1e-8 * hyper.signal_variance


@given(seed=st.integers(0, 10**6), name=st.sampled_from(sorted(SPACES)))
def test_activity_is_what_the_space_says(seed: int, name: str) -> None:
    space = SPACES[name]
    coordinates = coordinates_of(space)
    for configuration in space.sample(3, np.random.default_rng(seed)):
        complete_d = coordinates.completed(configuration)
        assert not np.isnan(complete_d).any()
        active_nd = coordinates.with_activity(complete_d[None])
        np.testing.assert_array_equal(np.isnan(active_nd), np.isnan(space.encode([configuration])))


def test_scores_are_scaled_and_bad_ones_are_worst() -> None:
    scale = score_scale([np.nan, -1e308, 1e308, np.inf])
    np.testing.assert_allclose(scale([-1e308, 0.0, 1e308]), [0.0, 0.5, 1.0])
    np.testing.assert_allclose(scale([np.nan, -np.inf, np.inf]), [0.0, 0.0, 1.0])
    np.testing.assert_allclose(score_scale([np.nan])([3.0, np.nan]), 0.5)
