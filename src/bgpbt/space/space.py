"""A search space as arrays and back.

Rows are configurations and columns the searched inputs, constants left out. Floats, integers and ordinals lie
in [0, 1] by their own transform, categories are indices, and an input that its conditions switch off is NaN.
Which inputs are active follows from the values of the others, so decoding ignores a column that is off.

ConfigSpace takes most of a second to import (it loads scipy.stats), so it is imported where a space is read.
"""

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bgpbt.arrays import Floats
from bgpbt.errors import InputError, NotInSpaceError
from bgpbt.records import Configuration, Value
from bgpbt.space.inputs import Categorical, Input, Ordered, as_searched, native
from bgpbt.streams import stream

if TYPE_CHECKING:
    from ConfigSpace import ConfigurationSpace

__all__ = ["Space"]


MOST_REJECTIONS = 10_000
"""Draws in a row that forbidden clauses may reject before sampling gives up."""


@dataclass(frozen=True, eq=False)
class Space:
    """The inputs of a ConfigSpace, in its order: parents of conditions first, then by name.

    Raises:
        InputError: an input is of a kind that cannot be searched, or nothing is left to search.
    """

    configuration_space: "ConfigurationSpace"
    inputs: tuple[Input, ...]
    constants: dict[str, Value]

    @classmethod
    def from_configspace(cls, configuration_space: "ConfigurationSpace") -> "Space":
        """Return the space of a ConfigSpace object, which must not be changed afterwards."""
        from bgpbt.space.configspace import inputs_and_constants

        return cls(configuration_space, *inputs_and_constants(configuration_space))

    @property
    def dimension(self) -> int:
        """Number of searched inputs."""
        return len(self.inputs)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the searched inputs, by column."""
        return tuple(item.name for item in self.inputs)

    @cached_property
    def is_categorical_d(self) -> npt.NDArray[np.bool_]:
        """Which columns are indices of choices without an order."""
        return np.array([isinstance(item, Categorical) for item in self.inputs])

    @cached_property
    def number_of_levels_d(self) -> npt.NDArray[np.int64]:
        """Number of levels or choices of each column; 0 where it is continuous."""
        return np.array([len(levels) for levels in self.levels_d])

    @cached_property
    def levels_d(self) -> tuple[Floats, ...]:
        """Coordinates of all levels or choices of each column; empty where it is continuous."""
        return tuple(_levels(item) for item in self.inputs)

    def encode(self, configurations: Sequence[Configuration]) -> Floats:
        """Return the coordinates of configurations: (n, d), NaN where an input is inactive."""
        x_nd = np.full((len(configurations), self.dimension), np.nan)
        for row, configuration in enumerate(configurations):
            for column, item in enumerate(self.inputs):
                if item.name in configuration:
                    x_nd[row, column] = item.coordinate(configuration[item.name])
        return x_nd

    def decode(self, x_nd: Floats) -> list[Configuration]:
        """Return the configurations at coordinates (n, d), hard bounds kept.

        An active input whose coordinate is NaN takes its default.
        """
        return [self._decode_row(x_d) for x_d in np.atleast_2d(x_nd)]

    def sample(self, n: int, rng: np.random.Generator) -> list[Configuration]:
        """Draw `n` legal configurations, uniform in the coordinates.

        Every input draws from a stream of its own, so that another input in the space changes no draw of
        this one, unless a clause forbids the combination.

        Raises:
            InputError: forbidden clauses reject nearly everything.
        """
        key = int(rng.integers(2**63))
        streams = {item.name: stream(key, item.name) for item in self.inputs}
        return [self._sample_one(streams) for _ in range(n)]

    def default(self) -> Configuration:
        """Return the default values."""
        return self._active_part(self._defaults())

    def completed(
        self, given: Configuration, *, source: str, likely: Callable[[str], str | None] | None = None
    ) -> Configuration:
        """Return the legal configuration with the values given and the default of every other active input.

        Args:
            given: values of some inputs, such as a user's own.
            source: where they stand, for people.
            likely: from an unknown name to the one that was probably meant, asked before similar names.

        Raises:
            NotInSpaceError: a name or a value is not allowed, or other values switch off an input that is
                given; the text begins with `source`.
        """
        for name, value in given.items():
            complaint = self.complaint(name, value, likely)
            if complaint is not None:
                raise NotInSpaceError(f"{source}: {complaint}")
        own = {item.name: as_searched(item, given[item.name]) for item in self.inputs if item.name in given}
        completed = self._active_part(self._defaults() | own)
        self.validate({**own, **completed}, source=source)
        return completed

    def is_legal(self, configuration: Configuration) -> bool:
        """Return whether the configuration is valid and no clause forbids it."""
        return self._complaint(configuration) is None

    def complaint(
        self, name: str, value: Value, likely: Callable[[str], str | None] | None = None
    ) -> str | None:
        """Return what is wrong with one value, wherever the values of others leave it active; None: nothing.

        Args:
            name: of an input or a constant.
            value: its value.
            likely: from an unknown name to the one that was probably meant, asked before similar names.
        """
        if name not in self.configuration_space:
            near = likely(name) if likely is not None else None
            near = near or next(
                iter(difflib.get_close_matches(name, list(self.configuration_space), n=1)), None
            )
            meant = f" (did you mean {near}?)" if near else ""
            return f"{name} is not in the space{meant}; it has {', '.join(self.configuration_space)}"
        if name in self.constants:
            constant = self.constants[name]
            return None if value == constant else f"{name} = {value!r} must be the constant {constant!r}"
        rule = self._inputs_by_name[name].complaint(value)
        return None if rule is None else f"{name} = {value!r} {rule}"

    def validate(self, configuration: Configuration, *, source: str) -> None:
        """Check a configuration that a user gives.

        Raises:
            NotInSpaceError: a name or a value is not allowed; the text begins with `source`.
        """
        complaint = self._complaint(configuration)
        if complaint is not None:
            raise NotInSpaceError(f"{source}: {complaint}")

    def _decode_row(self, x_d: Floats) -> Configuration:
        defaults = self.configuration_space
        values = {
            item.name: native(defaults[item.name].default_value) if np.isnan(x) else item.value(float(x))
            for item, x in zip(self.inputs, x_d, strict=True)
        }
        return self._active_part(values | self.constants)

    def _sample_one(self, streams: Mapping[str, np.random.Generator]) -> Configuration:
        for _ in range(MOST_REJECTIONS):
            values = {item.name: item.draw(streams[item.name]) for item in self.inputs}
            configuration = self._active_part(values | self.constants)
            if not self._is_forbidden(configuration):
                return configuration
        raise InputError(f"forbidden clauses rejected {MOST_REJECTIONS} configurations in a row")

    def _defaults(self) -> dict[str, Value]:
        """Return the default of every input and the constants, active or not."""
        return {name: native(h.default_value) for name, h in self.configuration_space.items()}

    def _active_part(self, values: dict[str, Value]) -> Configuration:
        """Return what the conditions leave active, in the order of the space."""
        from bgpbt.space.configspace import is_active

        active: dict[str, Value] = {}
        for name in self.configuration_space:
            if is_active(self.configuration_space, name, active):
                active[name] = values[name]
        return active

    def _is_forbidden(self, configuration: Configuration) -> bool:
        clauses = self.configuration_space.forbidden_clauses
        return any(clause.is_forbidden_value(dict(configuration)) for clause in clauses)

    def _complaint(self, configuration: Configuration) -> str | None:
        for name, value in configuration.items():
            complaint = self.complaint(name, value)
            if complaint is not None:
                return complaint
        return self._activity_complaint(configuration)

    @cached_property
    def _inputs_by_name(self) -> dict[str, Input]:
        return {item.name: item for item in self.inputs}

    def _activity_complaint(self, configuration: Configuration) -> str | None:
        from bgpbt.space.configspace import is_active, reason_for_being_off

        for name in self.configuration_space:
            is_on = is_active(self.configuration_space, name, configuration)
            if is_on and name not in configuration:
                return f"{name} is missing"
            if not is_on and name in configuration:
                off = reason_for_being_off(self.configuration_space, name, configuration)
                return f"{name} = {configuration[name]!r} is given, but {off}"
        return "a forbidden clause rules it out" if self._is_forbidden(configuration) else None


def _levels(item: Input) -> Floats:
    match item:
        case Ordered():
            return np.array(item.coordinates)
        case Categorical():
            return np.arange(len(item.choices), dtype=np.float64)
    return np.empty(0)
