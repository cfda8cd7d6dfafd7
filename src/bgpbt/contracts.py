"""The contracts between the parts: strategies plan, trainers train, executors run plans.

A `Strategy` is pure. `Checkpoints` is where a trainer keeps what it has learnt. The loop between them
(`bgpbt.execution.loop`) writes everything down before it goes on.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
import numpy.typing as npt

from bgpbt.records import Checkpoint, Order, Outcome, Plan

__all__ = ["Arrays", "Checkpoints", "Executor", "HasChildren", "Strategy", "Trainer"]

State = TypeVar("State")

Arrays = Mapping[str, npt.NDArray[np.generic]]
"""Named arrays: the content of a checkpoint."""


class Strategy(Protocol[State]):
    """Says which member trains next, from which weights, with which configuration.

    Pure: no clock, no files, no global random state. Equal arguments give equal results. The checkpoints
    that a state names, of those that outcomes left, are kept; all others are removed when a round ends. What
    an order started from is removed as soon as its outcome has taken its place, unless the state names it
    outside the plan or another order is still to start from it.
    """

    @property
    def state_type(self) -> type[State]:
        """The dataclass of the state, for `bgpbt.encoding`."""
        ...

    def start(self, seed: int) -> tuple[State, Plan]:
        """Open a run: the first state and the first round's plan."""
        ...

    def advance(self, state: State, outcomes: Sequence[Outcome]) -> tuple[State, Plan | None]:
        """Close a round with its outcomes, by member, and plan the next; None ends the run."""
        ...


class Checkpoints(Protocol):
    """A content-addressed store of named arrays."""

    def save(self, arrays: Arrays, metadata: Mapping[str, str]) -> Checkpoint:
        """Store arrays durably and return their hash; storing the same again changes nothing."""
        ...

    def load(self, checkpoint: Checkpoint) -> tuple[dict[str, npt.NDArray[Any]], dict[str, str]]:
        """Return the arrays and metadata of a checkpoint.

        Raises:
            DamagedRunError: it is missing, or its content does not match its hash.
        """
        ...


class Trainer(Protocol):
    """Carries out orders, in any framework. The same order gives the same outcome, seconds aside.

    `order.start` says where to begin, `order.seed` is the only source of randomness, and the configuration
    holds for this order alone. It may be called from several threads at the same time. Adapters for plain
    functions and for programs are in `bgpbt.trainers`.
    """

    def train(self, order: Order, checkpoints: Checkpoints) -> Outcome:
        """Train one member for at most `order.steps` steps, save what it has learnt, and score it.

        Raises:
            DamagedRunError: a checkpoint to start from is missing or damaged; this ends the run.
            StorageError: a checkpoint cannot be written or read; this ends the run.
            Exception: anything else fails this one member, and its text becomes the outcome's `failure`.
        """
        ...


@runtime_checkable
class HasChildren(Protocol):
    """A trainer that starts processes."""

    def end_children(self) -> None:
        """Kill the processes of all orders under way."""
        ...


class Executor(Protocol):
    """Runs orders, somewhere, and yields outcomes as they come."""

    def run(self, orders: Sequence[Order]) -> Iterator[Outcome]:
        """Yield one outcome for each order, in any sequence."""
        ...
