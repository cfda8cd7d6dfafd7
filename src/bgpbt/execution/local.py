"""Orders carried out by threads of this process.

Threads are enough: compiled programs run outside Python's lock. They are daemons, so a trainer that never
calls back cannot keep the process from ending.
"""

import queue
import threading
import time
from collections.abc import Iterator, Sequence

from bgpbt import checks
from bgpbt.contracts import Checkpoints, HasChildren, Trainer
from bgpbt.execution.attempt import attempt
from bgpbt.execution.preparation import Preparation, preparing
from bgpbt.execution.stopping import StopRequested, StopSwitch
from bgpbt.records import Order, Outcome

__all__ = ["LocalExecutor"]

_GRACE_S = 10.0  # for a trainer to reach its next callback, after which its thread is left behind
_POLL_S = 0.1  # how soon a thread that waits for its turn hears of a request to stop
_Report = Outcome | BaseException | None  # None: the thread has ended


class LocalExecutor:
    """Runs up to `max_parallel` orders at the same time, and prepares the next where a core is left over.

    A trainer that raises an ordinary exception makes a failed outcome, and the other members go on. A damaged
    checkpoint, a file system that refuses and a request to stop end the run.

    Args:
        trainer: carries out one order; called from several threads.
        checkpoints: given to the trainer.
        max_parallel: orders under way at the same time, at most.
        switch: ends the run at the trainer's next progress report, if the trainer was given its `check`.

    Raises:
        InputError: `max_parallel` is less than 1.
    """

    def __init__(
        self,
        trainer: Trainer,
        checkpoints: Checkpoints,
        max_parallel: int = 1,
        *,
        switch: StopSwitch | None = None,
    ) -> None:
        checks.at_least("max_parallel", max_parallel, 1)
        self._trainer = trainer
        self._checkpoints = checkpoints
        self._max_parallel = max_parallel
        self._switch = switch or StopSwitch()

    def stop(self) -> None:
        """Ask the run to end soon and cleanly; this executor takes no further orders. Returns at once."""
        self._switch.stop()

    def run(self, orders: Sequence[Order]) -> Iterator[Outcome]:
        """Yield one outcome for each order, as they come.

        Raises:
            StopRequested: the run was asked to end; outcomes that were ready have been yielded.
            DamagedRunError: a checkpoint to start from is damaged.
            StorageError: a checkpoint could not be written or read.
        """
        waiting: queue.SimpleQueue[Order] = queue.SimpleQueue()
        for order in orders:
            waiting.put(order)
        reports: queue.SimpleQueue[_Report] = queue.SimpleQueue()
        # Members that train faster than their outcomes are taken would fill the disk with checkpoints. One
        # outcome may wait, so that no thread does while it is committed.
        turns = threading.Semaphore(self._max_parallel + 1)
        with preparing(self._trainer, orders, max_parallel=self._max_parallel) as preparation:
            threads = [
                threading.Thread(
                    target=self._work,
                    args=(waiting, turns, preparation, reports),
                    daemon=True,
                    name=f"trainer-{i}",
                )
                for i in range(min(self._max_parallel, len(orders)))
            ]
            finished = False
            try:
                for thread in threads:
                    thread.start()
                for outcome in self._collect(reports, len(threads)):
                    yield outcome
                    turns.release()
                finished = True
            finally:
                if not finished:  # Ctrl-C, an error here, or one of whoever takes the outcomes
                    self._switch.stop()
                    if isinstance(self._trainer, HasChildren):
                        self._trainer.end_children()
                    _join(threads)

    def _collect(self, reports: "queue.SimpleQueue[_Report]", running: int) -> Iterator[Outcome]:
        """Yield outcomes until all threads have ended, then raise the first error that ends the run."""
        first_error: BaseException | None = None
        while running:
            report = reports.get()
            if isinstance(report, Outcome):
                yield report
            elif report is None:
                running -= 1
            elif first_error is None or isinstance(first_error, StopRequested):
                first_error = report
                self._switch.stop()  # the others end too
        if first_error is not None:
            raise first_error

    def _work(
        self,
        waiting: "queue.SimpleQueue[Order]",
        turns: threading.Semaphore,
        preparation: Preparation,
        reports: "queue.SimpleQueue[_Report]",
    ) -> None:
        try:
            while True:
                while not turns.acquire(timeout=_POLL_S):
                    self._switch.check()
                order = waiting.get_nowait()
                self._switch.check(order)
                preparation.began()
                reports.put(attempt(self._trainer, order, self._checkpoints))
        except queue.Empty:
            pass
        except BaseException as error:
            reports.put(error)
        finally:
            reports.put(None)


def _join(threads: Sequence[threading.Thread]) -> None:
    deadline = time.monotonic() + _GRACE_S
    for thread in threads:
        if thread.ident is not None:
            thread.join(max(0.0, deadline - time.monotonic()))
