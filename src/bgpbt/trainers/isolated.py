"""Any trainer in a process of its own, so that a crash or an endless loop costs one member, not the run."""

import multiprocessing
import os
import pickle
import signal
import threading
import traceback
from multiprocessing.connection import Connection

from bgpbt import checks
from bgpbt.contracts import Checkpoints, Trainer
from bgpbt.errors import InputError, reason_of
from bgpbt.records import Order, Outcome
from bgpbt.trainers.children import Children, ending
from bgpbt.trainers.errand import Errand, Yield, carry_out, pack, unpack
from bgpbt.trainers.job import TrainerError

__all__ = ["IsolatedTrainer"]


class IsolatedTrainer:
    """Runs another trainer in a new Python process for every order. Safe to call from several threads.

    The trainer goes there as a pickle, so it and its functions are to be at the top level of a module; a
    script that is run directly keeps what it starts behind `if __name__ == "__main__":`.

    Args:
        trainer: what carries out an order.
        time_limit_s: seconds for one order, start of the process included; after that it is killed.

    Raises:
        InputError: the limit is not positive, or the trainer cannot be pickled.
    """

    def __init__(self, trainer: Trainer, *, time_limit_s: float) -> None:
        checks.above("time_limit_s", time_limit_s, 0)
        try:
            pickle.dumps(trainer)
        except Exception as error:  # whatever the trainer's parts raise
            raise InputError(f"the trainer cannot be sent to another process: {error}") from error
        self._trainer = trainer
        self._time_limit_s = time_limit_s
        self._children = Children()

    def end_children(self) -> None:
        """Kill the processes of all orders under way."""
        self._children.kill()

    def train(self, order: Order, checkpoints: Checkpoints) -> Outcome:
        """Carry out an order.

        Raises:
            TrainerError: the trainer raised, its process died, or it ran out of time.
        """
        errand = pack(order, checkpoints)
        context = multiprocessing.get_context("spawn")  # a fork would take over locks that threads hold
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_main, args=(theirs, self._trainer, errand))
        process.start()
        theirs.close()
        assert process.pid is not None
        with ours, self._children.running(process.pid):
            try:
                report = self._receive(ours)
            finally:
                process.kill()  # it has said all, or is to say nothing more
                process.join()
        if report is None:
            assert process.exitcode is not None
            raise TrainerError(f"the trainer's process {ending(process.exitcode)} without an answer")
        if isinstance(report, str):
            raise TrainerError(report)
        return unpack(report, checkpoints)

    def _receive(self, connection: Connection) -> "Yield | str | None":
        """Return what the process sends; None if it dies without a word."""
        if not connection.poll(self._time_limit_s):
            raise TrainerError(f"the trainer was killed at its time limit of {self._time_limit_s:g} s")
        try:
            report: Yield | str = connection.recv()
        except EOFError:
            return None
        return report


def _main(connection: Connection, trainer: Trainer, errand: Errand) -> None:
    os.setsid()  # what the trainer starts can be killed with it, and Ctrl-C reaches it only through us
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        report: Yield | str = carry_out(errand, trainer)
    except Exception as error:
        traceback.print_exc()  # where it was raised is for whoever writes the trainer
        report = reason_of(error)
    connection.send(report)
    connection.close()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os.killpg(0, signal.SIGKILL)
