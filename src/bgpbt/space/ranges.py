"""A space as a plain dictionary: `{"learning_rate": (1e-4, 1e-2, "log"), "optimizer": ["adam", "sgd"]}`."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, TypeAlias

from ConfigSpace import Constant, Float, OrdinalHyperparameter

from bgpbt.errors import InputError, shown
from bgpbt.records import Value
from bgpbt.space.conversions import (
    HyperparameterOfAnyKind,
    choices_of,
    float_range,
    integer_range,
    space_of_inputs,
)
from bgpbt.space.inputs import LOG_COMPLEMENT, named_native, plain
from bgpbt.space.space import Space

__all__ = ["Range", "from_ranges"]

Range: TypeAlias = tuple[Any, ...] | list[Any] | Value
"""`(low, high)` with a scale or without, a list of values, or one value that is not searched."""

SCALES = ("linear", "log", LOG_COMPLEMENT)

_FORMS = '(low, high), (low, high, "log"), or a list of values'


def from_ranges(ranges: Mapping[str, Range]) -> Space:
    """Return the space of a dictionary of ranges, by name.

    A tuple is a range with both its bounds in it: of integers if both are integers, of floats otherwise. Its
    third item is the scale: `linear`, `log`, or `log_complement`, which is the logarithm of 1 - x. A list
    holds values: levels in order if they are ascending numbers, choices otherwise. One value is a constant.

    Raises:
        InputError: there is nothing to search, or a range is none of these; the text begins with its name.
    """
    for name in ranges:
        if not isinstance(name, str) or not name:
            raise InputError(f"the name {shown(name)} must be a text")
    return space_of_inputs({name: _input(name, plain(found)) for name, found in ranges.items()})


def _input(name: str, found: Any) -> HyperparameterOfAnyKind:
    if isinstance(found, tuple):
        return _range(name, found)
    if isinstance(found, list):
        return _listed(name, found)
    if isinstance(found, Value):
        return Constant(name, found)
    raise InputError(f"{name} = {shown(found)} must be {_FORMS}")


def _range(name: str, found: tuple[Any, ...]) -> HyperparameterOfAnyKind:
    bounds, scale = [plain(bound) for bound in found[:2]], found[2] if len(found) == 3 else "linear"
    is_numbers = all(isinstance(bound, int | float) and not isinstance(bound, bool) for bound in bounds)
    if len(found) not in (2, 3) or not is_numbers:
        raise InputError(f"{name} = {shown(found)} must be {_FORMS}")
    if scale not in SCALES:
        raise InputError(f"{name}: the scale {shown(scale)} must be {', '.join(SCALES[:-1])} or {SCALES[-1]}")
    low, high = bounds
    if scale == LOG_COMPLEMENT:
        checked = float_range(name, low, high, is_log=False)
        if isinstance(checked, Constant):
            return checked
        return Float(name, (float(low), float(high)), meta={"transform": LOG_COMPLEMENT})
    make = integer_range if all(isinstance(bound, int) for bound in bounds) else float_range
    return make(name, low, high, is_log=scale == "log")


def _listed(name: str, found: list[Any]) -> HyperparameterOfAnyKind:
    values = [named_native(name, value) for value in found]
    if len(values) == 3 and values[2] in SCALES and not any(isinstance(value, str) for value in values[:2]):
        raise InputError(
            f"{name} = {shown(found)} is a list of values; write a range as a tuple, in round brackets"
        )
    is_numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    if len(values) > 1 and is_numbers and all(low < high for low, high in pairwise(values)):  # type: ignore[operator]
        return OrdinalHyperparameter(name, values)
    return choices_of(name, values)
