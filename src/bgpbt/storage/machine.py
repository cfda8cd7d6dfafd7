"""Which machine this is. Sums of floats differ in their last place between processors, so a run says it."""

import contextlib
import platform
from pathlib import Path

__all__ = ["machine", "processor"]


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
