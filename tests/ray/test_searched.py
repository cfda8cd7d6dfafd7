import math
from typing import Any

import numpy as np
import pytest

pytest.importorskip("ray.tune")

from ConfigSpace import CategoricalHyperparameter, ConfigurationSpace, EqualsCondition, Float
from ray import tune

from bgpbt.errors import InputError
from bgpbt.ray.searched import searched_of
from bgpbt.space import Space
from bgpbt.space.inputs import Categorical, Continuous, Input, Ordered


def input_of(bounds: Any, mutations: Any = None, config: dict[str, Any] | None = None) -> Input:
    (item,) = searched_of(bounds, mutations or {}, config).space.inputs
    return item


def begun(bounds: Any, config: dict[str, Any]) -> dict[str, Any]:
    return dict(searched_of(bounds, {}, config).begin(config, np.random.default_rng(0), source="trial 1"))


def conditional() -> Space:
    """A momentum that only one of two optimisers has."""
    space = ConfigurationSpace()
    kind, momentum = CategoricalHyperparameter("kind", ["adam", "sgd"]), Float("momentum", (0.5, 0.9))
    space.add(kind, momentum)
    space.add(EqualsCondition(momentum, kind, "sgd"))
    return Space.from_configspace(space)


def test_all_that_tune_draws_from_a_quantised_domain_is_a_level_as_it_is_written() -> None:
    domain = tune.quniform(0.7, 0.99, 0.01)
    item = input_of({"discount": domain})
    assert isinstance(item, Ordered)
    assert [repr(level) for level in item.levels[:4]] == ["0.7", "0.71", "0.72", "0.73"]
    random = np.random.default_rng(0)
    drawn = [float(domain.sample(random_state=random)) for _ in range(200)]
    assert any(value not in item.levels for value in drawn)  # as Tune computes them
    for value in drawn:
        assert begun({"discount": domain}, {"discount": value})["discount"] in item.levels
    assert begun({"x": tune.quniform(0, 1, 0.1)}, {"x": 0.3}) == {"x": 0.3}
    with pytest.raises(InputError, match=r"x = 0.35 must be one of 0.0, 0.1, 0.2, \.\.\., 1.0"):
        begun({"x": tune.quniform(0, 1, 0.1)}, {"x": 0.35})


@pytest.mark.parametrize(
    ("bounds", "first", "low", "high", "kind"),
    [
        ([1000, 60000], None, 1000, 60000, int),
        ([1000, 60000], 4000, 1000, 60000, int),
        ([1000.0, 60000.5], 4000, 1000, 60000, int),
        ([1000.0, 60000.0], np.int64(4000), 1000, 60000, int),
        (tune.loguniform(0.5, 60000.5), 4000, 1, 60000, int),
        ([0, 1], 0.5, 0.0, 1.0, float),
        ([0.0, 1.0], None, 0.0, 1.0, float),
        ([1000, 60000], np.float32(4000), 1000.0, 60000.0, float),
    ],
)
def test_integers_are_meant_by_two_integers_or_an_integer_to_begin_with(
    bounds: Any, first: Any, low: float, high: float, kind: type
) -> None:
    config = {} if first is None else {"x": first}
    searched = searched_of({"x": bounds}, {}, config)
    (item,) = searched.space.inputs
    assert (item.value(0.0), item.value(1.0)) == (low, high)
    assert {type(value["x"]) for value in searched.space.sample(20, np.random.default_rng(0))} == {kind}
    assert type(begun({"x": bounds}, config)["x"]) is kind


def test_a_quantised_domain_of_floats_has_integers_for_an_integer_to_begin_with() -> None:
    item = input_of({"units": tune.quniform(16, 64, 16)}, config={"units": 32})
    assert isinstance(item, Ordered)
    assert [repr(level) for level in item.levels] == ["16", "32", "48", "64"]


@pytest.mark.parametrize(("value", "kind"), [(np.float32(1e-4), float), (np.float64(3e-4), float)])
def test_numbers_of_numpy_are_numbers(value: Any, kind: type) -> None:
    begins = begun({"rate": [1e-4, 1e-1]}, {"rate": value})["rate"]
    assert type(begins) is kind
    assert begins == float(str(value))  # 0.0001, not the 0.0000999999974737875163555145263671875 of its bits
    item = input_of({}, {"units": np.array([16, 32])})
    assert isinstance(item, Categorical)
    assert item.choices == (16, 32)


def test_nested_inputs_are_read_and_written_where_they_stand() -> None:
    searched = searched_of(
        {"train_loop_config": {"rate": [1e-4, 1e-1], "model": {"units": [16, 64]}}},
        {"kind": ["adam", "sgd"]},
        {},
    )
    assert sorted(searched.space.names) == ["kind", "train_loop_config/model/units", "train_loop_config/rate"]
    config = {"data": ("a",), "train_loop_config": {"rate": 0.01, "epochs": 3, "model": {"act": "relu"}}}
    values = searched.begin(config, np.random.default_rng(0), source="trial 1")
    assert values["train_loop_config/rate"] == 0.01
    written = searched.write(config, values)
    assert written == {
        "data": ("a",),
        "kind": values["kind"],
        "train_loop_config": {
            "rate": 0.01,
            "epochs": 3,
            "model": {"act": "relu", "units": values["train_loop_config/model/units"]},
        },
    }
    assert searched.values(written) == values
    assert config["train_loop_config"] == {"rate": 0.01, "epochs": 3, "model": {"act": "relu"}}  # not changed


