"""The part of a space around a configuration."""

import math

import numpy as np
import pytest
from ConfigSpace import (
    Categorical,
    ConfigurationSpace,
    Constant,
    EqualsCondition,
    Float,
    ForbiddenEqualsClause,
    Integer,
    OrdinalHyperparameter,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from bgpbt.errors import InputError
from bgpbt.space import LOG_COMPLEMENT, Space, around, is_part_of, ppo_space, space_from_json, space_to_json
from bgpbt.space.inputs import Categorical as Choices
from bgpbt.space.inputs import Continuous, Input, Ordered
from tests.space.spaces import spaces
from tests.space.test_space import small_space, space_of

SEEDS = st.integers(0, 2**32 - 1)
SHARES = st.floats(0.01, 1.0)


def input_of(space: Space, name: str) -> Input:
    (found,) = [item for item in space.inputs if item.name == name]
    return found


def bounds(space: Space, name: str) -> tuple[float, float]:
    item = input_of(space, name)
    if isinstance(item, Continuous):
        return item.low, item.high
    assert isinstance(item, Ordered)
    return float(item.levels[0]), float(item.levels[-1])


def test_a_quarter_of_a_logarithmic_range_is_a_decade_of_four() -> None:
    space = space_of(Float("rate", (1e-5, 1e-1), log=True))
    assert bounds(around(space, {"rate": 1e-3}), "rate") == pytest.approx(
        (1e-3 / math.sqrt(10.0), 1e-3 * math.sqrt(10.0)), rel=1e-12
    )


def test_ranges_are_shrunk_in_the_coordinates_that_are_searched() -> None:
    space = space_of(
        Float("x", (0.0, 8.0)),
        Float("discount", (0.9, 0.9999), meta={"transform": LOG_COMPLEMENT}),
        Integer("n", (0, 100)),
        Integer("many", (0, 1_000_000)),
    )
    part = around(space, {"x": 3.0, "discount": 0.99, "n": 40, "many": 400_000}, share=0.5)
    assert bounds(part, "x") == pytest.approx((1.0, 5.0))
    assert bounds(part, "n") == (15, 65)
    assert bounds(part, "many") == (150_000, 650_000)
    # 1 - discount goes from 1e-4 to 1e-1: half of three decades around 1e-2
    low, high = bounds(part, "discount")
    assert (1.0 - low, 1.0 - high) == pytest.approx((10**-1.25, 10**-2.75), rel=1e-9)
    assert part.default() == {"discount": 0.99, "many": 400_000, "n": 40, "x": 3.0}


def test_near_a_bound_the_range_keeps_its_length() -> None:
    space = space_of(Float("x", (0.0, 1.0)))
    assert bounds(around(space, {"x": 0.0}), "x") == (0.0, 0.25)
    assert bounds(around(space, {"x": 0.9}), "x") == (0.75, 1.0)


def test_neighbouring_levels_stay_and_categories_are_free() -> None:
    part = around(small_space(), {"width": 64, "norm": False, "depth": 1})
    width, depth, norm = (input_of(part, name) for name in ("width", "depth", "norm"))
    assert isinstance(width, Ordered)
    assert isinstance(depth, Ordered)
    assert isinstance(norm, Choices)
    assert width.levels == (32, 64, 128)
    assert depth.levels == (1, 2)
    assert norm.choices == (True, False)
    assert part.constants == {"version": 3}


def test_what_has_no_value_keeps_its_range() -> None:
    space = small_space()
    part = around(space, {"depth": 3})
    assert bounds(part, "rate") == bounds(space, "rate")
    assert part.default() == {**space.default(), "depth": 3}


def test_values_that_conditions_and_clauses_name_stay() -> None:
    described = ConfigurationSpace()
    described.add(Integer("depth", (1, 9)), Integer("seed", (1, 9)), Float("x", (0.0, 1.0)))
    described.add(EqualsCondition(described["x"], described["depth"], 9))
    described.add(ForbiddenEqualsClause(described["seed"], 9))
    space = Space.from_configspace(described)
    part = around(space, {"depth": 2, "seed": 2})
    assert bounds(part, "depth") == bounds(part, "seed") == (1, 9)
    narrowed = around(space, {"depth": 9, "seed": 2, "x": 0.5})  # a child is no parent
    assert bounds(narrowed, "x") == (0.375, 0.625)


@given(space=spaces(), seed=SEEDS, share=SHARES)
@settings(max_examples=40)
def test_all_of_a_part_is_legal_in_the_whole_and_the_centre_is_its_default(
    space: Space, seed: int, share: float
) -> None:
    (centre,) = space.sample(1, np.random.default_rng(seed))
    part = around(space, centre, share)
    default = part.default()
    assert list(default) == list(centre)
    for name, value in centre.items():  # ConfigSpace rounds the default of a float to 13 decimals
        is_float = isinstance(value, float)
        assert default[name] == (pytest.approx(value, rel=1e-12, abs=1e-13) if is_float else value)
    assert is_part_of(part, space)
    for configuration in part.sample(5, np.random.default_rng(seed)):
        space.validate(configuration, source="a draw")
    assert space_to_json(space_from_json(space_to_json(part))) == space_to_json(part)


@given(seed=SEEDS, share=SHARES)
def test_draws_are_as_near_as_the_share_says(seed: int, share: float) -> None:
    space = ppo_space()
    rng = np.random.default_rng(seed)
    (centre,) = space.sample(1, rng)
    part = around(space, centre, share)
    x_nd, (centre_d,) = space.encode(part.sample(5, rng)), space.encode([centre])
    for column, item in enumerate(space.inputs):
        gaps = np.diff(space.levels_d[column])
        slack = max(gaps.max() if gaps.size else 0.0, 1e-9)  # a neighbouring level stays however far it is
        assert np.all(np.abs(x_nd[:, column] - centre_d[column]) <= max(share, slack) + 1e-9), item.name


@pytest.mark.parametrize("share", [0.0, 0.009, 1.01, math.nan])
def test_a_share_that_is_none_is_refused(share: float) -> None:
    with pytest.raises(InputError, match=r"must be from 0.01 to 1, of each range"):
        around(small_space(), {"depth": 1}, share)


def test_a_configuration_that_is_not_in_the_space_is_refused() -> None:
    with pytest.raises(InputError, match=r"mine\.yaml: depth = 4 must be one of 1, 2, 3"):
        around(small_space(), {"depth": 4}, source="mine.yaml")


@pytest.mark.parametrize(
    "other",
    [
        space_of(Float("x", (0.0, 2.0)), Constant("version", 1)),  # wider
        space_of(Float("x", (0.1, 1.0), log=True), Constant("version", 1)),  # another scale
        space_of(Integer("x", (0, 1)), Constant("version", 1)),
        space_of(Float("x", (0.0, 1.0)), Float("y", (0.0, 1.0)), Constant("version", 1)),
        space_of(Float("x", (0.0, 1.0)), Constant("version", 2)),
        space_of(Categorical("x", [0.0, 1.0]), Constant("version", 1)),
    ],
)
def test_what_is_no_part_of_a_space(other: Space) -> None:
    space = space_of(Float("x", (0.0, 1.0)), Constant("version", 1))
    assert is_part_of(space_of(Float("x", (0.0, 0.5)), Constant("version", 1)), space)
    assert not is_part_of(other, space)


def test_ordinals_are_parts_by_their_levels() -> None:
    space = space_of(OrdinalHyperparameter("x", [1, 2, 3]))
    assert is_part_of(space_of(OrdinalHyperparameter("x", [2, 3])), space)
    assert not is_part_of(space_of(OrdinalHyperparameter("x", [3, 4])), space)
