import math
from typing import Any

import ConfigSpace
import numpy as np
import pytest
from ConfigSpace import (
    Categorical,
    ConfigurationSpace,
    Constant,
    EqualsCondition,
    Float,
    ForbiddenEqualsClause,
    ForbiddenInClause,
    Integer,
    NormalFloatHyperparameter,
    OrConjunction,
    OrdinalHyperparameter,
)
from hypothesis import given
from hypothesis import strategies as st

from bgpbt.errors import InputError
from bgpbt.records import Configuration
from bgpbt.space import LOG_COMPLEMENT, Space, ppo_space
from bgpbt.space.inputs import Continuous
from tests.space.spaces import spaces

SEEDS = st.integers(0, 2**32 - 1)
WILD = st.floats(-0.5, 6.0) | st.sampled_from(
    [0.0, 1.0, -1e-12, 1 + 1e-12, math.inf, -math.inf, math.nan, 1e300]
)


def space_of(*hyperparameters: ConfigSpace.hyperparameters.Hyperparameter[Any, Any]) -> Space:
    space = ConfigurationSpace()
    space.add(*hyperparameters)
    return Space.from_configspace(space)


def small_space() -> Space:
    return space_of(
        Float("rate", (1e-4, 1e-1), log=True),
        Integer("depth", (1, 3)),
        OrdinalHyperparameter("width", [32, 64, 128]),
        Categorical("norm", [True, False]),
        Constant("version", 3),
    )


def assert_same(space: Space, actual: Configuration, expected: Configuration) -> None:
    """Equal, floats to the rounding of their transform."""
    assert list(actual) == list(expected)
    by_name = {item.name: item for item in space.inputs}
    for name, value in expected.items():
        assert type(actual[name]) is type(value)
        item = by_name.get(name)
        if isinstance(item, Continuous) and not item.is_integer:
            size = max(abs(item.low), abs(item.high)) if item.transform == "linear" else abs(float(value))
            assert actual[name] == pytest.approx(value, rel=0.0, abs=1e-12 * size)
        else:
            assert actual[name] == value


@given(spaces(), SEEDS)
def test_decoding_undoes_encoding(space: Space, seed: int) -> None:
    drawn = space.sample(5, np.random.default_rng(seed))
    x_nd = space.encode(drawn)
    assert x_nd.shape == (5, space.dimension)
    for actual, expected in zip(space.decode(x_nd), drawn, strict=True):
        assert_same(space, actual, expected)


@given(spaces(), SEEDS)
def test_samples_are_legal_here_and_for_configspace(space: Space, seed: int) -> None:
    for drawn in space.sample(5, np.random.default_rng(seed)):
        space.validate(drawn, source="sample")
        assert all(type(value) in (bool, int, float, str) for value in drawn.values())
        # Raises if a value is out of bounds, an active one missing, an inactive one given, or all forbidden.
        ConfigSpace.Configuration(space.configuration_space, values=dict(drawn)).check_valid_configuration()


@given(spaces(), st.data())
def test_any_coordinates_decode_within_the_bounds_and_conditions(space: Space, data: st.DataObject) -> None:
    row = data.draw(st.lists(WILD, min_size=space.dimension, max_size=space.dimension))
    (decoded,) = space.decode(np.array([row]))
    is_allowed = True
    try:
        ConfigSpace.Configuration(space.configuration_space, values=dict(decoded)).check_valid_configuration()
    except ConfigSpace.exceptions.ForbiddenValueError:
        is_allowed = False  # the only rule that decoding leaves to the caller
    assert space.is_legal(decoded) == is_allowed


@given(spaces())
def test_the_bounds_themselves_come_back_exactly(space: Space) -> None:
    for item in space.inputs:
        if isinstance(item, Continuous):
            assert (item.value(0.0), item.value(1.0)) == (item.low, item.high)
            assert (item.coordinate(item.low), item.coordinate(item.high)) == (0.0, 1.0)


