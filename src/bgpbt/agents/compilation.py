"""How XLA compiles, counting what it does, and keeping it from one process to the next."""

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax

__all__ = ["CompilationCounter", "cache_directory", "compiler_options", "enable_persistent_cache", "jit"]

_COMPILE_EVENT = "/jax/core/compile/backend_compile_duration"


def jit(function: Callable[..., Any], *, consume: tuple[int, ...] = ()) -> Any:
    """Return a function to be compiled as is fastest here.

    Args:
        function: of arrays, or trees of them.
        consume: positions of arguments whose memory it takes over.
    """
    return jax.jit(function, donate_argnums=consume, compiler_options=compiler_options())


def compiler_options() -> dict[str, str] | None:
    """Return XLA's options for this machine where its defaults are not the best.

    On a CPU it hands products and sums to a library that is made for large arrays (YNN). The physics of an
    environment are thousands of products of 3 x 3 numbers, which XLA's own loops compute faster: without the
    library a rollout takes 7% less time on reacher and 24% less on humanoid, and learning no more. Nor is the
    library deterministic: on one core the same training on ur5e gave one of two results, by chance.
    """
    if jax.default_backend() != "cpu" or jax.__version_info__ < (0, 10):  # older ones may not know the option
        return None
    return {"xla_cpu_experimental_ynn_fusion_type": ""}


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
