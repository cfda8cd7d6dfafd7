"""What a Tune experiment searches: a space, and where in a trial's nested configuration its inputs stand.

The scheduler's arguments describe it in Ray's form. An input inside of a nested mapping has its path as its
name, joined by slashes as in Ray's tables: `train_loop_config/lr`.
"""

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bgpbt.errors import InputError
from bgpbt.ray.domains import domain_of_bounds, domain_of_mutation
from bgpbt.records import Configuration, Value
from bgpbt.space import Space, from_ray_tune
from bgpbt.space.inputs import ROUNDING, Continuous, Input, Ordered, native

__all__ = ["Searched", "searched_of"]

Path = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Searched:
    """A space and the paths of its inputs and constants, by name."""

    space: Space
    paths: Mapping[str, Path]

    def values(self, config: Mapping[str, Any]) -> Configuration:
        """Return the searched values of a trial's configuration as they stand, NumPy's numbers as Python's.

        Raises:
            InputError: one is not a truth value, a number or a text.
        """
        found: dict[str, Value] = {}
        for name, path in self.paths.items():
            value = _at(config, path)
            if value is not None:
                found[name] = _plain(name, value)
        return found

    def nearest(self, config: Mapping[str, Any], *, source: str) -> Configuration:
        """Return the values of the space that are nearest to those of a trial's configuration.

        They differ where a user's function chose a value that the space does not have.

        Raises:
            InputError: a value has none that is near to it; the text begins with `source`.
        """
        found = self.values(config)
        nearest = {
            item.name: _nearest(item, found[item.name]) for item in self.space.inputs if item.name in found
        }
        self._check(nearest, source)
        return self._active(nearest, source)

    def begin(self, config: Mapping[str, Any], rng: np.random.Generator, *, source: str) -> Configuration:
        """Return the values that a trial begins with: its own, and a draw for each that it does not have.

        Raises:
            InputError: a value of its own is not allowed; the text begins with `source`.
        """
        (drawn,) = self.space.sample(1, rng)
        items = {item.name: item for item in self.space.inputs}
        own = {
            name: _without_rounding(items[name], value) if name in items else value
            for name, value in self.values(config).items()
        }
        self._check(own, source)
        known = {**drawn, **own}
        for name, item in items.items():  # what conditions left out of the draw, these values may switch on
            if name not in known:
                known[name] = item.draw(rng)
        return self._active(known, source)

    def write(self, config: Mapping[str, Any], values: Configuration) -> dict[str, Any]:
        """Return a copy of a trial's configuration with these values and no other searched ones."""
        written = dict(config)
        for name, path in self.paths.items():
            _put(written, path, values.get(name), is_present=name in values)
        return written

    def _check(self, values: Configuration, source: str) -> None:
        """Refuse a value that an input or a constant does not have, be it active or not."""
        for item in self.space.inputs:
            rule = item.complaint(values[item.name]) if item.name in values else None
            if rule is not None:
                raise InputError(f"{source}: {item.name} = {values[item.name]!r} {rule}")
        for name, constant in self.space.constants.items():
            if name in values and values[name] != constant:
                raise InputError(f"{source}: {name} = {values[name]!r} must be the constant {constant!r}")

    def _active(self, known: Configuration, source: str) -> Configuration:
        """Return what the conditions leave on; an active input that is not known takes its default."""
        inputs = {name: known[name] for name in self.space.names if name in known}
        (active,) = self.space.decode(self.space.encode([inputs]))
        values = {name: known.get(name, value) for name, value in active.items()}
        self.space.validate(values, source=source)
        return values


def searched_of(
    bounds: Mapping[str, Any] | Space, mutations: Mapping[str, Any] | Space, config: Mapping[str, Any] | None
) -> Searched:
    """Return what the scheduler's arguments describe.

    Args:
        bounds: `hyperparam_bounds`, with nested mappings where the configuration has them.
        mutations: `hyperparam_mutations`; a space of our own may stand in place of either or of a mapping.
        config: of a trial, whose own values say which numbers are integers; None: there is none yet.

    Raises:
        InputError: an entry cannot be searched.
    """
    domains: dict[str, Any] = {}
    paths: dict[str, Path] = {}
    spaces: dict[Path, Space] = {}
    for argument, described in (("hyperparam_bounds", bounds), ("hyperparam_mutations", mutations)):
        make = domain_of_bounds if argument == "hyperparam_bounds" else domain_of_mutation
        for path, entry in _leaves(argument, described, ()):
            if isinstance(entry, Space):
                spaces[path] = entry
                continue
            name = "/".join(path)
            if name in paths:
                raise InputError(f"{argument}: {name} is given twice; leave one out")
            paths[name] = path
            domains[name] = make(name, entry, _at(config, path))
    if not domains and not spaces:
        raise InputError("hyperparam_bounds or hyperparam_mutations must name what is searched")
    if not spaces:
        return Searched(space=from_ray_tune(domains), paths=paths)
    return _with_spaces(domains, paths, spaces)


