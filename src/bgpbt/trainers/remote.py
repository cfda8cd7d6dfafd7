"""An order with everything needed to carry it out elsewhere: in another process, on another machine.

The checkpoints that an order reads go with it, and the one that it makes comes back as arrays. The side that
sent it stores them, so that a run has one writer and equal arrays are equal bytes wherever they were made.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy.typing as npt

from bgpbt.contracts import Arrays, Checkpoints, Trainer
from bgpbt.errors import DamagedRunError
from bgpbt.records import Checkpoint, Order, Outcome

__all__ = ["Content", "RemoteOrder", "RemoteOutcome", "pack", "run_remote", "unpack"]

Content = tuple[dict[str, npt.NDArray[Any]], dict[str, str]]
"""Arrays and metadata of a checkpoint."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteOrder:
    """An order and the checkpoints it starts from."""

    order: Order
    checkpoints: Mapping[Checkpoint, Content]


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteOutcome:
    """The result of a remote order; its outcome names a checkpoint of `made`, until that is stored."""

    outcome: Outcome
    made: Mapping[Checkpoint, Content]


def pack(order: Order, checkpoints: Checkpoints) -> RemoteOrder:
    """Return an order with the checkpoints that it reads.

    Raises:
        DamagedRunError: a checkpoint to start from is missing or damaged.
    """
    return RemoteOrder(order=order, checkpoints={name: checkpoints.load(name) for name in order.start.reads})


def run_remote(
    remote: RemoteOrder,
    trainer: Trainer,
    attempt: Callable[[Trainer, Order, Checkpoints], Outcome] | None = None,
) -> RemoteOutcome:
    """Carry out an order on the side it was sent to; `attempt` says how, if not by `trainer.train`."""
    carried = _CarriedCheckpoints(remote.checkpoints)
    if attempt is None:
        outcome = trainer.train(remote.order, carried)
    else:
        outcome = attempt(trainer, remote.order, carried)
    made = {name: content for name, content in carried.made.items() if name == outcome.checkpoint}
    return RemoteOutcome(outcome=outcome, made=made)


def unpack(remote: RemoteOutcome, checkpoints: Checkpoints) -> Outcome:
    """Store the checkpoint that a remote order made and return its outcome.

    Raises:
        StorageError: it cannot be stored.
    """
    outcome = remote.outcome
    if outcome.checkpoint is None or outcome.checkpoint not in remote.made:
        return outcome
    return replace(outcome, checkpoint=checkpoints.save(*remote.made[outcome.checkpoint]))


@dataclass(frozen=True, slots=True)
class _CarriedCheckpoints:
    """The checkpoints at hand on the other side; what is saved is named anew when it is stored."""

    checkpoints: Mapping[Checkpoint, Content]
    made: dict[Checkpoint, Content] = field(default_factory=dict)

    def save(self, arrays: Arrays, metadata: Mapping[str, str]) -> Checkpoint:
        name = Checkpoint(f"made {len(self.made)}")
        self.made[name] = ({key: array.copy() for key, array in arrays.items()}, dict(metadata))
        return name

    def load(self, checkpoint: Checkpoint) -> Content:
        if checkpoint not in self.made and checkpoint not in self.checkpoints:
            raise DamagedRunError(f"checkpoint {checkpoint} did not travel with the order")
        arrays, metadata = self.made.get(checkpoint) or self.checkpoints[checkpoint]
        return {name: array.copy() for name, array in arrays.items()}, dict(metadata)
