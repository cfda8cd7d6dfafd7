"""The distribution of samples.

Seeds are fixed; with a fresh seed, each test of a right sampler would fail by chance once in 1000 times.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.stats
from ConfigSpace import CategoricalHyperparameter, ConfigurationSpace, Float, Integer, OrdinalHyperparameter
from ConfigSpace.hyperparameters import Hyperparameter

from bgpbt.space import LOG_COMPLEMENT, Space

ERROR_RATE = 1e-3
DRAWS = 4000


def drawn(hyperparameter: Hyperparameter[Any, Any]) -> list[float]:
    described = ConfigurationSpace()
    described.add(hyperparameter)
    configurations = Space.from_configspace(described).sample(DRAWS, np.random.default_rng(20))
    return [float(configuration[hyperparameter.name]) for configuration in configurations]


@pytest.mark.parametrize(
    ("hyperparameter", "distribution"),
    [
        (Float("x", (-2.0, 3.0)), scipy.stats.uniform(-2.0, 5.0).cdf),
        (Float("x", (1e-4, 1e-1), log=True), scipy.stats.loguniform(1e-4, 1e-1).cdf),
        (
            Float("x", (0.9, 0.9999), meta={"transform": LOG_COMPLEMENT}),
            lambda x: scipy.stats.loguniform(1e-4, 0.1).sf(1.0 - x),
        ),
    ],
    ids=["linear", "log", "log-complement"],
)
def test_floats_are_uniform_in_their_transform(
    hyperparameter: Hyperparameter[Any, Any], distribution: Callable[[float], float]
) -> None:
    assert scipy.stats.kstest(drawn(hyperparameter), distribution).pvalue > ERROR_RATE


LOG_SHARES = [np.log((k + 0.5) / (k - 0.5)) / np.log(8.5 / 1.5) for k in range(2, 9)]


@pytest.mark.parametrize(
    ("hyperparameter", "shares"),
    [
        (Integer("x", (-1, 3)), {float(k): 1 / 5 for k in range(-1, 4)}),
        (Integer("x", (2, 8), log=True), dict(zip(map(float, range(2, 9)), LOG_SHARES, strict=True))),
        (OrdinalHyperparameter("x", [64, 128, 512]), {64.0: 1 / 3, 128.0: 1 / 3, 512.0: 1 / 3}),
        (CategoricalHyperparameter("x", [7, 8, 9]), {7.0: 1 / 3, 8.0: 1 / 3, 9.0: 1 / 3}),
        (CategoricalHyperparameter("x", [7, 8, 9], weights=[1, 2, 5]), {7.0: 1 / 8, 8.0: 2 / 8, 9.0: 5 / 8}),
    ],
    ids=["integer", "log-integer", "ordinal", "categorical", "weighted"],
)
def test_levels_and_choices_have_their_shares(
    hyperparameter: Hyperparameter[Any, Any], shares: dict[float, float]
) -> None:
    values = drawn(hyperparameter)
    assert set(values) <= set(shares)
    counts = [values.count(value) for value in shares]
    expected = [share * DRAWS for share in shares.values()]
    assert scipy.stats.chisquare(counts, expected).pvalue > ERROR_RATE


def test_a_choice_of_weight_zero_is_never_drawn() -> None:
    assert set(drawn(CategoricalHyperparameter("x", [7, 8], weights=[0, 1]))) == {8.0}


def test_the_lowest_of_very_many_integers_has_its_full_share_on_a_log_scale() -> None:
    count = drawn(Integer("x", (1, 100_000), log=True)).count(1.0)
    share = np.log(3.0) / np.log(100_000.5 / 0.5)  # of [1/2, 3/2]
    assert scipy.stats.binomtest(count, DRAWS, share).pvalue > ERROR_RATE


def test_another_input_changes_no_draw_of_the_first() -> None:
    alone, joined = ConfigurationSpace(), ConfigurationSpace()
    alone.add(Float("x", (0.0, 1.0)))
    joined.add(Float("x", (0.0, 1.0)), Integer("a", (1, 5)), CategoricalHyperparameter("z", [7, 8]))
    first, second = (
        Space.from_configspace(space).sample(5, np.random.default_rng(3)) for space in (alone, joined)
    )
    assert [configuration["x"] for configuration in first] == [configuration["x"] for configuration in second]
