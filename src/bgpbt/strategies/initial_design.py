"""The initial design: the configurations that a user gives, then random ones.

Given configurations take the first slots. They fill half of the design at most, so that the search is not
confined to what is known, unless there are enough to fill all of it. The random ones are those that the same
slots have without any given: whether a user gives some changes no draw.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bgpbt.errors import InputError, shown
from bgpbt.records import Configuration, ProposalSource
from bgpbt.space import Space
from bgpbt.space.inputs import named_native
from bgpbt.streams import stream

__all__ = ["Designed", "completed_start", "initial_design", "plain_start", "start_remarks", "used_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Designed:
    """One configuration of the initial design."""

    configuration: Configuration
    source: ProposalSource
    note: str = ""  # for people


def initial_design(
    space: Space, start: Sequence[Configuration], initial: int, seed: int
) -> tuple[Designed, ...]:
    """Return the configurations of a run's first round, by slot.

    Args:
        space: to draw from.
        start: configurations of a user's, of which each may name some inputs only.
        initial: how many configurations the design has.
        seed: of the run.

    Raises:
        InputError: a given configuration is not in the space.
    """
    given = completed_start(space, start)[: used_of(len(start), initial)]
    drawn = space.sample(initial, stream(seed, 0, "initial design"))
    return tuple(
        Designed(
            configuration=configuration, source=ProposalSource.GIVEN, note=_note(space, own, configuration)
        )
        for own, configuration in zip(start, given, strict=False)
    ) + tuple(
        Designed(configuration=configuration, source=ProposalSource.RANDOM)
        for configuration in drawn[len(given) :]
    )


def used_of(given: int, initial: int) -> int:
    """Return how many of so many given configurations have a place in the initial design."""
    return initial if given >= initial else min(given, initial // 2)


def start_remarks(space: Space, start: Sequence[Configuration], initial: int) -> tuple[str, ...]:
    """Return lines for people: what of the given configurations is not used, and what they leave to defaults.

    Raises:
        InputError: a given configuration is not in the space.
    """
    completed = completed_start(space, start)
    used = used_of(len(start), initial)
    lines = []
    if used < len(start):
        why = "they fill" if used == initial else "given ones fill at most half, or all, of"
        lines.append(
            f"start: the first {used} of {len(start)} configurations are used; {why} the initial design of "
            f"{initial}"
        )
    defaults: dict[str, list[int]] = {}
    for number, (own, configuration) in enumerate(zip(start[:used], completed, strict=False), start=1):
        taken = ", ".join(f"{name} = {configuration[name]!r}" for name in _missing(space, own, configuration))
        if taken:
            defaults.setdefault(taken, []).append(number)
    lines += [
        f"start: configuration {', '.join(map(str, numbers))} of {len(start)} takes defaults: {taken}"
        for taken, numbers in defaults.items()
    ]
    return tuple(lines)


def completed_start(space: Space, start: Sequence[Configuration]) -> list[Configuration]:
    """Return given configurations with the defaults of what they do not name.

    Raises:
        InputError: one is not in the space; the text says which.
    """
    return [space.completed(own, source=f"start[{index}]") for index, own in enumerate(start)]


def plain_start(start: object) -> tuple[Configuration, ...]:
    """Return given configurations as plain values, NumPy's scalars among them.

    Raises:
        InputError: it is not a sequence of mappings from names to values.
    """
    if isinstance(start, Mapping | str) or not isinstance(start, Sequence):
        raise InputError(f"start = {shown(start)} must be a sequence of configurations")
    return tuple(_plain(index, configuration) for index, configuration in enumerate(start))


def _plain(index: int, configuration: object) -> Configuration:
    if not isinstance(configuration, Mapping):
        raise InputError(f"start[{index}] = {shown(configuration)} must be a mapping of names to values")
    return {
        str(name): named_native(f"start[{index}]: {name}", value) for name, value in configuration.items()
    }


def _missing(space: Space, own: Configuration, completed: Configuration) -> list[str]:
    """Return the inputs that took their defaults; constants have but one value."""
    return [name for name in completed if name not in own and name not in space.constants]


def _note(space: Space, own: Configuration, completed: Configuration) -> str:
    missing = _missing(space, own, completed)
    return f"defaults: {', '.join(missing)}" if missing else ""
