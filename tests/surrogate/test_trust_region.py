from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgpbt.errors import InputError
from bgpbt.surrogate import SurrogateSettings, TrustRegion, start_region, update_region
from bgpbt.surrogate.trust_region import box, hamming_radius, side_scales

SETTINGS = SurrogateSettings()


def _after(results: list[bool]) -> TrustRegion:
    region = start_region(SETTINGS)
    for success in results:
        region = update_region(region, success, SETTINGS)
    return region


def test_three_successes_in_a_row_grow_the_region() -> None:
    assert _after([True, True]).length == 0.4
    assert _after([True, True, False, True]).length == 0.4
    grown = _after([True, True, True])
    assert grown.length == pytest.approx(0.6)
    assert (grown.successes, grown.failures) == (0, 0)


def test_ten_failures_in_a_row_shrink_both_lengths() -> None:
    assert _after([False] * 9 + [True] + [False] * 9).length == 0.4
    shrunk = _after([False] * 10)
    assert shrunk.length == pytest.approx(0.4 / 1.5)
    assert shrunk.categorical_length == pytest.approx(1.0 / 1.5)


def test_falling_to_the_minimum_restarts() -> None:
    assert _after([False] * 29).restarts == 0
    assert _after([False] * 30) == replace(start_region(SETTINGS), restarts=1)


@given(st.lists(st.booleans(), max_size=300))
def test_lengths_keep_their_bounds_and_restarts_never_fall(results: list[bool]) -> None:
    region = start_region(SETTINGS)
    for success in results:
        after = update_region(region, success, SETTINGS)
        assert SETTINGS.minimum_length < after.length <= SETTINGS.maximum_length
        low, high = SETTINGS.minimum_categorical_length, SETTINGS.maximum_categorical_length
        assert low <= after.categorical_length <= high
        assert after.restarts in (region.restarts, region.restarts + 1)
        region = after


def test_sides_have_the_volume_of_the_cube_and_follow_the_lengthscales() -> None:
    lengthscale_d = np.array([0.1, 1.0, 4.0])
    scale_d = side_scales(lengthscale_d)
    assert scale_d.prod() == pytest.approx(1.0)
    np.testing.assert_allclose(scale_d / scale_d[0], lengthscale_d / lengthscale_d[0])


def test_box_stays_in_the_cube_and_is_free_where_the_centre_is_inactive() -> None:
    lower_d, upper_d = box(np.array([0.5, 0.0, np.nan]), np.ones(3), 0.4)
    np.testing.assert_allclose(lower_d, [0.3, 0.0, 0.0])
    np.testing.assert_allclose(upper_d, [0.7, 0.2, 1.0])


def test_hamming_radius_is_the_share_and_at_least_one() -> None:
    region = start_region(SETTINGS)
    assert hamming_radius(replace(region, categorical_length=0.5), 6, SETTINGS) == 3
    assert hamming_radius(replace(region, categorical_length=0.1), 6, SETTINGS) == 1
    assert hamming_radius(region, 0, SETTINGS) == 0
    free = SurrogateSettings(categorical_region=False)
    assert hamming_radius(replace(region, categorical_length=0.1), 6, free) == 6


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"restart": "never"}, "restart = 'never' must be guided or random"),
        ({"starts": 0}, "starts = 0 must be 1 or more"),
        ({"most_points": 1}, "most_points = 1 must be 2 or more"),
        ({"ucb_beta": float("nan")}, "ucb_beta = nan must be finite, 0 or more"),
        ({"length_factor": 1.0}, "length_factor = 1.0 must be finite and above 1"),
        ({"initial_length": 2.0}, "need 0 < minimum_length <= initial_length <= maximum_length <= 1"),
        ({"minimum_categorical_length": 0.0}, "need 0 < minimum_categorical_length <="),
    ],
)
def test_settings_refuse_what_makes_no_sense(change: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        SurrogateSettings(**change)  # type: ignore[arg-type]
