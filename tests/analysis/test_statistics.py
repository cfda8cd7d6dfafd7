import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgpbt.analysis.statistics import (
    interquartile_mean,
    interval_of,
    performance_profile,
    probability_of_improvement,
    resample,
)
from bgpbt.errors import InputError

# Seven runs of two strategies on three tasks. What rliable 1.2.0 (with arch 7.2.0) says of them was computed
# once: metrics.aggregate_iqm, metrics.probability_of_improvement, and library.get_interval_estimates with the
# percentile method and 200,000 repetitions (20,000 for improvements and profiles).
FIRST = np.array(
    [
        [0.12, 0.83, 0.40],
        [0.55, 0.71, 0.42],
        [0.31, 0.90, 0.38],
        [0.47, 0.66, 0.55],
        [0.20, 0.95, 0.61],
        [0.39, 0.79, 0.35],
        [0.72, 0.88, 0.47],
    ]
)
SECOND = np.array(
    [
        [0.10, 0.60, 0.41],
        [0.35, 0.71, 0.22],
        [0.29, 0.80, 0.33],
        [0.41, 0.52, 0.45],
        [0.20, 0.75, 0.58],
        [0.15, 0.69, 0.30],
        [0.61, 0.81, 0.44],
    ]
)
RLIABLE_MEANS = [
    (FIRST, 0.5409090909090909, 0.47636364, 0.61454545),
    (SECOND, 0.45454545454545453, 0.38454545, 0.52727273),
]
RLIABLE_IMPROVEMENT = (0.6938775510204082, 0.52380952, 0.84693878)
THRESHOLDS = np.array([0.2, 0.4, 0.5, 0.75, 0.9])
RLIABLE_PROFILE = (
    [0.9047619, 0.66666667, 0.52380952, 0.23809524, 0.04761905],
    [0.80952381, 0.47619048, 0.38095238, 0.14285714, 0.0],
    [1.0, 0.85714286, 0.66666667, 0.33333333, 0.14285714],
)

SCORES = st.lists(st.integers(-1000, 1000), min_size=1, max_size=12)


@pytest.mark.parametrize(("scores", "value", "low", "high"), RLIABLE_MEANS)
def test_interquartile_means_and_intervals_agree_with_rliable(
    scores: np.ndarray, value: float, low: float, high: float
) -> None:
    interval = interval_of(interquartile_mean, list(scores.T), repetitions=50_000)
    assert interval.value == pytest.approx(value, rel=1e-12)
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=0.002)


def test_the_probability_of_improvement_agrees_with_rliable() -> None:
    interval = probability_of_improvement(list(FIRST.T), list(SECOND.T), repetitions=20_000)
    assert interval.value == pytest.approx(RLIABLE_IMPROVEMENT[0], rel=1e-12)
    assert (interval.low, interval.high) == pytest.approx(RLIABLE_IMPROVEMENT[1:], abs=0.008)


def test_performance_profiles_agree_with_rliable() -> None:
    profile = performance_profile(list(FIRST.T), THRESHOLDS, repetitions=20_000)
    for actual, expected in zip(profile, RLIABLE_PROFILE, strict=True):
        np.testing.assert_allclose(actual, expected, atol=1e-8)


@pytest.mark.parametrize(
    ("scores", "expected"), [([3], 3), ([1, 2], 1.5), ([0, 1, 2, 90], 1.5), ([0, 5, 6, 7, 90], 6)]
)
def test_the_interquartile_mean_by_hand(scores: list[float], expected: float) -> None:
    assert interquartile_mean(np.array(scores, np.float64)) == expected


@given(
    st.lists(st.integers(-20, 20), min_size=1, max_size=12),
    st.lists(st.integers(-20, 20), min_size=1, max_size=12),
)
def test_tasks_have_equal_weight_however_many_runs_each_has(first: list[int], second: list[int]) -> None:
    """As if every run of a task were as many as the other task has."""
    one, other = np.array(first, np.float64), np.array(second, np.float64)
    weights = np.repeat([1 / one.size, 1 / other.size], [one.size, other.size])
    pooled = interquartile_mean(np.concatenate([one, other]), weights)
    repeated = np.sort(np.concatenate([np.repeat(one, other.size), np.repeat(other, one.size)]))
    whole = repeated[repeated.size // 4 : repeated.size - repeated.size // 4].mean()
    # Whole runs stay in, so the two differ by less than the runs on which a quarter ends.
    assert repeated[0] <= pooled <= repeated[-1]
    assert abs(pooled - whole) <= np.ptp(repeated) * 2 * max(weights) / 0.5
    assert interval_of(interquartile_mean, [one, other], repetitions=20).value == pytest.approx(pooled)
    assert interquartile_mean(one, np.full(one.size, 3.0)) == pytest.approx(interquartile_mean(one))


def test_a_profile_gives_tasks_equal_weight() -> None:
    value_c, _, _ = performance_profile([np.zeros(3), np.ones(9)], np.array([-1.0, 0.5, 2.0]))
    np.testing.assert_allclose(value_c, [1.0, 0.5, 0.0])


def test_no_run_has_no_mean() -> None:
    with pytest.raises(InputError, match="one run or more"):
        interquartile_mean(np.array([]))


@given(SCORES, SCORES)
def test_improvement_counts_pairs(first: list[int], second: list[int]) -> None:
    brute = np.mean([(a > b) + (a == b) / 2 for a in first for b in second])
    one, other = [np.array(first, np.float64)], [np.array(second, np.float64)]
    assert probability_of_improvement(one, other, repetitions=2).value == pytest.approx(brute)
    assert probability_of_improvement(other, one, repetitions=2).value == pytest.approx(1 - brute)


@given(SCORES, SCORES)
def test_runs_are_resampled_within_their_task(first: list[int], second: list[int]) -> None:
    scores = [np.array(first, np.float64), np.array(second, np.float64)]
    for drawn, own in zip(resample(scores, seed=1, repetitions=20), scores, strict=True):
        assert drawn.shape == (20, len(own))
        assert set(drawn.ravel()) <= set(own)


def test_equal_seeds_give_equal_intervals() -> None:
    first, second = (interval_of(interquartile_mean, list(FIRST.T), seed=4) for _ in range(2))
    assert first == second
    assert first != interval_of(interquartile_mean, list(FIRST.T), seed=5)


def test_strategies_on_different_tasks_are_not_compared() -> None:
    with pytest.raises(InputError, match="same tasks"):
        probability_of_improvement([np.ones(2)], [np.ones(2), np.ones(2)])
