"""Counting what XLA compiles, and keeping it from one process to the next."""

import os
import threading
from pathlib import Path

import jax

__all__ = ["CompilationCounter", "cache_directory", "enable_persistent_cache"]

_COMPILE_EVENT = "/jax/core/compile/backend_compile_duration"


def cache_directory() -> Path:
    """Return where compiled programs are kept: `$BGPBT_CACHE`, else in the user's cache directory."""
    named = os.environ.get("BGPBT_CACHE")
    if named:
        return Path(named)
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "bgpbt" / "xla"


def enable_persistent_cache() -> None:
    """Let JAX keep compiled programs, unless the user has set a cache of their own."""
    if jax.config.jax_compilation_cache_dir is None:  # type: ignore[attr-defined]
        jax.config.update("jax_compilation_cache_dir", str(cache_directory()))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)


class CompilationCounter:
    """Counts programs that XLA compiles, or takes from the persistent cache, from now on.

    Counts everything in the process: a program that is compiled again for another shape is seen, whoever
    asked for it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0
        self._seconds = 0.0
        jax.monitoring.register_event_duration_secs_listener(self._listen)

    def _listen(self, event: str, duration_secs: float, **_: str | int) -> None:
        if event == _COMPILE_EVENT:
            with self._lock:
                self._count += 1
                self._seconds += duration_secs

    @property
    def count(self) -> int:
        """Programs so far."""
        return self._count

    @property
    def seconds(self) -> float:
        """Time spent on them."""
        return self._seconds