def _with_spaces(
    domains: Mapping[str, Any], paths: dict[str, Path], spaces: Mapping[Path, Space]
) -> Searched:
    from ConfigSpace import ConfigurationSpace

    whole = ConfigurationSpace()
    if domains:
        whole.add(list(from_ray_tune(domains).configuration_space.values()))
    for prefix, space in spaces.items():
        for name in space.configuration_space:
            path = "/".join((*prefix, name))
            if path in paths:
                raise InputError(f"{path} is given twice; leave one out")
            paths[path] = (*prefix, name)
        described = copy.deepcopy(space.configuration_space)  # ConfigSpace renames what it takes in
        if not prefix:
            whole.add(list(described.values()))
            whole.add(list(described.conditions))
            whole.add(list(described.forbidden_clauses))
        else:
            whole.add_configuration_space("/".join(prefix), described, delimiter="/")
    return Searched(space=Space.from_configspace(whole), paths=paths)


def _leaves(argument: str, described: Any, prefix: Path) -> list[tuple[Path, Any]]:
    """Return path and entry of all that is described, nested mappings opened."""
    if isinstance(described, Space):
        return [(prefix, described)]
    if not isinstance(described, Mapping):
        raise InputError(f"{argument} = {described!r} must be a mapping of names or a Space")
    found: list[tuple[Path, Any]] = []
    for name, entry in described.items():
        if not isinstance(name, str):
            raise InputError(f"{argument}: the name {name!r} must be a text")
        path = (*prefix, name)
        is_nested = isinstance(entry, Mapping | Space) and not _is_grid_search(entry)
        found.extend(_leaves(argument, entry, path) if is_nested else [(path, entry)])
    return found


def _is_grid_search(entry: Any) -> bool:
    return isinstance(entry, Mapping) and set(entry) == {"grid_search"}


def _at(config: Mapping[str, Any] | None, path: Path) -> Any:
    """Return what stands at a path; None if nothing does."""
    place: Any = config
    for key in path:
        if not isinstance(place, Mapping) or key not in place:
            return None
        place = place[key]
    return place


def _put(config: dict[str, Any], path: Path, value: Value | None, *, is_present: bool) -> None:
    """Set or remove what stands at a path, in copies of the mappings that it leads through."""
    place = config
    for key in path[:-1]:
        inner = place.get(key)
        if inner is None and not is_present:
            return
        place[key] = dict(inner) if isinstance(inner, Mapping) else {}
        place = place[key]
    if is_present:
        place[path[-1]] = value
    else:
        place.pop(path[-1], None)


def _plain(name: str, value: object) -> Value:
    # A float32 has about seven digits; the shortest text that names it is the number that was meant.
    found = float(str(value)) if isinstance(value, np.floating) else value
    try:
        return native(found)
    except InputError as error:
        raise InputError(f"{name}: {error}") from error


def _without_rounding(item: Input, value: Value) -> Value:
    """Return the level or the bound that a value is, but for rounding, or else the value."""
    match item:
        case Ordered():
            return value if item.complaint(value) else item.level(value)
        case Continuous() if isinstance(value, int | float) and not isinstance(value, bool):
            for bound in (item.low, item.high):
                if math.isclose(value, bound, rel_tol=ROUNDING):
                    value = int(bound) if item.is_integer else bound
    return value


def _nearest(item: Input, value: Value) -> Value:
    """Return the value of an input that is nearest to a number; of a text or truth value, the same."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    match item:
        case Continuous() if is_number:
            bounded = min(max(float(value), item.low), item.high)
            return round(bounded) if item.is_integer else bounded
        case Ordered() if is_number and item.complaint(value):
            numbers = [level for level in item.levels if not isinstance(level, str | bool)]
            return min(numbers, key=lambda level: abs(level - float(value)), default=value)
    return _without_rounding(item, value)
