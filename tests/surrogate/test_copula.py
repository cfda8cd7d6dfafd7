import numpy as np
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from bgpbt.surrogate.copula import gaussian_ranks, standardised


@given(st.lists(st.integers(-20, 20), min_size=1, max_size=40))
def test_ranks_agree_with_scipys_average_ranks(scores: list[int]) -> None:
    y_n = np.array(scores, dtype=np.float64)
    rank_n = scipy.stats.rankdata(y_n, method="average")
    expected_n = scipy.stats.norm.ppf((rank_n - 0.5) / y_n.size)
    np.testing.assert_allclose(gaussian_ranks(y_n), expected_n, atol=1e-12)


@given(st.lists(st.integers(-(10**6), 10**6), min_size=2, max_size=40, unique=True))
def test_copula_sees_only_the_order_of_scores(scores: list[int]) -> None:
    y_n = np.array(scores, dtype=np.float64)
    np.testing.assert_array_equal(gaussian_ranks(y_n**3), gaussian_ranks(y_n))


def test_huge_values_and_no_values_are_fine() -> None:
    assert np.isfinite(gaussian_ranks(np.array([-1e308, 0.0, 1e308]))).all()
    assert gaussian_ranks(np.zeros(0)).size == 0


@given(st.lists(st.floats(-1e300, 1e300), min_size=2, max_size=40, unique=True))
def test_standardised_targets_have_mean_0_and_variance_1(scores: list[float]) -> None:
    y_n = np.array(scores)
    if np.ptp(y_n / np.abs(y_n).max()) < 1e-6:
        return  # differences are lost in rounding
    z_n = standardised(y_n)
    np.testing.assert_allclose([z_n.mean(), z_n.std()], [0.0, 1.0], atol=1e-6)
