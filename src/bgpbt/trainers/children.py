"""Processes started for orders, each the leader of a group of its own, so that nothing outlives its run."""

import atexit
import contextlib
import os
import signal
import threading
from collections.abc import Iterator

__all__ = ["Children", "ending"]


class Children:
    """The process groups under way; they are killed with this process too, if it exits by itself."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._leaders: set[int] = set()
        atexit.register(self.kill)

    def __reduce__(self) -> tuple[type["Children"], tuple[()]]:
        """Go to another process without the processes of this one."""
        return Children, ()

    @contextlib.contextmanager
    def running(self, leader: int) -> Iterator[None]:
        """Count a process in, and kill what is left of its group at the end."""
        with self._lock:
            self._leaders.add(leader)
        try:
            yield
        finally:
            with self._lock:
                self._leaders.discard(leader)
            _kill_group(leader)

    def kill(self) -> None:
        """Kill all groups under way."""
        with self._lock:
            for leader in self._leaders:
                _kill_group(leader)


def ending(exit_code: int) -> str:
    """Return how a process ended, for people; minus a number means that signal."""
    if exit_code >= 0:
        return f"exited with status {exit_code}"
    try:
        return f"was killed by {signal.Signals(-exit_code).name}"
    except ValueError:
        return f"was killed by signal {-exit_code}"


def _kill_group(leader: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)
