"""Comparisons seed by seed, against SciPy's paired bootstrap and laws that hold for all scores."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import bootstrap

from bgpbt.analysis.statistics import paired_difference, paired_improvement
from bgpbt.errors import InputError

SCORES = st.lists(st.integers(-5, 5), min_size=3, max_size=12)


def test_the_interval_is_that_of_scipys_paired_bootstrap() -> None:
    rng = np.random.default_rng(0)
    first_n, second_n = rng.normal(0.4, 1.0, 30), rng.normal(0.0, 1.0, 30)
    ours = paired_difference([first_n], [second_n])
    theirs = bootstrap(
        (first_n, second_n),
        lambda one, other, axis: np.mean(one - other, axis=axis),
        paired=True,
        method="percentile",
        n_resamples=20_000,
        rng=1,
    ).confidence_interval
    width = theirs.high - theirs.low
    assert ours.value == pytest.approx(float(np.mean(first_n - second_n)))
    assert ours.low == pytest.approx(theirs.low, abs=0.05 * width)
    assert ours.high == pytest.approx(theirs.high, abs=0.05 * width)


@given(SCORES, st.integers(1, 100))
def test_luck_that_a_pair_shares_does_not_count(scores: list[int], gain: int) -> None:
    luck_n = np.array(scores, dtype=np.float64)
    assert paired_improvement([luck_n + gain], [luck_n]).low == 1.0
    difference = paired_difference([luck_n + gain], [luck_n])
    assert (difference.low, difference.value, difference.high) == (gain, gain, gain)
    assert paired_improvement([luck_n], [luck_n]).value == 0.5


@given(SCORES)
def test_who_wins_and_who_loses_are_mirror_images(scores: list[int]) -> None:
    first_n = np.array(scores, dtype=np.float64)
    second_n = first_n[::-1].copy()
    there, back = paired_improvement([first_n], [second_n]), paired_improvement([second_n], [first_n])
    assert there.value == pytest.approx(1.0 - back.value)
    assert there.low <= there.value <= there.high


def test_tasks_count_equally_however_many_seeds_they_have() -> None:
    won, lost = np.ones(2), np.zeros(20)
    assert paired_improvement([won, lost], [np.zeros(2), np.ones(20)]).value == 0.5


def test_what_is_no_pair_is_refused() -> None:
    with pytest.raises(InputError, match=r"equally many runs of each task, got \[2\] and \[3\]"):
        paired_improvement([np.zeros(2)], [np.zeros(3)])
