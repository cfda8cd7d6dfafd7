"""Orders carried out together in one program, as accelerators like it."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from bgpbt import checks
from bgpbt.contracts import Checkpoints, Trainer
from bgpbt.execution.attempt import ENDS_THE_RUN, attempt, settled
from bgpbt.execution.stopping import StopSwitch
from bgpbt.records import Order, Outcome

__all__ = ["StackTrainer", "StackedExecutor"]


class StackTrainer(Protocol):
    """Carries out several orders at once, each with the outcome it would have alone."""

    def train(self, orders: Sequence[Order], checkpoints: Checkpoints) -> list[Outcome]:
        """Train members together and score them; outcomes come in the sequence of the orders."""
        ...


class StackedExecutor:
    """Runs up to `most` orders as one stack.

    A stack that raises an ordinary exception is done again one order after the other, so that the reason is
    that of the member to which it belongs.

    Args:
        stack: carries out a stack.
        trainer: carries out one order.
        checkpoints: given to both.
        most: orders in a stack, at most.
        switch: ends the run between two stacks, and within one if the trainer was given its `check`.

    Raises:
        InputError: `most` is less than 1.
    """

    def __init__(
        self,
        stack: StackTrainer,
        trainer: Trainer,
        checkpoints: Checkpoints,
        most: int,
        *,
        switch: StopSwitch | None = None,
    ) -> None:
        checks.at_least("max_parallel", most, 1)
        self._stack = stack
        self._trainer = trainer
        self._checkpoints = checkpoints
        self._most = most
        self._switch = switch or StopSwitch()

    def run(self, orders: Sequence[Order]) -> Iterator[Outcome]:
        """Yield one outcome for each order, stack by stack.

        Raises:
            StopRequested: the run was asked to end.
            DamagedRunError: a checkpoint to start from is damaged.
            StorageError: a checkpoint could not be written or read.
        """
        for first in range(0, len(orders), self._most):
            self._switch.check()
            yield from self._outcomes(orders[first : first + self._most])

    def _outcomes(self, orders: Sequence[Order]) -> list[Outcome]:
        try:
            outcomes = self._stack.train(orders, self._checkpoints)
            return [settled(order, outcome) for order, outcome in zip(orders, outcomes, strict=True)]
        except ENDS_THE_RUN:
            raise
        except BaseException:  # whose fault it was shows when each is trained alone
            return [attempt(self._trainer, order, self._checkpoints) for order in orders]
