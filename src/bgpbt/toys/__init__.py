"""Toy tasks that separate strategies in seconds: trainers like any other, NumPy only."""

from collections.abc import Callable, Mapping

from bgpbt.errors import InputError
from bgpbt.toys.checkpoints import MemoryCheckpoints
from bgpbt.toys.deceptive import deceptive
from bgpbt.toys.mixed import mixed
from bgpbt.toys.plain import plain
from bgpbt.toys.shapes import shapes
from bgpbt.toys.toy import HORIZON, Toy

__all__ = ["HORIZON", "MemoryCheckpoints", "Toy", "make_toy", "toy_names"]

_TOYS: Mapping[str, Callable[[], Toy]] = {
    "plain": plain,
    "deceptive": deceptive,
    "mixed": mixed,
    "shapes": shapes,
}


def toy_names() -> tuple[str, ...]:
    """Return the names of all toy tasks."""
    return tuple(_TOYS)


def make_toy(name: str) -> Toy:
    """Return a toy task by name.

    Raises:
        InputError: there is no such toy.
    """
    if name not in _TOYS:
        raise InputError(f"there is no toy task {name!r}; there are {', '.join(_TOYS)}")
    return _TOYS[name]()
