"""One searched input: its values, and their coordinates.

A float, integer or ordinal has a coordinate in [0, 1], through its own transform; a category is its index.
"""

import math
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from ConfigSpace.hyperparameters import (
    CategoricalHyperparameter,
    Hyperparameter,
    OrdinalHyperparameter,
    UniformFloatHyperparameter,
    UniformIntegerHyperparameter,
)

from bgpbt.errors import InputError
from bgpbt.records import Value

__all__ = ["LOG_COMPLEMENT", "Categorical", "Continuous", "Input", "Ordered", "input_of", "native"]

Floats = npt.NDArray[np.float64]

LOG_COMPLEMENT = "log_complement"
"""Value of a float's `meta["transform"]` that searches log(1 - x), as is natural for a discount."""

MOST_LEVELS = 4096
"""An integer with more values is searched as if it were continuous, and rounded."""


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

    def coordinate(self, value: Value) -> float:
        """Return the position in [0, 1]."""
        low, high = self._warp(self.low), self._warp(self.high)
        position = (self._warp(float(value)) - low) / (high - low) if high != low else 0.0
        return min(max(position, 0.0), 1.0)

    def value(self, coordinate: float) -> Value:
        """Return the value at a position; outside [0, 1], the nearest bound."""
        position = min(max(coordinate, 0.0), 1.0)
        low, high = self._warp(self.low), self._warp(self.high)
        value = self._unwarp(low + position * (high - low))
        value = min(max(value, self.low), self.high)  # rounding must not leave the bounds
        return round(value) if self.is_integer else value

    def draw(self, random: np.random.Generator) -> Value:
        """Draw a value, uniform in the coordinate."""
        return self.value(random.random())

    def complaint(self, value: Value) -> str | None:
        """Return the rule that a value breaks."""
        kind = "a whole number" if self.is_integer else "a number"
        if isinstance(value, (bool, str)) or (self.is_integer and value != int(value)):
            return f"must be {kind} from {self.low:g} to {self.high:g}"
        if not self.low <= value <= self.high:  # also refuses NaN
            return f"must be {kind} from {self.low:g} to {self.high:g}"
        return None

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

    def coordinate(self, value: Value) -> float:
        """Return the position in [0, 1] of a level."""
        return self.coordinates[self.levels.index(value)]

    def value(self, coordinate: float) -> Value:
        """Return the level nearest to a position."""
        distance_l = np.abs(np.asarray(self.coordinates) - coordinate)
        return self.levels[int(np.argmin(distance_l))]

    def draw(self, random: np.random.Generator) -> Value:
        """Draw a level; of a log-scaled integer in proportion to the stretch nearest to it."""
        edges = (np.asarray(self.coordinates[1:]) + np.asarray(self.coordinates[:-1])) / 2.0
        return self.levels[int(np.searchsorted(edges, random.random()))]

    def complaint(self, value: Value) -> str | None:
        """Return the rule that a value breaks."""
        if not isinstance(value, bool) and value in self.levels:
            return None
        shown = [f"{level}" for level in self.levels]
        if len(shown) > 8:
            shown = [*shown[:3], "...", shown[-1]]
        return f"must be one of {', '.join(shown)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Categorical:
    """Choices without an order."""

    name: str
    choices: tuple[Value, ...]
    probabilities: tuple[float, ...]

    def coordinate(self, value: Value) -> float:
        """Return the index of a choice."""
        return float(_index(self.choices, value))

    def value(self, coordinate: float) -> Value:
        """Return the choice of the nearest index."""
        return self.choices[int(min(max(round(coordinate), 0), len(self.choices) - 1))]

    def draw(self, random: np.random.Generator) -> Value:
        """Draw a choice by its probability."""
        edges = np.cumsum(self.probabilities)[:-1]
        return self.choices[int(np.searchsorted(edges, random.random(), side="right"))]

    def complaint(self, value: Value) -> str | None:
        """Return the rule that a value breaks."""
        if _index(self.choices, value) >= 0:
            return None
        return f"must be one of {', '.join(repr(choice) for choice in self.choices)}"


Input: TypeAlias = Continuous | Ordered | Categorical


def input_of(hyperparameter: Hyperparameter[Any]) -> Input:
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
            levels = tuple(native(level) for level in hyperparameter.sequence)
            coordinates = tuple(float(x) for x in np.linspace(0.0, 1.0, len(levels)))
            return Ordered(name=hyperparameter.name, levels=levels, coordinates=coordinates)
        case CategoricalHyperparameter():
            return Categorical(
                name=hyperparameter.name,
                choices=tuple(native(choice) for choice in hyperparameter.choices),
                probabilities=tuple(float(p) for p in hyperparameter.probabilities),
            )
    raise InputError(
        f"{hyperparameter.name} is a {type(hyperparameter).__name__}; "
        f"allowed are uniform floats and integers, ordinals, categoricals and constants"
    )


def native(value: object) -> Value:
    """Return a NumPy scalar as the Python value it stands for.

    Raises:
        InputError: it is not a truth value, a number or a text.
    """
    plain = value.item() if isinstance(value, np.generic) else value
    if not isinstance(plain, (bool, int, float, str)):
        raise InputError(f"{plain!r} is a {type(plain).__name__}; values are bool, int, float or str")
    return plain


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
    coordinates = tuple(scale.coordinate(level) for level in levels)
    return Ordered(name=hyperparameter.name, levels=levels, coordinates=coordinates)


def _index(choices: tuple[Value, ...], value: Value) -> int:
    """Return a choice's index, telling True from 1; -1 if it is none."""
    same = (i for i, choice in enumerate(choices) if choice == value and type(choice) is type(value))
    return next(same, -1)
