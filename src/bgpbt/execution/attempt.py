"""One order, carried out by a trainer that may do anything: what comes of it can be stored and ranked."""

import math
import time
from dataclasses import replace

from bgpbt.contracts import Checkpoints, Trainer
from bgpbt.encoding import encode
from bgpbt.errors import DamagedRunError
from bgpbt.execution.stopping import StopRequested
from bgpbt.records import Order, Outcome
from bgpbt.storage import StorageError

__all__ = ["ENDS_THE_RUN", "attempt", "failed", "one_line"]

ENDS_THE_RUN = (StopRequested, DamagedRunError, StorageError)
"""What a trainer may raise that another member would meet too."""


def attempt(trainer: Trainer, order: Order, checkpoints: Checkpoints) -> Outcome:
    """Return the trainer's outcome, or a failed one if it raises or answers what nobody can go on from.

    Raises:
        StopRequested: the run was asked to end.
        DamagedRunError: a checkpoint to start from is damaged.
        StorageError: a checkpoint could not be written or read.
    """
    began = time.perf_counter()
    try:
        outcome = trainer.train(order, checkpoints)
        _check(order, outcome)
    except ENDS_THE_RUN:
        raise
    except Exception as error:
        return failed(order, one_line(error), time.perf_counter() - began)
    if outcome.failure is None and not math.isfinite(outcome.score):
        return replace(outcome, score=float("nan"), failure=f"the score is {outcome.score}")
    return outcome


def failed(order: Order, reason: str, seconds: float) -> Outcome:
    """Return the outcome of an order that came to nothing."""
    return Outcome(
        round=order.round,
        member=order.member,
        checkpoint=None,
        score=float("nan"),
        steps=0,
        seconds=seconds,
        failure=reason,
    )


def one_line(error: BaseException) -> str:
    """Return an error as one line that any database takes."""
    text = " ".join(str(error).split())
    # A path that is not UTF-8 reaches us as lone surrogates, which no database takes.
    return f"{type(error).__name__}: {text}".encode(errors="replace").decode()


def _check(order: Order, outcome: Outcome) -> None:
    """Refuse what cannot be stored or planned with, while the trainer is still known to be the cause."""
    if (outcome.round, outcome.member) != (order.round, order.member):
        raise ValueError(
            f"the trainer answered the order of round {order.round}, member {order.member} "
            f"with an outcome of round {outcome.round}, member {outcome.member}"
        )
    if not 0 <= outcome.steps <= order.steps:
        raise ValueError(f"the trainer says it trained {outcome.steps} steps of {order.steps} asked for")
    encode(outcome)