@pytest.mark.parametrize("beyond", [0.0, 1e-9, 0.7, 1e300, math.inf])
def test_coordinates_outside_give_the_nearest_bound(beyond: float) -> None:
    space = space_of(
        Float("a", (-2.0, 3.0)),
        Integer("b", (1, 9)),
        Integer("c", (0, 10_000)),
        OrdinalHyperparameter("d", ["s", "m", "l"]),
        Categorical("e", ["x", "y"]),
    )
    lowest, highest = space.decode(np.array([[-beyond] * 5, [1.0 + beyond] * 5]))
    assert lowest == {"a": -2.0, "b": 1, "c": 0, "d": "s", "e": "x"}
    assert highest == {"a": 3.0, "b": 9, "c": 10_000, "d": "l", "e": "y"}


@given(spaces())
def test_levels_are_the_coordinates_that_decode_to_every_value(space: Space) -> None:
    for column, item in enumerate(space.inputs):
        levels = space.levels_d[column]
        assert space.number_of_levels_d[column] == len(levels)
        values = [item.value(float(level)) for level in levels]
        assert len(set(map(repr, values))) == len(levels)
        np.testing.assert_array_equal([item.coordinate(value) for value in values], levels)


@given(spaces(), SEEDS)
def test_equal_seeds_draw_equal_samples(space: Space, seed: int) -> None:
    assert space.sample(4, np.random.default_rng(seed)) == space.sample(4, np.random.default_rng(seed))


def test_sampling_leaves_the_random_state_of_configspace_alone() -> None:
    space = small_space()
    before = repr(space.configuration_space.random.get_state(legacy=False))
    space.sample(50, np.random.default_rng(0))
    assert repr(space.configuration_space.random.get_state(legacy=False)) == before


def test_an_either_or_condition_holds_though_one_parent_is_inactive() -> None:
    described = ConfigurationSpace()
    a, b, p = Categorical("a", ["x", "y"]), Categorical("b", ["x", "y"]), Categorical("p", ["u", "v"])
    c = Float("c", (0.0, 1.0))
    described.add(a, b, p, c)
    described.add(EqualsCondition(b, p, "u"))
    described.add(OrConjunction(EqualsCondition(c, a, "x"), EqualsCondition(c, b, "x")))
    space = Space.from_configspace(described)
    assert space.is_legal({"a": "x", "p": "v", "c": 0.5})
    assert not space.is_legal({"a": "x", "p": "v"})
    assert space.is_legal({"a": "y", "p": "v"})


def test_inactive_inputs_are_nan_and_ignored_when_decoded() -> None:
    described = ConfigurationSpace()
    kind, momentum = Categorical("kind", ["sgd", "adam"]), Float("momentum", (0.0, 1.0))
    described.add(kind, momentum)
    described.add(EqualsCondition(momentum, kind, "sgd"))
    space = Space.from_configspace(described)
    x_nd = space.encode([{"kind": "adam"}, {"kind": "sgd", "momentum": 0.25}])
    np.testing.assert_array_equal(x_nd, [[1.0, np.nan], [0.0, 0.25]])
    assert space.decode(np.array([[1.0, 0.7]])) == [{"kind": "adam"}]
    assert space.decode(np.array([[0.0, np.nan]])) == [{"kind": "sgd", "momentum": 0.5}]  # the default


def test_metadata_tells_the_kinds_apart() -> None:
    space = small_space()
    assert space.names == ("depth", "norm", "rate", "width")
    assert space.dimension == 4
    np.testing.assert_array_equal(space.is_categorical_d, [False, True, False, False])
    np.testing.assert_array_equal(space.number_of_levels_d, [3, 2, 0, 3])
    np.testing.assert_array_equal(space.levels_d[0], [0.0, 0.5, 1.0])
    np.testing.assert_array_equal(space.levels_d[1], [0.0, 1.0])


