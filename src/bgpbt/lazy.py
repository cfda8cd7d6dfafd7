"""Names that a package imports only when they are used, since what they need takes long to import."""

import importlib
from collections.abc import Callable, Mapping

__all__ = ["exports"]


def exports(package: str, module_of: Mapping[str, str]) -> Callable[[str], object]:
    """Return a package's `__getattr__`.

    Args:
        package: its `__name__`.
        module_of: from each exported name to the module of the package that defines it.
    """

    def attribute(name: str) -> object:
        if name not in module_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"{package}.{module_of[name]}"), name)

    return attribute
