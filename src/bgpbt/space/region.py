"""A region of a space around one configuration, to search near settings that are known to work.

Each number keeps a share of its range, measured in the coordinates that are searched: a quarter of a range
from 1e-5 to 1e-1 on a logarithmic scale is one decade. Categories keep all their choices.
"""

from collections.abc import Mapping
from typing import Any

from ConfigSpace import ConfigurationSpace

from bgpbt.errors import InputError
from bgpbt.records import Configuration, Value
from bgpbt.space.architectures import names_in
from bgpbt.space.inputs import ROUNDING, Categorical, Continuous, Input, Ordered
from bgpbt.space.space import Space

__all__ = ["AROUND_SHARE", "around", "is_part_of"]

AROUND_SHARE = 0.25
"""Of each range, that a region keeps if nothing else is said."""

LEAST_SHARE = 0.01
"""A smaller share of a range would be a constant in all but name."""


def around(
    space: Space, configuration: Configuration, share: float = AROUND_SHARE, *, source: str = "configuration"
) -> Space:
    """Return the part of a space that lies around a configuration, whose values become the defaults.

    The values are in the middle of the new ranges; near a bound the range is moved, so that it keeps its
    length. Of levels in order, the neighbours of the value stay at least. An input that has no value here, or
    that a condition or a forbidden clause of the space depends on, keeps its range.

    Args:
        space: to take a part of.
        configuration: values of some inputs or of all.
        share: of each range that is kept, from 0.01 to 1.
        source: where the configuration stands, for people.

    Raises:
        InputError: the share is not allowed, or the configuration is not in the space.
    """
    if not LEAST_SHARE <= share <= 1.0:
        raise InputError(f"share = {share!r} must be from {LEAST_SHARE} to 1, of each range")
    completed = space.completed(configuration, source=source)
    described = space.configuration_space.to_serialized_dict()
    narrowed = {name for name in configuration if name in completed} - _named_by_clauses(space, described)
    items = {item.name: item for item in space.inputs if item.name in completed}
    hyperparameters = [
        described_input
        if (item := items.get(described_input["name"])) is None
        else _moved(described_input, item, completed[item.name], share if item.name in narrowed else 1.0)
        for described_input in described["hyperparameters"]
    ]
    part = {**described, "hyperparameters": hyperparameters}
    return Space.from_configspace(ConfigurationSpace.from_serialized_dict(part))


def is_part_of(part: Space, whole: Space) -> bool:
    """Return whether a space has the inputs of another one, each on its scale with some of its values."""
    others = {item.name: item for item in whole.inputs}
    return (
        part.constants == whole.constants
        and set(part.names) == set(others)
        and all(_is_within(item, others[item.name]) for item in part.inputs)
    )


def _is_within(item: Input, other: Input) -> bool:
    if isinstance(item, Continuous):
        return (
            isinstance(other, Continuous)
            and (item.transform, item.is_integer) == (other.transform, other.is_integer)
            and other.low <= item.low
            and item.high <= other.high
        )
    if isinstance(other, Continuous) and not other.is_integer:
        return False
    is_same_kind = isinstance(item, Categorical) == isinstance(other, Categorical)
    values = item.choices if isinstance(item, Categorical) else item.levels
    return is_same_kind and not any(other.complaint(value) for value in values)


def _named_by_clauses(space: Space, described: Mapping[str, Any]) -> set[str]:
    """Return the inputs whose values conditions and forbidden clauses name, and which must keep these."""
    parents = {parent.name for found in space.configuration_space.parents_of.values() for parent in found}
    return parents.union(*(names_in(clause) for clause in described["forbiddens"]))


def _moved(described: Mapping[str, Any], item: Input, value: Value, share: float) -> dict[str, Any]:
    """Return an input in ConfigSpace's serialised form with a default, and a share of its range around it."""
    moved = {**described, "default_value": value}
    if isinstance(item, Categorical) or share == 1.0:
        return moved
    low = min(max(item.coordinate(value) - share / 2.0, 0.0), 1.0 - share)
    if isinstance(item, Continuous):
        return moved | _ends(item, value, item.value(low), item.value(low + share))
    levels = _levels_between(item, value, low, low + share)
    if "sequence" in described:
        return moved | {"sequence": levels}
    return moved | {"lower": levels[0], "upper": levels[-1]}


def _ends(item: Continuous, value: Any, low: Any, high: Any) -> dict[str, Any]:
    """Return bounds; those of an integer leave it a neighbour on each side, where it has one."""
    margin = 1 if item.is_integer else 0
    lower, upper = min(low, value - margin), max(high, value + margin)
    return {"lower": max(lower, type(lower)(item.low)), "upper": min(upper, type(upper)(item.high))}


def _levels_between(item: Ordered, value: Value, low: float, high: float) -> list[Value]:
    """Return the levels in an interval of coordinates, the value and its neighbours among them."""
    here = item.levels.index(value)
    return [
        level
        for index, (level, coordinate) in enumerate(zip(item.levels, item.coordinates, strict=True))
        if abs(index - here) <= 1 or low - ROUNDING <= coordinate <= high + ROUNDING
    ]
