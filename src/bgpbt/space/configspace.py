"""What is read from ConfigSpace: the inputs of a space, its constants, and which inputs are active."""

import re
from typing import Any

import numpy as np
from ConfigSpace import ConfigurationSpace
from ConfigSpace.conditions import ConditionLike, Conjunction, OrConjunction
from ConfigSpace.hyperparameters import (
    CategoricalHyperparameter,
    Constant,
    Hyperparameter,
    OrdinalHyperparameter,
    UniformFloatHyperparameter,
    UniformIntegerHyperparameter,
)

from bgpbt.arrays import Floats
from bgpbt.errors import InputError
from bgpbt.records import Configuration, Value
from bgpbt.space.inputs import (
    LOG_COMPLEMENT,
    MOST_LEVELS,
    Categorical,
    Continuous,
    Input,
    Ordered,
    named_native,
)

__all__ = ["input_of", "inputs_and_constants", "is_active", "reason_for_being_off"]

_NUMPY_SCALAR = re.compile(r"np\.\w+\((.*?)\)")
"""As ConfigSpace shows a number that NumPy made."""


def inputs_and_constants(space: ConfigurationSpace) -> tuple[tuple[Input, ...], dict[str, Value]]:
    """Return the searched inputs in the order of the space, and the values of the constants by name.

    Raises:
        InputError: an input is of a kind that cannot be searched, or nothing is left to search.
    """
    hyperparameters = list(space.values())
    inputs = tuple(input_of(h) for h in hyperparameters if not isinstance(h, Constant))
    if not inputs:
        raise InputError("the space has no input to search: all are constants, or there are none")
    return inputs, {h.name: named_native(h.name, h.value) for h in hyperparameters if isinstance(h, Constant)}


def is_active(space: ConfigurationSpace, name: str, active: Configuration) -> bool:
    """Return whether conditions leave an input on, given the active values of its parents."""
    return all(_is_satisfied(condition, active) for condition in space.parent_conditions_of[name])


def reason_for_being_off(space: ConfigurationSpace, name: str, active: Configuration) -> str:
    """Return why conditions switch an input off, for people: the values of its parents, and what it needs."""
    parents = dict.fromkeys(parent.name for parent in space.parents_of[name])
    values = [f"{parent} = {active[parent]!r}" for parent in parents if parent in active]
    conditions = (str(condition).replace(f"{name} | ", "") for condition in space.parent_conditions_of[name])
    needed = _NUMPY_SCALAR.sub(r"\1", " and ".join(conditions))
    if not values:
        return f"{' and '.join(parents)} is not active: it needs {needed}"
    return f"{' and '.join(values)} {'switch' if len(values) > 1 else 'switches'} it off: it needs {needed}"


def _is_satisfied(condition: ConditionLike, active: Configuration) -> bool:
    """Return whether a condition holds; one on an inactive parent does not, as in ConfigSpace."""
    if isinstance(condition, Conjunction):
        holds = (_is_satisfied(component, active) for component in condition.components)
        return any(holds) if isinstance(condition, OrConjunction) else all(holds)
    parent = condition.parent.name
    return parent in active and bool(condition.satisfied_by_value({parent: active[parent]}))


def input_of(hyperparameter: Hyperparameter[Any, Any]) -> Input:
    """Return the input of a ConfigSpace hyperparameter.

    Raises:
        InputError: it is of a kind that is not searched, such as a normal or beta float.
    """
    match hyperparameter:
        case UniformFloatHyperparameter():
            return _float(hyperparameter)
        case UniformIntegerHyperparameter():
            return _integer(hyperparameter)
        case OrdinalHyperparameter():
            levels = tuple(named_native(hyperparameter.name, level) for level in hyperparameter.sequence)
            coordinates = tuple(float(x) for x in np.linspace(0.0, 1.0, len(levels)))
            probabilities = (1.0 / len(levels),) * len(levels)
            return Ordered(
                name=hyperparameter.name, levels=levels, coordinates=coordinates, probabilities=probabilities
            )
        case CategoricalHyperparameter():
            return Categorical(
                name=hyperparameter.name,
                choices=tuple(named_native(hyperparameter.name, choice) for choice in hyperparameter.choices),
                probabilities=tuple(float(p) for p in hyperparameter.probabilities),
            )
    raise InputError(
        f"{hyperparameter.name} is a {type(hyperparameter).__name__}; "
        f"allowed are uniform floats and integers, ordinals, categoricals and constants"
    )


def _float(hyperparameter: UniformFloatHyperparameter) -> Continuous:
    transform = (hyperparameter.meta or {}).get("transform", "log" if hyperparameter.log else "linear")
    if transform not in ("linear", "log", LOG_COMPLEMENT):
        raise InputError(
            f'{hyperparameter.name}: meta["transform"] = {transform!r} '
            f"must be linear, log or {LOG_COMPLEMENT}"
        )
    return Continuous(
        name=hyperparameter.name,
        low=float(hyperparameter.lower),
        high=float(hyperparameter.upper),
        transform=transform,
    )


def _integer(hyperparameter: UniformIntegerHyperparameter) -> Input:
    low, high = int(hyperparameter.lower), int(hyperparameter.upper)
    scale = Continuous(
        name=hyperparameter.name,
        low=low,
        high=high,
        transform="log" if hyperparameter.log else "linear",
        is_integer=True,
    )
    if high - low >= MOST_LEVELS:
        return scale
    levels = tuple(range(low, high + 1))
    return Ordered(
        name=hyperparameter.name,
        levels=levels,
        coordinates=tuple(scale.coordinate(level) for level in levels),
        probabilities=_stretches(np.array(levels, dtype=np.float64), is_log=hyperparameter.log),
    )


def _stretches(level_l: Floats, *, is_log: bool) -> tuple[float, ...]:
    """Return the share of each integer k, which stands for [k - 1/2, k + 1/2] before the transform."""
    edges = np.append(level_l - 0.5, level_l[-1] + 0.5)
    stretch_l = np.diff(np.log(edges) if is_log else edges)
    return tuple(float(share) for share in stretch_l / stretch_l.sum())
