"""Toy tasks that separate strategies in seconds: trainers like any other, NumPy only."""

import importlib
from typing import cast

from bgpbt.errors import InputError
from bgpbt.toys.checkpoints import MemoryCheckpoints
from bgpbt.toys.toy import HORIZON, Toy

__all__ = ["HORIZON", "MemoryCheckpoints", "Toy", "make_toy", "toy_names"]

_NAMES = ("plain", "deceptive", "mixed", "shapes")
"""Each is a module with a function of that name, imported when it is made, since it needs ConfigSpace."""


def toy_names() -> tuple[str, ...]:
    """Return the names of all toy tasks."""
    return _NAMES


def make_toy(name: str) -> Toy:
    """Return a toy task by name.

    Raises:
        InputError: there is no such toy.
    """
    if name not in _NAMES:
        raise InputError(f"there is no toy task {name!r}; there are {', '.join(_NAMES)}")
    return cast(Toy, getattr(importlib.import_module(f"bgpbt.toys.{name}"), name)())
