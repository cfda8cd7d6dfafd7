"""Names that have moved to another module, kept in the old place for one version."""

import importlib
import warnings
from collections.abc import Callable, Collection, Mapping
from typing import Any

__all__ = ["moved"]


def moved(old_home: str, names_by_home: Mapping[str, Collection[str]]) -> Callable[[str], Any]:
    """Return the `__getattr__` of a module from which names have moved.

    It imports the new home when a name is asked for, so that the old one depends on nothing.

    Args:
        old_home: name of the module.
        names_by_home: from the name of another module to the names that are there now.
    """
    home_of = {name: home for home, names in names_by_home.items() for name in names}

    def get(name: str) -> Any:
        if name not in home_of:
            raise AttributeError(f"module {old_home!r} has no attribute {name!r}")
        home = home_of[name]
        warnings.warn(
            f"{old_home}.{name} is {home}.{name} now; the old name goes with the next version",
            DeprecationWarning,
            stacklevel=2,
        )
        return getattr(importlib.import_module(home), name)

    return get
