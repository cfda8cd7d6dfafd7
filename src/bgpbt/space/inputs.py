"""One searched input: its values, and their coordinates.

A float, integer or ordinal has a coordinate in [0, 1], through its own transform; a category is its index.
"""

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeAlias

import numpy as np

from bgpbt.errors import InputError
from bgpbt.records import Value

__all__ = [
    "LOG_COMPLEMENT",
    "MOST_LEVELS",
    "Categorical",
    "Continuous",
    "Input",
    "Ordered",
    "as_searched",
    "grid",
    "grid_level",
    "named_native",
    "native",
    "plain",
]


LOG_COMPLEMENT = "log_complement"
"""Value of a float's `meta["transform"]` that searches log(1 - x), as is natural for a discount."""

MOST_LEVELS = 4096
"""An integer with more values is searched as if it were continuous, and rounded."""

ROUNDING = 1e-9
"""Two numbers are one level if they differ by less than this share, as 0.3 and 3 times 0.1 do."""

MOST_SHOWN = 8
"""A message lists at most so many levels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Continuous:
    """A float, or an integer of very many values."""

    name: str
    low: float
    high: float
    transform: str = "linear"  # "linear", "log" or LOG_COMPLEMENT
    is_integer: bool = False

    def __post_init__(self) -> None:
        if self.transform == LOG_COMPLEMENT and not self.high < 1.0:
            raise InputError(
                f"{self.name} is searched as log(1 - x), so its upper bound must be below 1, got {self.high}"
            )
        if self.transform == "log" and not self.low > 0.0:
            raise InputError(
                f"{self.name} is searched as log(x), so its lower bound must be above 0, got {self.low}"
            )

    def coordinate(self, value: Value) -> float:
        """Return the position in [0, 1]."""
        low, high = self._warp(self.low), self._warp(self.high)
        position = (self._warp(float(value)) - low) / (high - low) if high != low else 0.0
        return min(max(position, 0.0), 1.0)

    def value(self, coordinate: float) -> Value:
        """Return the value at a position; outside [0, 1], the nearest bound."""
        if not 0.0 < coordinate < 1.0:  # the bounds come back exactly, whatever the transform rounds to
            bound = self.low if coordinate <= 0.0 else self.high
            return int(bound) if self.is_integer else bound
        low, high = self._warp(self.low), self._warp(self.high)
        return self._within(self._unwarp(low + coordinate * (high - low)))

    def draw(self, random: np.random.Generator) -> Value:
        """Draw a value, uniform in the coordinate; an integer k stands for all of [k - 1/2, k + 1/2]."""
        if not self.is_integer:
            return self.value(random.random())
        low, high = self._warp(self.low - 0.5), self._warp(self.high + 0.5)
        return self._within(self._unwarp(low + random.random() * (high - low)))

    def complaint(self, value: Value) -> str | None:
        """Return the rule that a value breaks."""
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            is_within = self.low <= value <= self.high  # also refuses NaN
            if is_within and (not self.is_integer or value == int(value)):
                return None
        kind = "a whole number" if self.is_integer else "a number"
        return f"must be {kind} from {self.low:g} to {self.high:g}"

    def _within(self, value: float) -> Value:
        """Return the value that the bounds allow: rounding must not leave them."""
        value = min(max(value, self.low), self.high)
        return round(value) if self.is_integer else value

    def _warp(self, value: float) -> float:
        if self.transform == "log":
            return math.log(value)
        return math.log1p(-value) if self.transform == LOG_COMPLEMENT else value

    def _unwarp(self, warped: float) -> float:
        if self.transform == "log":
            return math.exp(warped)
        return -math.expm1(warped) if self.transform == LOG_COMPLEMENT else warped


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered:
    """An integer or an ordinal: levels in order, each with its position."""

    name: str
    levels: tuple[Value, ...]
    coordinates: tuple[float, ...]  # in [0, 1], ascending
    probabilities: tuple[float, ...]  # of a draw

    def coordinate(self, value: Value) -> float:
        """Return the position in [0, 1] of a level."""
        return self.coordinates[_index(self.name, self.levels, value)]

    def level(self, value: Value) -> Value:
        """Return the level that a value is, but for rounding.

        Raises:
            InputError: it is none of them.
        """
        return self.levels[_index(self.name, self.levels, value)]

    def value(self, coordinate: float) -> Value:
        """Return the level nearest to a position; outside [0, 1], the nearest bound."""
        distance_l = np.abs(np.asarray(self.coordinates) - min(max(coordinate, 0.0), 1.0))
        return self.levels[int(np.argmin(distance_l))]

    def draw(self, random: np.random.Generator) -> Value:
        """Draw a level by its probability."""
        return self.levels[_draw_index(self.probabilities, random)]

    def complaint(self, value: Value) -> str | None:
        """Return the rule that a value breaks."""
        if _is_one_of(self.levels, value):
            return None
        shown = [f"{level!r}" for level in self.levels]
        if len(shown) > MOST_SHOWN:
            shown = [*shown[:3], "...", shown[-1]]
        return f"must be one of {', '.join(shown)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Categorical:
    """Choices without an order."""

    name: str
    choices: tuple[Value, ...]
    probabilities: tuple[float, ...]  # of a draw

    def coordinate(self, value: Value) -> float:
        """Return the index of a choice."""
        return float(_index(self.name, self.choices, value))

    def value(self, coordinate: float) -> Value:
        """Return the choice of the nearest index."""
        return self.choices[round(min(max(coordinate, 0.0), len(self.choices) - 1.0))]

    def draw(self, random: np.random.Generator) -> Value:
        """Draw a choice by its probability."""
        return self.choices[_draw_index(self.probabilities, random)]

    def complaint(self, value: Value) -> str | None:
        """Return the rule that a value breaks."""
        if _is_one_of(self.choices, value):
            return None
        return f"must be one of {', '.join(repr(choice) for choice in self.choices)}"


Input: TypeAlias = Continuous | Ordered | Categorical


def as_searched(item: Input, value: Value) -> Value:
    """Return an allowed value as a draw would have it: the level or choice it equals, a float for a float."""
    match item:
        case Ordered():
            return item.level(value)
        case Categorical():
            return item.value(item.coordinate(value))
    return int(value) if item.is_integer else float(value)


def native(value: object) -> Value:
    """Return a NumPy scalar as the Python value it stands for.

    Raises:
        InputError: it is not a truth value, a number or a text.
    """
    known = plain(value)
    if not isinstance(known, (bool, int, float, str)):
        text = "none" if known is None else str(known)
        raise InputError(
            f"{known!r} is a {type(known).__name__}; values are bool, int, float or str: "
            f"write a text such as {text!r}, which the trainer reads"
        )
    return known


def named_native(name: str, value: object) -> Value:
    """Return what `native` does.

    Raises:
        InputError: it is not a truth value, a number or a text; the message begins with the input's name.
    """
    try:
        return native(value)
    except InputError as error:
        raise InputError(f"{name}: {error}") from error


def plain(value: Any) -> Any:
    """Return NumPy's numbers and arrays as Python's, and all else as it is."""
    return value.tolist() if isinstance(value, (np.generic, np.ndarray)) else value


def grid(name: str, low: float, high: float, step: float) -> list[float]:
    """Return low, low + step, ..., high.

    Raises:
        InputError: these are too many values.
    """
    count = round((high - low) / step) + 1
    if count > MOST_LEVELS:
        raise InputError(f"{name} is a grid of {count} values; at most {MOST_LEVELS} are allowed")
    return [min(grid_level(low, step, index), high) for index in range(count)]


def grid_level(low: float, step: float, index: int) -> float:
    """Return low + index step as it is written in decimals: 0.3, where binary floats add up to 0.30...04."""
    if isinstance(low, int) and isinstance(step, int):
        return low + index * step
    return float(Decimal(str(low)) + index * Decimal(str(step)))


def _draw_index(probabilities: tuple[float, ...], random: np.random.Generator) -> int:
    edges = np.cumsum(probabilities)[:-1]
    return int(np.searchsorted(edges, random.random(), side="right"))


def _is_one_of(values: tuple[Value, ...], value: Value) -> bool:
    return _find(values, value) is not None


def _index(name: str, values: tuple[Value, ...], value: Value) -> int:
    """Return the index of a value.

    Raises:
        InputError: it is none of them.
    """
    index = _find(values, value)
    if index is None:
        raise InputError(f"{name} = {value!r} is none of its {len(values)} values")
    return index


def _find(values: tuple[Value, ...], value: Value) -> int | None:
    """Return the index of the value that is equal or, if none is, of one that differs by rounding alone."""
    for is_same in (_is_equal, _is_rounded):
        for index, known in enumerate(values):
            if is_same(known, value):
                return index
    return None


def _is_equal(known: Value, value: Value) -> bool:
    """Return whether two values are equal; True is not 1, while 2.0 is 2."""
    return known == value and isinstance(known, bool) == isinstance(value, (bool, np.bool_))


def _is_rounded(known: Value, value: Value) -> bool:
    """Return whether two numbers, of which one is a float, are equal but for rounding."""
    numbers = (int, float)
    if isinstance(known, bool) or not isinstance(known, numbers) or not isinstance(value, numbers):
        return False
    is_float = isinstance(known, float) or isinstance(value, float)
    return is_float and not isinstance(value, bool) and math.isclose(known, value, rel_tol=ROUNDING)
