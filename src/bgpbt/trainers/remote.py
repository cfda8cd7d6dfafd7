"""An order with everything needed to carry it out elsewhere: in another process, on another machine.

What an order starts from goes with it, and what comes of it comes back as arrays. The side that sent it
stores them, so that a run has one writer and equal arrays are equal bytes wherever they were made.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy.typing as npt

from bgpbt.contracts import Arrays, Checkpoints, Trainer
from bgpbt.errors import DamagedRunError
from bgpbt.records import Checkpoint, Order, Outcome

__all__ = ["Content", "Errand", "Yield", "carry_out", "pack", "unpack"]

Content = tuple[dict[str, npt.NDArray[Any]], dict[str, str]]
"""Arrays and metadata of a checkpoint."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """An order and the checkpoints it starts from."""

    order: Order
    luggage: Mapping[Checkpoint, Content]


@dataclass(frozen=True, slots=True, kw_only=True)
class Yield:
    """What came of an errand; its outcome names a checkpoint of `made`, until that is stored."""

    outcome: Outcome
    made: Mapping[Checkpoint, Content]


def pack(order: Order, checkpoints: Checkpoints) -> Errand:
    """Return an order as an errand.

    Raises:
        DamagedRunError: a checkpoint to start from is missing or damaged.
    """
    return Errand(order=order, luggage={name: checkpoints.load(name) for name in order.start.reads})


def carry_out(
    errand: Errand, trainer: Trainer, attempt: Callable[[Trainer, Order, Checkpoints], Outcome] | None = None
) -> Yield:
    """Carry out an errand, on the side it was sent to; `attempt` says how, if not by `trainer.train`."""
    suitcase = _Suitcase(errand.luggage)
    if attempt is None:
        outcome = trainer.train(errand.order, suitcase)
    else:
        outcome = attempt(trainer, errand.order, suitcase)
    made = {name: content for name, content in suitcase.made.items() if name == outcome.checkpoint}
    return Yield(outcome=outcome, made=made)


def unpack(came_back: Yield, checkpoints: Checkpoints) -> Outcome:
    """Store what an errand made and return its outcome.

    Raises:
        StorageError: it cannot be stored.
    """
    outcome = came_back.outcome
    if outcome.checkpoint is None or outcome.checkpoint not in came_back.made:
        return outcome
    return replace(outcome, checkpoint=checkpoints.save(*came_back.made[outcome.checkpoint]))


@dataclass(frozen=True, slots=True)
class _Suitcase:
    """The checkpoints at hand on the other side; what is saved is named anew when it is stored."""

    luggage: Mapping[Checkpoint, Content]
    made: dict[Checkpoint, Content] = field(default_factory=dict)

    def save(self, arrays: Arrays, metadata: Mapping[str, str]) -> Checkpoint:
        name = Checkpoint(f"made {len(self.made)}")
        self.made[name] = ({key: array.copy() for key, array in arrays.items()}, dict(metadata))
        return name

    def load(self, checkpoint: Checkpoint) -> Content:
        if checkpoint not in self.made and checkpoint not in self.luggage:
            raise DamagedRunError(f"checkpoint {checkpoint} did not travel with the order")
        arrays, metadata = self.made.get(checkpoint) or self.luggage[checkpoint]
        return {name: array.copy() for name, array in arrays.items()}, dict(metadata)
