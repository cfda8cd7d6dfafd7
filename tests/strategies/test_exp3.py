import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgpbt.strategies.exp3 import exploration_rate, probabilities, updated_weights

weight_lists = st.lists(st.floats(1e-6, 1e6), min_size=2, max_size=6).map(np.array)


@given(weight_lists, st.floats(0.0, 1.0))
def test_probabilities_add_up_and_leave_all_a_share(weight_c: np.ndarray, exploration: float) -> None:
    p_c = probabilities(weight_c, exploration)
    assert p_c.sum() == pytest.approx(1.0)
    assert np.all(p_c >= exploration / weight_c.size - 1e-12)


def test_one_update_worked_by_hand() -> None:
    """Choices (0.5, 0.5), g = 0.5, a = 0.1, choice 0 played with gain 1: p = 0.5, x = 2."""
    grown = np.array([0.5 * math.exp(0.5 * 2.0 / 2.0), 0.5]) + 0.1 * math.e / 2.0
    after = updated_weights(np.array([0.5, 0.5]), [0], [1.0], 0.5, 0.1)
    np.testing.assert_allclose(after, grown / grown.sum(), rtol=1e-14)


def test_the_estimate_of_gains_is_unbiased() -> None:
    """With the exponential undone, the mean estimate over plays, weighed by p, is the gain of each choice."""
    weight_c, gain_c, exploration = np.array([0.5, 0.3, 0.2]), np.array([0.9, 0.2, 0.4]), 0.3
    p_c = probabilities(weight_c, exploration)
    mean_c = np.zeros(3)
    for choice in range(3):
        after_c = updated_weights(weight_c, [choice], [gain_c[choice]], exploration, 0.0)
        ratio_c = after_c / weight_c
        ratio_c /= ratio_c[(choice + 1) % 3]  # a choice that was not played has grown by 1
        mean_c += p_c[choice] * np.log(ratio_c) * 3.0 / exploration
    np.testing.assert_allclose(mean_c, gain_c, rtol=1e-12)


def test_it_finds_the_best_choice_and_finds_it_again_after_a_change() -> None:
    rng, plays = np.random.default_rng(0), 4000
    exploration = exploration_rate(3, plays)
    weight_c, chosen = np.full(3, 1.0 / 3.0), []
    for play in range(plays):
        best = 0 if play < plays // 2 else 2
        choice = int(rng.choice(3, p=probabilities(weight_c, exploration)))
        chosen.append(choice == best)
        weight_c = updated_weights(
            weight_c, [choice], [0.9 if choice == best else 0.1], exploration, 1.0 / plays
        )
    assert np.mean(chosen[1500:2000]) > 0.8
    assert np.mean(chosen[3500:]) > 0.8


def test_the_exploration_rate_is_that_of_the_corollary() -> None:
    assert exploration_rate(4, 320) == pytest.approx(math.sqrt(4 * math.log(1280) / ((math.e - 1) * 320)))
    assert exploration_rate(50, 8) == 1.0
