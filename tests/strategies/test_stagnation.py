"""When a best score counts as stagnant."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bgpbt.strategies.stagnation import Progress, is_slow, is_stagnant, progress_with


def after(scores: list[float]) -> list[Progress]:
    """Return the progress after each round."""
    progress, all_of_them = Progress(), []
    for score in scores:
        progress = progress_with(progress, score)
        all_of_them.append(progress)
    return all_of_them


@pytest.mark.parametrize(
    ("scores", "failures"),
    [
        ([5.0], [0]),
        ([1.0, 2.0, 3.0, 4.0], [0, 0, 0, 0]),
        ([4.0, 3.0, 2.0, 1.0], [0, 1, 2, 3]),
        ([1.0, 1.0, 1.0, 1.0], [0, 1, 2, 3]),
        ([1e300, -1e300, -1e300], [0, 1, 2]),
    ],
)
def test_rounds_without_improvement_are_counted_in_a_row(scores: list[float], failures: list[int]) -> None:
    assert [progress.failures for progress in after(scores)] == failures


def test_three_rounds_in_a_row_are_stagnation() -> None:
    assert [is_stagnant(progress) for progress in after([4.0, 3.0, 2.0, 1.0])] == [False, False, False, True]


def test_an_improvement_begins_the_count_anew() -> None:
    *_, before, last = after([0.0, -1.0, -2.0, 30.0])
    assert (before.failures, last.failures) == (2, 0)


@pytest.mark.parametrize(("rounds", "expected"), [(14, False), (15, True), (30, True)])
def test_a_best_that_has_not_risen_for_fifteen_rounds_is_slow(rounds: int, expected: bool) -> None:
    """The first round is the best: nothing has risen since."""
    assert is_slow(Progress(best_scores=(9.0, *np.linspace(0.0, 1.0, rounds - 1)))) is expected


def test_the_rise_is_measured_in_standard_deviations_against_all_rounds_but_the_last_fourteen() -> None:
    """Of 16 scores the first two are before; 0 and 1, sd = 0.5164: a rise of 1 is 1.94 of it."""
    scores = (0.0, 0.0, *[0.0, 1.0] * 7)
    assert np.std(scores, ddof=1) == pytest.approx(0.5123, abs=1e-3)
    assert not is_slow(Progress(best_scores=scores))
    # A dip far below makes the deviation larger than the same rise.
    assert is_slow(Progress(best_scores=(-9.0, *scores)))


@given(
    scores=st.lists(st.integers(-100, 100), min_size=2, max_size=30),
    scale=st.sampled_from([0.25, 4.0, 1024.0]),
    shift=st.integers(-64, 64),
)
@settings(max_examples=40, deadline=None)
def test_the_unit_of_scores_does_not_matter(scores: list[int], scale: float, shift: int) -> None:
    here, there = (
        is_slow(Progress(best_scores=tuple(values)))
        for values in ([float(score) for score in scores], [scale * (score + shift) for score in scores])
    )
    assert here == there
