"""Spaces as others publish them: older ConfigSpace, Hydra's sweepers, YAML 1.1, NumPy."""

import json
import warnings
from typing import Any

import numpy as np
import pytest
from ConfigSpace import Categorical as Choice
from ConfigSpace import ConfigurationSpace, Constant, OrdinalHyperparameter

from bgpbt.errors import InputError
from bgpbt.space import Space, space_from_json, space_from_yaml, space_to_json, space_to_yaml
from bgpbt.space.inputs import Categorical, Continuous, Input, Ordered

PUBLISHED = """
name: ppo
hyperparameters:
  learning_rate: {type: uniform_float, lower: 1e-6, upper: 1e-1, default_value: 3e-4, log: true}
  minibatch_size: {type: categorical, choices: [128, 256, 512], default_value: 256}
  max_grad_norm: {type: uniform_float, lower: 0.0, upper: 1.0, default_value: 0.5}
conditions:
  - {child: max_grad_norm, parent: minibatch_size, type: EQ, value: 256}
"""


def read(*hyperparameters: dict[str, Any]) -> Space:
    """Through JSON, with every warning an error: nobody reads those of a library."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return space_from_json(json.dumps({"hyperparameters": hyperparameters}))


def input_of(space: Space, name: str) -> Input:
    return space.inputs[space.names.index(name)]


def test_a_published_space_of_hydra_s_sweepers_is_read_as_it_is() -> None:
    space = space_from_yaml(PUBLISHED)
    assert input_of(space, "learning_rate") == Continuous(
        name="learning_rate", low=1e-6, high=0.1, transform="log"
    )
    choices = input_of(space, "minibatch_size")
    assert isinstance(choices, Categorical)
    assert choices.choices == (128, 256, 512)
    assert space.default() == {"learning_rate": 3e-4, "minibatch_size": 256, "max_grad_norm": 0.5}
    space.validate({"learning_rate": 1e-5, "minibatch_size": 128}, source="user")
    with pytest.raises(InputError, match="max_grad_norm is missing"):
        space.validate({"learning_rate": 1e-5, "minibatch_size": 256}, source="user")


def test_conditions_may_be_a_mapping_of_their_children() -> None:
    listed = "\n  - {child: max_grad_norm, parent: minibatch_size, type: EQ, value: 256}"
    for mapping in (
        " {max_grad_norm: {parent: minibatch_size, type: EQ, value: 256}}",
        " {any: {child: max_grad_norm, parent: minibatch_size, type: EQ, value: 256}}",
    ):
        assert space_to_json(space_from_yaml(PUBLISHED.replace(listed, mapping))) == space_to_json(
            space_from_yaml(PUBLISHED)
        )


def test_numbers_without_a_dot_are_numbers_and_quoted_ones_text() -> None:
    space = space_from_yaml("hyperparameters: {x: {type: categorical, choices: [1e-5, '1e-5', 2E+3, 5]}}")
    choices = input_of(space, "x")
    assert isinstance(choices, Categorical)
    assert choices.choices == (1e-5, "1e-5", 2000.0, 5)
    again = input_of(space_from_yaml(space_to_yaml(space)), "x")
    assert again == choices
    assert read({"name": "x", "type": "uniform_float", "lower": "1e-5", "upper": 1}).inputs == (
        Continuous(name="x", low=1e-5, high=1.0),
    )


def test_a_quantum_is_a_grid() -> None:
    space = read(
        {
            "name": "units",
            "type": "uniform_int",
            "lower": 16,
            "upper": 64,
            "q": 16,
            "default": 32,
            "log": False,
        },
        {"name": "share", "type": "uniform_float", "lower": 0.25, "upper": 1.0, "q": 0.25, "default": 0.5},
        {"name": "depth", "type": "uniform_int", "lower": 1, "upper": 3, "q": 1, "default": 2},
        {"name": "rate", "type": "uniform_float", "lower": 0.0, "upper": 1.0, "q": None, "default": 0.5},
    )
    grids = {item.name: item.levels for item in space.inputs if isinstance(item, Ordered)}
    assert grids == {"units": (16, 32, 48, 64), "share": (0.25, 0.5, 0.75, 1.0), "depth": (1, 2, 3)}
    assert space.default() == {"units": 32, "share": 0.5, "depth": 2, "rate": 0.5}


def test_probabilities_are_weights() -> None:
    space = read(
        {"name": "kind", "type": "categorical", "choices": ["a", "b"], "probabilities": [0.75, 0.25]}
    )
    kind = input_of(space, "kind")
    assert isinstance(kind, Categorical)
    assert kind.probabilities == (0.75, 0.25)


def test_an_unparametrized_input_is_a_constant() -> None:
    space = read(
        {"name": "x", "type": "uniform_float", "lower": 0.0, "upper": 1.0},
        {"name": "kind", "type": "unparametrized", "value": "fixed"},
    )
    assert space.constants == {"kind": "fixed"}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"q": 16, "log": True}, "units: q = 16 on a log scale has no counterpart here; list the values"),
        ({"q": 15}, "units: lower = 16 and upper = 64 must be multiples of q = 15; list the values"),
        ({"q": 0}, "units: lower = 16 and upper = 64 must be multiples of q = 0; list the values"),
        ({"q": 16, "default": 17}, "units: default_value = 17 is no multiple of q = 16"),
        ({"default": 17, "default_value": 18}, "units: default_value is given twice, as 17 and as 18"),
        ({"lower": "few"}, "units: lower = 'few' must be a finite number"),
        ({"lower": True}, "units: lower = True must be a finite number"),
        ({"lower": 1.5}, "units: lower = 1.5 must be a whole number"),
        ({"upper": None}, "units: upper is missing, which a uniform_int input needs"),
        ({"log": "yes"}, "units: log = 'yes' must be true or false"),
        ({"step": 2}, "units: step is no field of a uniform_int input; allowed are lower, upper, default"),
        ({"type": "categorical"}, "units: lower is no field of a categorical input; allowed are choices"),
        ({"name": 3}, "hyperparameters: the name 3 must be a text"),
    ],
)
def test_what_cannot_be_read_exactly_is_refused_by_name(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=f"^space: {message}"):
        read({"name": "units", "type": "uniform_int", "lower": 16, "upper": 64, **changed})


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "None is a NoneType; values are bool, int, float or str: write a text such as 'none'"),
        ([64, 32], r"\[64, 32\] is a list; .*: write a text such as '\[64, 32\]'"),
        ({"a": 1}, r"\{'a': 1\} is a dict; "),
    ],
)
def test_choices_that_are_no_values_name_the_input_and_a_way_out(value: object, message: str) -> None:
    with pytest.raises(InputError, match=f"^space: kind: {message}"):
        read({"name": "kind", "type": "categorical", "choices": ["a", value]})
    with pytest.raises(InputError, match=f"^space: kind: {message}"):
        read({"name": "kind", "type": "constant", "value": value})


@pytest.mark.parametrize("value", [None, (64, 32)])
def test_a_configspace_with_such_choices_names_the_input(value: object) -> None:
    for hyperparameter in (Choice("kind", ["a", value]), Constant("kind", value)):
        described = ConfigurationSpace()
        described.add(hyperparameter, Choice("other", ["a", "b"]))
        with pytest.raises(InputError, match=r"^kind: .* values are bool, int, float or str: write a text"):
            Space.from_configspace(described)


def test_numbers_of_numpy_are_numbers() -> None:
    described = ConfigurationSpace()
    described.add(
        Choice("choice", [np.int64(3), np.bool_(True), "a"]),
        OrdinalHyperparameter("level", [np.int64(1), np.int64(5)]),
        Constant("constant", np.int64(4)),
    )
    space = Space.from_configspace(described)
    again = space_from_json(space_to_json(space))
    assert again.inputs == space.inputs
    assert again.default() == {"choice": 3, "constant": 4, "level": 1}


@pytest.mark.parametrize(
    ("described", "message"),
    [
        ({"hyperparameters": {"x": 3}}, "hyperparameters: 3 must be a mapping, such as"),
        ({"hyperparameters": "x"}, "hyperparameters must be a list, or a mapping of names, got 'x'"),
        ({"hyperparameters": {"x": {"lower": 1}}}, "is no valid ConfigSpace file: .*type"),
    ],
)
def test_a_description_of_another_shape_is_refused(described: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        space_from_json(json.dumps(described))
    assert "\n" not in str(caught.value)