def test_a_space_with_conditions_may_be_searched_and_nested() -> None:
    searched = searched_of({"rate": [0.1, 1.0]}, {"optimiser": conditional()}, {})
    rng = np.random.default_rng(0)
    with_adam = {"optimiser": {"kind": "adam", "momentum": 0.6}}
    values = searched.begin(with_adam, rng, source="trial 1")
    assert sorted(values) == ["optimiser/kind", "rate"]
    assert searched.write(with_adam, values)["optimiser"] == {"kind": "adam"}
    with_sgd = searched.begin({"optimiser": {"kind": "sgd"}}, rng, source="trial 2")
    assert 0.5 <= float(with_sgd["optimiser/momentum"]) <= 0.9
    own = conditional()
    assert searched_of(own, {}, {}).space.names == own.names
    assert set(searched_of({"rate": [0.1, 1.0]}, own, {}).space.names) == {"rate", *own.names}
    assert own.names == ("kind", "momentum")  # not renamed


@pytest.mark.parametrize(
    ("bounds", "mutations", "config", "message"),
    [
        ({}, {"x": lambda: 1.0}, {}, "x is a function, .* write a domain such as tune.uniform"),
        ({}, {"x": tune.sample_from(lambda _: 1.0)}, {}, "x is a tune.sample_from, .* write a domain"),
        ({"x": tune.sample_from(lambda _: 1.0)}, {}, {}, "x is a tune.sample_from, .* write a domain"),
        ({"x": [0.1, 0.1]}, {}, {}, "x = .0.1, 0.1. leaves nothing to search; put x = 0.1 into param_space"),
        ({}, {"x": [0.1, 0.1]}, {}, "x = .0.1, 0.1. leaves nothing to search; put x = 0.1 into param_space"),
        ({}, {"x": ["a", "b", "a"]}, {}, "x has the choice 'a' twice"),
        ({}, {"x": tune.choice([0, False, "0"])}, {}, "x has the choice 0 and False, which Python takes for"),
        ({"x": [True, False]}, {}, {}, r"for choices write hyperparam_mutations={'x': \[True, False\]}"),
        ({"x": ["a", "b"]}, {}, {}, r"for choices write hyperparam_mutations={'x': \['a', 'b'\]}"),
        ({"x": [None, 1]}, {}, {}, r"x = \[None, 1\] must be two numbers"),
        ({"x": [0, 1, 2]}, {}, {}, r"must be \[low, high\] or a domain of Tune"),
        ({"x": [1.0, 0.5]}, {}, {}, "the bounds must be finite, the lower one first"),
        ({"x": [0.1, 1.2]}, {}, {"x": 1}, "begins as the integer 1, .* write 1.0 to search floats"),
        ({}, {"x": [None, (64, 64)]}, {}, "x: None is a NoneType; .* give each choice a name"),
        ({}, {"x": 3}, {}, "x = 3 must be a list of choices, a domain of Tune or a mapping"),
        ({"x": tune.grid_search([1, 2])}, {}, {}, r"x = {'grid_search': \[1, 2\]} must be"),
        ({"x": [0, 1]}, {"x": ["a", "b"]}, {}, "x is given twice; leave one out"),
        ({"kind": [0, 1]}, conditional(), {}, "kind is given twice; leave one out"),
        ({3: [0, 1]}, {}, {}, "the name 3 must be a text"),
        ("rate", {}, {}, "hyperparam_bounds = 'rate' must be a mapping of names or a Space"),
    ],
)
def test_what_cannot_be_searched_is_answered_with_what_to_write(
    bounds: Any, mutations: Any, config: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        searched_of(bounds, mutations, config)
    assert "\n" not in str(caught.value)


def test_values_that_a_users_function_chose_are_told_as_the_nearest_of_the_space() -> None:
    searched = searched_of(
        {"rate": [0.0, 1.0], "units": [16, 64], "step": tune.quniform(0.0, 1.0, 0.25)},
        {"kind": ["adam", "sgd"]},
        {},
    )
    chosen = {"rate": 1.5, "units": 20.6, "step": 0.4, "kind": "sgd"}
    assert searched.nearest(chosen, source="f") == {"rate": 1.0, "units": 21, "step": 0.5, "kind": "sgd"}
    for wrong in ({"kind": "rmsprop"}, {"rate": math.nan}, {"units": "many"}):
        with pytest.raises(InputError, match=f"^f: {next(iter(wrong))} = "):
            searched.nearest({**chosen, **wrong}, source="f")
    item = searched.space.inputs[searched.space.names.index("rate")]
    assert isinstance(item, Continuous)
