"""What all toy tasks share: a few weights, moved by closed-form dynamics, scored without noise.

A toy is a `bgpbt.contracts.Trainer`. Its weights are a short vector; `advance` moves them over a stretch of
steps under one configuration, and what is the best configuration depends on how far training has come.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bgpbt.contracts import Checkpoints
from bgpbt.errors import InputError
from bgpbt.records import Configuration, Distil, From, Grow, Order, Outcome
from bgpbt.space import Space

__all__ = ["HORIZON", "Floats", "Toy"]

Floats = npt.NDArray[np.float64]

HORIZON = 400
"""Steps of a whole training: 40 rounds of 10, in which the best configuration goes its whole way."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Toy:
    """A toy task: its search space, its dynamics, and the best that any schedule can reach."""

    name: str
    space: Space
    horizon: int  # steps; progress is steps trained / horizon
    initial_w: Floats  # weights of a fresh member
    advance: Callable[
        [Floats, Configuration, Floats], Floats
    ]  # weights, configuration, progress_t -> weights
    score: Callable[[Floats], float]  # of weights; higher is better
    best_score: Callable[[int], float]  # over all schedules, after so many steps from fresh weights

    def train(self, order: Order, checkpoints: Checkpoints) -> Outcome:
        """Carry out an order; every step of it is trained.

        Raises:
            InputError: the order is to distil, or its configuration is not of this toy's space.
        """
        self.space.validate(order.configuration, source=f"toy {self.name}")
        weights_w = self._starting_weights(order, checkpoints)
        progress_t = (order.first_step + np.arange(order.steps)) / self.horizon
        weights_w = self.advance(weights_w, order.configuration, progress_t)
        checkpoint = checkpoints.save({"weights": weights_w}, {"toy": self.name})
        return Outcome(
            round=order.round,
            member=order.member,
            checkpoint=checkpoint,
            score=self.score(weights_w),
            steps=order.steps,
        )

    def _starting_weights(self, order: Order, checkpoints: Checkpoints) -> Floats:
        match order.start:
            case From(checkpoint=checkpoint):
                arrays, _ = checkpoints.load(checkpoint)
                return np.asarray(arrays["weights"], dtype=np.float64)
            case Distil() | Grow():
                raise InputError(f"toy {self.name} has no networks, so nothing can be distilled or grown")
        return self.initial_w
