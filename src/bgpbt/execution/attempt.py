"""One order, carried out by a trainer that may do anything: what comes of it can be stored and ranked."""

import math
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy.typing as npt

from bgpbt.contracts import Arrays, Checkpoints, Trainer
from bgpbt.errors import DamagedRunError, reason_of, shown
from bgpbt.execution.stopping import StopRequested
from bgpbt.outcomes import plain_outcome
from bgpbt.records import Checkpoint, Order, Outcome
from bgpbt.storage import StorageError

__all__ = ["ENDS_THE_RUN", "attempt", "failed", "settled"]

ENDS_THE_RUN = (StopRequested, DamagedRunError, StorageError, KeyboardInterrupt)
"""What a trainer may raise that another member would meet too."""


def attempt(trainer: Trainer, order: Order, checkpoints: Checkpoints) -> Outcome:
    """Return the trainer's outcome, or a failed one if it raises or its answer cannot be stored.

    Raises:
        StopRequested: the run was asked to end.
        DamagedRunError: a checkpoint to start from is damaged.
        StorageError: a checkpoint could not be written or read.
        KeyboardInterrupt: the process was asked to end.
    """
    began = time.perf_counter()
    noting = _Noting(checkpoints, order)
    try:
        outcome = settled(order, trainer.train(order, noting))
        noting.check(outcome)
    except ENDS_THE_RUN:
        raise
    except BaseException as error:  # sys.exit() in a trainer ends a member, not the run
        return failed(order, reason_of(error), time.perf_counter() - began)
    return outcome


def settled(order: Order, answer: object) -> Outcome:
    """Return what a trainer answered to an order as an outcome that can be stored and planned with.

    Raises:
        InputError: a field is not what `Outcome` says.
        ValueError: it answers another order, or says it trained more steps than it was to.
    """
    outcome = plain_outcome(answer)
    if (outcome.round, outcome.member) != (order.round, order.member):
        raise ValueError(
            f"the trainer answered the order of round {order.round}, member {order.member} "
            f"with an outcome of round {outcome.round}, member {outcome.member}"
        )
    if not 0 <= outcome.steps <= order.steps:
        raise ValueError(f"the trainer says it trained {outcome.steps} steps of {order.steps} asked for")
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


class _Noting:
    """The checkpoints as a trainer sees them; notes which it can name in its answer."""

    def __init__(self, checkpoints: Checkpoints, order: Order) -> None:
        self._checkpoints = checkpoints
        self._known = set(order.start.reads)

    def save(self, arrays: Arrays, metadata: Mapping[str, str]) -> Checkpoint:
        checkpoint = self._checkpoints.save(arrays, metadata)
        self._known.add(checkpoint)
        return checkpoint

    def load(self, checkpoint: Checkpoint) -> tuple[dict[str, npt.NDArray[Any]], dict[str, str]]:
        content = self._checkpoints.load(checkpoint)
        self._known.add(checkpoint)
        return content

    def check(self, outcome: Outcome) -> None:
        """Refuse a checkpoint that is not there: the next order to start from it would end the run."""
        if outcome.checkpoint is not None and outcome.checkpoint not in self._known:
            raise ValueError(
                f"checkpoint = {shown(outcome.checkpoint)} was never saved; "
                f"it must be what `checkpoints.save` returned, or None"
            )
