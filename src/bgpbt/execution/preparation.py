"""What orders need is made ready while those before them are carried out.

A pair of architectures takes about as long to compile as a short round takes to train, and compilers use one
core. What is made ready changes no result.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Protocol, runtime_checkable

from bgpbt.contracts import Trainer
from bgpbt.records import Order
from bgpbt.storage.machine import cores

__all__ = ["Preparation", "Prepares", "preparing"]

_AHEAD = 4  # orders at most, so that no program is dropped before it is used
_GRACE_S = 10.0  # for a compilation to end, after which its thread is left behind


@runtime_checkable
class Prepares(Protocol):
    """A trainer that can do part of an order before its turn comes."""

    def prepare(self, order: Order) -> None:
        """Compile what an order takes; called beside `train`, from another thread."""
        ...


class Preparation:
    """How far ahead of the orders under way others may be prepared."""

    def __init__(self) -> None:
        self._turns = threading.Semaphore(_AHEAD)
        self._ended = threading.Event()

    def began(self) -> None:
        """Say that an order is under way."""
        self._turns.release()

    def end(self) -> None:
        """Prepare no further order."""
        self._ended.set()
        self._turns.release()

    def wait(self) -> bool:
        """Wait until one more order may be prepared; return False if none is to be."""
        self._turns.acquire()
        return not self._ended.is_set()


@contextmanager
def preparing(trainer: Trainer, orders: Sequence[Order], *, max_parallel: int) -> Iterator[Preparation]:
    """Prepare orders in a thread of its own, if the trainer can and a core is left over for it.

    Args:
        trainer: prepares them, if it `Prepares`.
        orders: in the sequence in which they begin.
        max_parallel: orders under way at the same time, at most.
    """
    preparation = Preparation()
    if not isinstance(trainer, Prepares) or max_parallel >= cores():
        yield preparation
        return
    thread = threading.Thread(
        target=_prepare, args=(trainer, orders, preparation), daemon=True, name="preparation"
    )
    thread.start()
    try:
        yield preparation
    finally:
        preparation.end()
        thread.join(_GRACE_S)


def _prepare(trainer: Prepares, orders: Sequence[Order], preparation: Preparation) -> None:
    for order in orders:
        if not preparation.wait():
            return
        with suppress(Exception):  # whatever is wrong with an order is said when its turn comes
            trainer.prepare(order)
