"""Which machine this is, and what is installed on it.

Sums of floats differ in their last place between processors, numbers of cores and versions of libraries, and
with them trained members differ. So a run says all of these.
"""

import contextlib
import importlib.metadata
import os
import platform
from pathlib import Path

__all__ = ["cores", "machine", "processor", "python", "versions"]

_PACKAGES = ("bgpbt", "numpy", "scipy", "ConfigSpace", "safetensors", "jax", "jaxlib", "brax", "optax")


def machine() -> str:
    """Return the operating system, the architecture and the processor."""
    return ", ".join(filter(None, (f"{platform.system()} {platform.machine()}", processor())))


def processor() -> str:
    """Return the processor's name and generation, as far as the system tells them.

    Virtual machines often name the maker alone; family and model tell one generation from the next.
    """
    with contextlib.suppress(OSError):
        first = Path("/proc/cpuinfo").read_text(encoding="utf-8").partition("\n\n")[0]
        fields = (line.partition(":") for line in first.splitlines())
        told = {key.strip(): value.strip() for key, _, value in fields}
        if told.keys() >= {"model name", "cpu family", "model"}:
            return f"{told['model name']} (family {told['cpu family']}, model {told['model']})"
    return platform.processor()


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def python() -> str:
    """Return the version of Python."""
    return platform.python_version()


def versions() -> dict[str, str]:
    """Return the versions of the packages that results depend on, those that are installed."""
    found = {}
    for package in _PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[package] = importlib.metadata.version(package)
    return found
