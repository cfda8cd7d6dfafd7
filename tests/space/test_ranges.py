"""A space as a plain dictionary of ranges."""

from typing import Any

import numpy as np
import pytest
from ConfigSpace import Categorical, Constant, Float, Integer, OrdinalHyperparameter

from bgpbt.errors import InputError
from bgpbt.space import LOG_COMPLEMENT, from_ranges, space_to_json
from tests.space.test_space import space_of


def test_every_form() -> None:
    space = from_ranges(
        {
            "rate": (1e-4, 1e-2, "log"),
            "momentum": (0.0, 0.99),
            "mixed": (0, 1.5, "linear"),
            "discount": (0.9, 0.9999, LOG_COMPLEMENT),
            "layers": (1, 4),
            "steps": (8, 512, "log"),
            "batch": [32, 64, 128],
            "optimizer": ["adam", "sgd"],
            "flag": [True, False],
            "unordered": [3, 1],
            "seed": 7,
            "name": "run",
            "fixed": (2.0, 2.0),
        }
    )
    expected = space_of(
        Float("rate", (1e-4, 1e-2), log=True),
        Float("momentum", (0.0, 0.99)),
        Float("mixed", (0.0, 1.5)),
        Float("discount", (0.9, 0.9999), meta={"transform": LOG_COMPLEMENT}),
        Integer("layers", (1, 4)),
        Integer("steps", (8, 512), log=True),
        OrdinalHyperparameter("batch", [32, 64, 128]),
        Categorical("optimizer", ["adam", "sgd"]),
        Categorical("flag", [True, False]),
        Categorical("unordered", [3, 1]),
        Constant("seed", 7),
        Constant("name", "run"),
        Constant("fixed", 2.0),
    )
    assert space_to_json(space) == space_to_json(expected)


def test_numbers_of_numpy_are_numbers() -> None:
    of_numpy: Any = {"x": (np.float64(0.5), 1), "n": (np.int64(1), 3), "k": np.arange(3), "c": np.int64(2)}
    space = from_ranges(of_numpy)
    expected = from_ranges({"x": (0.5, 1.0), "n": (1, 3), "k": [0, 1, 2], "c": 2})
    assert space_to_json(space) == space_to_json(expected)


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ((1e-2, 1e-4), "x goes from 0.01 to 0.0001; the bounds must be finite, the lower one first"),
        ((0.0, 1.0, "log"), "x is on a log scale, so its lower bound must be above 0, got 0.0"),
        ((0.0, 1.0, "sqrt"), "x: the scale 'sqrt' must be linear, log or log_complement"),
        ((0.5, 1.0, "log_complement"), "x is searched as log(1 - x), so its upper bound must be below 1"),
        ((1.0,), 'x = (1.0,) must be (low, high), (low, high, "log"), or a list of values'),
        ((1, 2, 3, 4), "x = (1, 2, 3, 4) must be"),
        (("adam", "sgd"), "x = ('adam', 'sgd') must be"),
        ((True, False), "x = (True, False) must be"),
        ({"low": 1}, "x = {'low': 1} must be"),
        (None, "x = None must be"),
        ([1e-4, 1e-2, "log"], "x = [0.0001, 0.01, 'log'] is a list of values; write a range as a tuple"),
        ([], "x has no choices"),
        (["a", "a"], "x has the choice 'a' twice"),
        ([None], "x: "),
    ],
)
def test_what_is_no_range_is_named_in_one_line(found: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        from_ranges({"x": found, "y": (0.0, 1.0)})
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_names_are_texts_and_something_is_searched() -> None:
    wrong: Any = {3: (0.0, 1.0)}
    with pytest.raises(InputError, match="the name 3 must be a text"):
        from_ranges(wrong)
    for nothing in ({}, {"x": 1}):
        with pytest.raises(InputError, match="no input to search"):
            from_ranges(nothing)
