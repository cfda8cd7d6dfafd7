"""Search spaces of Optuna and Ray Tune, read as ours.

Neither package is imported: their objects are told apart by the names of their classes and read through their
public attributes (Optuna: `optuna.distributions`; Ray: `ray.tune.search.sample`). A grid of numbers becomes
an ordinal, and a range of a single value a constant. What would be searched on another scale than its author
chose is refused, not approximated.
"""

import math
from collections.abc import Mapping
from typing import Any

from ConfigSpace import (
    CategoricalHyperparameter,
    ConfigurationSpace,
    Constant,
    Float,
    Integer,
    OrdinalHyperparameter,
)
from ConfigSpace.hyperparameters import Hyperparameter

from bgpbt.errors import InputError
from bgpbt.space.inputs import grid, grid_level, named_native
from bgpbt.space.space import Space

__all__ = [
    "HyperparameterOfAnyKind",
    "choices_of",
    "float_range",
    "from_optuna",
    "from_ray_tune",
    "integer_range",
    "space_of_inputs",
]

HyperparameterOfAnyKind = Hyperparameter[Any, Any]


def from_optuna(distributions: Mapping[str, object]) -> Space:
    """Return the space of Optuna's distributions, by name, as `Trial.distributions` has them.

    Raises:
        InputError: a distribution is of an unknown kind or has values that are not bool, int, float or str.
    """
    return space_of_inputs({name: _optuna(name, found) for name, found in distributions.items()})


def from_ray_tune(param_space: Mapping[str, object]) -> Space:
    """Return the space of a Ray Tune `param_space`; a plain value in it is a constant.

    Raises:
        InputError: an entry is nested, a grid search, a function, a normal distribution, or quantised on a
            log scale.
    """
    return space_of_inputs({name: _ray(name, found) for name, found in param_space.items()})


def space_of_inputs(hyperparameters: Mapping[str, HyperparameterOfAnyKind]) -> Space:
    """Return the space of ConfigSpace's hyperparameters."""
    space = ConfigurationSpace()
    space.add(list(hyperparameters.values()))
    return Space.from_configspace(space)


def _optuna(name: str, distribution: Any) -> HyperparameterOfAnyKind:
    kinds = _class_names(distribution)
    if "CategoricalDistribution" in kinds:
        return choices_of(name, distribution.choices)
    if "IntDistribution" in kinds:
        if distribution.step != 1:
            return levels_from(name, distribution.low, distribution.high, distribution.step)
        return integer_range(name, distribution.low, distribution.high, is_log=distribution.log)
    if "FloatDistribution" in kinds:
        if distribution.step is not None:
            return levels_from(name, distribution.low, distribution.high, distribution.step)
        return float_range(name, distribution.low, distribution.high, is_log=distribution.log)
    raise InputError(f"{name} is a {type(distribution).__name__}, which is no distribution of Optuna")


def _ray(name: str, domain: Any) -> HyperparameterOfAnyKind:
    kinds = _class_names(domain)
    if "Domain" not in kinds:
        return _ray_constant(name, domain)
    if "Categorical" in kinds:
        return choices_of(name, domain.categories)
    if not kinds & {"Float", "Integer"}:
        raise InputError(
            f"{name} is a Ray Tune {type(domain).__name__}, which has no bounds to search within"
        )
    sampler = domain.get_sampler()
    quantum = None
    if "Quantized" in _class_names(sampler):
        sampler, quantum = sampler.get_sampler(), sampler.q
    samplers = _class_names(sampler)
    if not samplers & {"Uniform", "LogUniform"}:
        raise InputError(f"{name} is drawn by {type(sampler).__name__}; allowed are uniform and log-uniform")
    return _ray_range(name, domain, quantum=quantum, is_log="LogUniform" in samplers)


def _ray_range(name: str, domain: Any, *, quantum: float | None, is_log: bool) -> HyperparameterOfAnyKind:
    is_integer = "Integer" in _class_names(domain)
    if quantum is None or (is_integer and quantum == 1):
        if is_integer:
            return integer_range(
                name, domain.lower, domain.upper - 1, is_log=is_log
            )  # Ray's upper bound is exclusive
        return float_range(name, domain.lower, domain.upper, is_log=is_log)
    if is_log:
        raise InputError(
            f"{name} is quantised on a log scale, which has no counterpart here: leave the quantum out, "
            f"or list the values in an ordinal of ConfigSpace"
        )
    # Ray counts the multiples of the quantum, both bounds included; the slack is for quanta such as 0.1.
    first = math.ceil(domain.lower / quantum - 1e-9)
    last = math.floor(domain.upper / quantum + 1e-9)
    low, high = (grid_level(0, quantum, index) for index in (first, last))
    return levels_from(name, low, high, quantum)


def _ray_constant(name: str, value: object) -> HyperparameterOfAnyKind:
    if isinstance(value, Mapping):
        hint = "a grid search; write tune.choice" if "grid_search" in value else "nested; give it flat names"
        raise InputError(f"{name} is {hint}")
    if callable(value):
        raise InputError(
            f"{name} is a function, which has no bounds to search within; write a domain such as "
            f"tune.uniform(low, high), tune.randint(low, high) or tune.choice([...])"
        )
    return Constant(name, named_native(name, value))


def float_range(name: str, low: float, high: float, *, is_log: bool) -> HyperparameterOfAnyKind:
    """Return a range of floats; of one value, a constant.

    Raises:
        InputError: the bounds are not finite numbers in order, or not positive on a logarithmic scale.
    """
    if low == high:
        return Constant(name, float(low))
    _check_bounds(name, low, high, is_log=is_log)
    return Float(name, (float(low), float(high)), log=is_log)


def integer_range(name: str, low: int, high: int, *, is_log: bool) -> HyperparameterOfAnyKind:
    """Return a range of integers, both bounds included; of one value, a constant.

    Raises:
        InputError: the bounds are not in order, or not positive on a logarithmic scale.
    """
    if low == high:
        return Constant(name, int(low))
    _check_bounds(name, low, high, is_log=is_log)
    return Integer(name, (int(low), int(high)), log=is_log)


def levels_from(name: str, low: float, high: float, step: float) -> HyperparameterOfAnyKind:
    """Return low, low + step, ..., high as an ordinal."""
    if low == high:
        return Constant(name, low)
    _check_bounds(name, low, high, is_log=False)
    return OrdinalHyperparameter(name, grid(name, low, high, step))


def choices_of(name: str, choices: Any) -> HyperparameterOfAnyKind:
    """Return choices without an order.

    Raises:
        InputError: there are none, two are equal, or one is not a truth value, a number or a text.
    """
    values = [named_native(name, choice) for choice in choices]
    if not values:
        raise InputError(f"{name} has no choices; give it one or more")
    for index, value in enumerate(values):
        if value in values[:index]:
            earlier = values[values.index(value)]
            same = "twice" if repr(earlier) == repr(value) else f"and {value!r}, which Python takes for equal"
            raise InputError(f"{name} has the choice {earlier!r} {same}; choices must be all different")
    return CategoricalHyperparameter(name, values)


def _check_bounds(name: str, low: float, high: float, *, is_log: bool) -> None:
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise InputError(f"{name} goes from {low} to {high}; the bounds must be finite, the lower one first")
    if is_log and low <= 0:
        raise InputError(f"{name} is on a log scale, so its lower bound must be above 0, got {low}")


def _class_names(found: object) -> set[str]:
    return {kind.__name__ for kind in type(found).__mro__}
