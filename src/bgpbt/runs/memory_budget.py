"""Whether the members that train at the same time fit into memory.

A run that does not fit would fail hours later, in the middle of a round, and on a shared machine would take
others with it; so it is refused before anything is compiled.
"""

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from bgpbt.errors import InputError

if TYPE_CHECKING:
    import jax

    from bgpbt.agents import MemoryNeed

__all__ = ["available_memory", "bytes_of", "check_memory", "device_memory", "readable_bytes"]

_UNITS = {"": 1, "B": 1, **{f"{unit}B": 1000**n for n, unit in enumerate("kMGT", 1)}}
_UNITS |= {f"{unit}iB": 1024**n for n, unit in enumerate("KMGT", 1)}
_MOST_BYTES = 2.0**63  # more than any file system or memory holds
_QUANTITY = re.compile(r"(?P<number>\d+(\.\d+)?(e\d+)?) ?(?P<unit>[A-Za-z]*)")
_CGROUP = Path("/sys/fs/cgroup")  # version 2: what a container may take
_ADVICE = {  # of each part: what it is, and what makes it smaller
    "rollout": ("data of an iteration", "num_envs, or the largest unroll_length or batch_size of the space"),
    "slice": ("activations", "the networks' depth or width (--value, or the space's), or the batch_size"),
    "networks": ("parameters", "the networks' depth or width (--value, or the space's)"),
    "environments": ("states of environments", "num_envs"),
}


def bytes_of(text: str, name: str = "memory_budget") -> int:
    """Return a quantity such as `8GiB`, `500 MB` or `2e9` in bytes; `name` is what a refusal calls it.

    Raises:
        InputError: it cannot be read, or is nothing.
    """
    matched = _QUANTITY.fullmatch(text.strip())
    if matched is None or matched["unit"] not in _UNITS:
        raise InputError(f"{name} = {text!r} must be a number of bytes, such as 8GiB, 500MB or 2e9")
    quantity = float(matched["number"]) * _UNITS[matched["unit"]]
    if not 1 <= quantity < _MOST_BYTES:
        raise InputError(f"{name} = {text!r} must be from 1 byte to 8 EiB")
    return int(quantity)


def readable_bytes(quantity: float) -> str:
    """Return a number of bytes as people read it, such as `1.5 GiB`."""
    for unit in ("B", "KiB", "MiB"):
        if quantity < 1024:
            return f"{quantity:.3g} {unit}"
        quantity /= 1024
    return f"{quantity:.3g} GiB"


def check_memory(need: "MemoryNeed", members: int, budget: int) -> None:
    """Check that members which train at the same time fit.

    Args:
        need: of one member with the largest networks.
        members: at the same time, on one device.
        budget: bytes.

    Raises:
        InputError: they do not; the text says what to lower.
    """
    if members * need.total <= budget:
        return
    fit = budget // need.total
    if fit:
        advice = f"lower max_parallel to {fit} or fewer for each device"
    else:
        largest = max(_ADVICE, key=lambda part: getattr(need, part))
        name, lower = _ADVICE[largest]
        advice = f"most of it for {name}; lower {lower}"
    each = f", {readable_bytes(need.total)} each" if members > 1 else ""
    who = f"{members} members at a time need" if members > 1 else "a member needs"
    raise InputError(
        f"memory_budget = {readable_bytes(budget)} is too little: {who} "
        f"{readable_bytes(members * need.total)}{each}; {advice}"
    )


def available_memory() -> int | None:
    """Return the bytes that this process can still take on the host; None where the system does not say."""
    found = [amount for amount in (_machine_memory(), _container_memory()) if amount is not None]
    return min(found, default=None)


def device_memory(device: "jax.Device") -> int | None:
    """Return the bytes that a device lets this process have; None for a CPU, whose memory is the host's."""
    statistics = device.memory_stats() or {}
    limit = statistics.get("bytes_limit")
    return None if device.platform == "cpu" or limit is None else int(limit)


def _machine_memory() -> int | None:
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        return None


def _container_memory() -> int | None:
    try:
        limit, used = ((_CGROUP / name).read_text().strip() for name in ("memory.max", "memory.current"))
        statistics = (_CGROUP / "memory.stat").read_text().splitlines()
        cache = next(int(line.split()[1]) for line in statistics if line.startswith("file "))  # given back
        return None if limit == "max" else max(int(limit) - int(used) + cache, 1)
    except (OSError, ValueError, StopIteration):
        return None
