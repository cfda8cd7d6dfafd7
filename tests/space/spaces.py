"""Random search spaces of every kind of input, with conditions and forbidden clauses."""

from typing import Any

from ConfigSpace import (
    AndConjunction,
    CategoricalHyperparameter,
    ConfigurationSpace,
    Constant,
    EqualsCondition,
    Float,
    ForbiddenAndConjunction,
    ForbiddenEqualsClause,
    InCondition,
    Integer,
    NotEqualsCondition,
    OrConjunction,
    OrdinalHyperparameter,
)
from ConfigSpace.hyperparameters import Hyperparameter
from hypothesis import strategies as st

from bgpbt.space import LOG_COMPLEMENT, Space


@st.composite
def floats(draw: st.DrawFn, name: str) -> Hyperparameter[Any, Any]:
    kind = draw(st.sampled_from(["linear", "log", LOG_COMPLEMENT]))
    if kind == "linear":
        low = draw(st.floats(-1e6, 1e6))
        return Float(name, (low, low + draw(st.floats(1e-3, 1e6))))
    low = draw(st.floats(1e-8, 1e3))
    high = low * draw(st.floats(1.5, 1e6))
    if kind == "log":
        return Float(name, (low, high), log=True)
    nearest = draw(st.floats(1e-6, 0.1))  # 1 - upper bound
    return Float(name, (1.0 - 8.0 * nearest, 1.0 - nearest), meta={"transform": LOG_COMPLEMENT})


@st.composite
def integers(draw: st.DrawFn, name: str) -> Hyperparameter[Any, Any]:
    is_log = draw(st.booleans())
    low = draw(st.integers(1 if is_log else -1000, 1000))
    return Integer(name, (low, low + draw(st.integers(1, 10_000))), log=is_log)


@st.composite
def ordinals(draw: st.DrawFn, name: str) -> Hyperparameter[Any, Any]:
    kinds = [st.integers(-9, 9), st.text("abc", min_size=1, max_size=3), st.booleans()]
    levels = draw(st.lists(draw(st.sampled_from(kinds)), min_size=1, max_size=6, unique=True))
    return OrdinalHyperparameter(name, levels, default_value=draw(st.sampled_from(levels)))


@st.composite
def categoricals(draw: st.DrawFn, name: str) -> Hyperparameter[Any, Any]:
    choices: list[object] = [True, "relu", 2, 0.5, "tanh"][: draw(st.integers(1, 5))]
    weights = draw(st.none() | st.lists(st.floats(0.1, 1.0), min_size=len(choices), max_size=len(choices)))
    return CategoricalHyperparameter(name, choices, weights=weights)


@st.composite
def spaces(draw: st.DrawFn) -> Space:
    """One to five inputs of any kind, a constant, and perhaps conditions and a forbidden clause."""
    space = ConfigurationSpace()
    kinds = draw(
        st.lists(st.sampled_from([floats, integers, ordinals, categoricals]), min_size=1, max_size=5)
    )
    inputs = [draw(kind(f"h{index}")) for index, kind in enumerate(kinds)]
    space.add(*inputs, Constant("version", "v1"))
    if draw(st.booleans()):
        _add_conditions(draw, space, inputs)
    return Space.from_configspace(space)


def _add_conditions(
    draw: st.DrawFn, space: ConfigurationSpace, inputs: list[Hyperparameter[Any, Any]]
) -> None:
    """Make the first input hang on two switches, of which the second hangs on the first.

    "Not equal" is asked of the ever-active switch only: ConfigSpace contradicts itself on an inactive one.
    """
    first = CategoricalHyperparameter("first", ["on", "off", "forbidden"])
    second = OrdinalHyperparameter("second", [0, 1, 2])
    space.add(first, second)
    space.add(
        draw(st.sampled_from([EqualsCondition(second, first, "on"), NotEqualsCondition(second, first, "on")]))
    )
    junction = draw(st.sampled_from([AndConjunction, OrConjunction]))
    child = inputs[0]
    space.add(junction(InCondition(child, first, ["on", "forbidden"]), InCondition(child, second, [0, 2])))
    space.add(ForbiddenEqualsClause(first, "forbidden"))
    space.add(ForbiddenAndConjunction(ForbiddenEqualsClause(first, "off"), ForbiddenEqualsClause(second, 2)))