def test_transforms_are_the_logarithms_they_are_named_after() -> None:
    space = space_of(
        Float("gamma", (0.9, 0.9999), meta={"transform": LOG_COMPLEMENT}),
        Float("rate", (1e-4, 1.0), log=True),
        Integer("steps", (1, 100), log=True),
    )
    (x_d,) = space.encode([{"gamma": 0.99, "rate": 1e-2, "steps": 10}])
    np.testing.assert_allclose(
        x_d, [1 / 3, 1 / 2, 1 / 2], rtol=1e-12
    )  # 0.1 -> 0.01 -> 0.0001; 1e-4 -> 1; 1 -> 100


def test_an_empty_batch_has_shape() -> None:
    space = small_space()
    assert space.encode([]).shape == (0, 4)
    assert space.decode(np.empty((0, 4))) == []


def test_forbidden_clauses_that_leave_nothing_are_reported() -> None:
    described = ConfigurationSpace()
    described.add(Categorical("a", ["x", "y"], weights=[1e-12, 1.0], default="x"))
    described.add(ForbiddenEqualsClause(described["a"], "y"))
    with pytest.raises(InputError, match=r"^forbidden clauses rejected 10000 configurations in a row$"):
        Space.from_configspace(described).sample(1, np.random.default_rng(0))


def test_forbidden_values_are_never_drawn() -> None:
    described = ConfigurationSpace()
    described.add(Integer("n", (1, 6), default=1))
    described.add(ForbiddenInClause(described["n"], [2, 4, 6]))
    drawn = Space.from_configspace(described).sample(200, np.random.default_rng(0))
    assert {configuration["n"] for configuration in drawn} == {1, 3, 5}


VALID = {"depth": 2, "norm": True, "rate": 0.01, "version": 3, "width": 64}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"rate": 1.0}, "user: rate = 1.0 must be a number from 0.0001 to 0.1"),
        ({"rate": math.nan}, "user: rate = nan must be a number from 0.0001 to 0.1"),
        ({"rate": True}, "user: rate = True must be a number from 0.0001 to 0.1"),
        ({"rate": "fast"}, "user: rate = 'fast' must be a number from 0.0001 to 0.1"),
        ({"depth": 4}, "user: depth = 4 must be one of 1, 2, 3"),
        ({"depth": True}, "user: depth = True must be one of 1, 2, 3"),
        ({"width": 65}, "user: width = 65 must be one of 32, 64, 128"),
        ({"norm": 1}, "user: norm = 1 must be one of True, False"),
        ({"version": 4}, "user: version = 4 must be the constant 3"),
        ({"speed": 1}, "user: speed is not in the space; it has depth, norm, rate, version, width"),
        (
            {"rates": 1},
            "user: rates is not in the space (did you mean rate?); it has depth, norm, rate, version, width",
        ),
    ],
)
def test_validation_names_field_value_and_range(changed: Configuration, message: str) -> None:
    space = small_space()
    space.validate(VALID, source="user")
    with pytest.raises(InputError) as caught:
        space.validate({**VALID, **changed}, source="user")
    assert str(caught.value) == message


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 2.5, 10_001, "2"])
def test_an_integer_of_many_values_refuses_what_is_no_whole_number(value: float | str) -> None:
    space = space_of(Integer("n", (0, 10_000)))
    assert space.number_of_levels_d[0] == 0
    with pytest.raises(InputError, match="must be a whole number from 0 to 10000"):
        space.validate({"n": value}, source="user")


def test_validation_tells_missing_and_inactive_inputs() -> None:
    described = ConfigurationSpace()
    described.add(Categorical("kind", ["a", "b"]), Float("x", (0.0, 1.0)))
    described.add(EqualsCondition(described["x"], described["kind"], "a"))
    described.add(ForbiddenEqualsClause(described["x"], 1.0))
    space = Space.from_configspace(described)
    with pytest.raises(InputError, match=r"^user: x is missing$"):
        space.validate({"kind": "a"}, source="user")
    off = r"^user: x = 0.5 is given, but kind = 'b' switches it off: it needs kind == 'a'$"
    with pytest.raises(InputError, match=off):
        space.validate({"kind": "b", "x": 0.5}, source="user")
    with pytest.raises(InputError, match=r"^user: a forbidden clause rules it out$"):
        space.validate({"kind": "a", "x": 1.0}, source="user")


