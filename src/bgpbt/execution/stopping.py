"""How a run is asked to end, from a signal handler or another thread."""

import threading

from bgpbt.records import Order

__all__ = ["StopRequested", "StopSwitch"]


class StopRequested(Exception):  # noqa: N818, like KeyboardInterrupt it is no error
    """The run was asked to end. What has been committed stays, and the run can be resumed."""


class StopSwitch:
    """Asks everything that trains to end at its next step. Safe in signal handlers and threads.

    `check` is what a trainer calls as its `on_progress`.
    """

    def __init__(self) -> None:
        self._requested = threading.Event()

    @property
    def requested(self) -> bool:
        """Whether the end was asked for."""
        return self._requested.is_set()

    def stop(self) -> None:
        """Ask for the end; asking twice is fine."""
        self._requested.set()

    def check(self, order: Order | None = None, steps_done: int = 0) -> None:
        """Go on, unless the end was asked for.

        Raises:
            StopRequested: it was.
        """
        del order, steps_done  # a trainer tells; nothing depends on it
        if self._requested.is_set():
            raise StopRequested("the run was asked to end")