def test_what_is_not_given_takes_its_default() -> None:
    completed = small_space().completed({"width": 64.0, "rate": 0.1}, source="user")
    assert completed == {"depth": 2, "norm": True, "rate": 0.1, "version": 3, "width": 64}
    assert isinstance(completed["width"], int)  # as a draw would have it


def test_a_float_that_is_given_as_an_integer_is_a_float() -> None:
    space = space_of(Float("x", (0.0, 2.0)), Integer("n", (0, 10_000)))
    completed = space.completed({"x": 1, "n": 3.0}, source="user")
    assert [(value, type(value)) for value in completed.values()] == [(3, int), (1.0, float)]


def test_conditions_decide_what_is_completed() -> None:
    described = ConfigurationSpace()
    described.add(Categorical("kind", ["a", "b"], default="b"), Integer("n", (1, 9)), Float("x", (0.0, 1.0)))
    described.add(EqualsCondition(described["x"], described["n"], 4))
    described.add(EqualsCondition(described["n"], described["kind"], "a"))
    space = Space.from_configspace(described)
    assert space.completed({}, source="user") == {"kind": "b"}
    assert space.completed({"kind": "a", "n": 4}, source="user") == {"kind": "a", "n": 4, "x": 0.5}
    wrong: list[tuple[Configuration, str]] = [
        ({"n": 4}, "user: n = 4 is given, but kind = 'b' switches it off: it needs kind == 'a'"),
        (
            {"kind": "a", "n": 5, "x": 0.1},
            "user: x = 0.1 is given, but n = 5 switches it off: it needs n == 4",
        ),
        ({"x": 0.1}, "user: x = 0.1 is given, but n is not active: it needs n == 4"),
        ({"n": 10}, "user: n = 10 must be one of 1, 2, 3, ..., 9"),
    ]
    for given_, message in wrong:
        with pytest.raises(InputError) as caught:
            space.completed(given_, source="user")
        assert str(caught.value) == message


@given(space=spaces(), seed=SEEDS)
def test_a_legal_configuration_is_complete(space: Space, seed: int) -> None:
    for configuration in space.sample(3, np.random.default_rng(seed)):
        completed = space.completed(configuration, source="a draw")
        assert completed == configuration
        assert list(completed) == list(configuration)


@pytest.mark.parametrize(
    ("hyperparameter", "message"),
    [
        (Float("g", (0.5, 1.0), meta={"transform": LOG_COMPLEMENT}), "upper bound must be below 1, got 1.0"),
        (Float("g", (0.0, 1.0), meta={"transform": "log"}), "lower bound must be above 0, got 0.0"),
        (Float("g", (0.0, 1.0), meta={"transform": "sqrt"}), "must be linear, log or log_complement"),
        (
            NormalFloatHyperparameter("g", 0.0, 1.0, lower=-1.0, upper=1.0),
            "^g is a NormalFloatHyperparameter; allowed",
        ),
        (Categorical("g", ["a", None]), "None is a NoneType; values are bool, int, float or str"),
        (Constant("g", 1), "no input to search"),
    ],
)
def test_what_cannot_be_searched_is_refused(
    hyperparameter: ConfigSpace.hyperparameters.Hyperparameter[Any, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        space_of(hyperparameter)


def test_encoding_what_is_not_in_the_space_is_refused() -> None:
    with pytest.raises(InputError, match=r"^norm = 'x' is none of its 2 values$"):
        small_space().encode([{**VALID, "norm": "x"}])


def test_the_papers_space_has_nine_inputs_and_its_defaults_are_legal() -> None:
    space = ppo_space()
    assert space.dimension == 9
    assert not space.is_categorical_d.any()
    assert {n: int(k) for n, k in zip(space.names, space.number_of_levels_d, strict=True) if k} == {
        "batch_size": 5,
        "unroll_length": 11,
        "update_epochs": 15,
    }
    assert space.default()["clip_epsilon"] == 0.3
    space.validate(space.default(), source="default")
