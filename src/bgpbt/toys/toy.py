"""What all toy tasks share: a few weights, moved by closed-form dynamics, scored without noise.

A toy is a `bgpbt.contracts.Trainer`. Its weights are a short vector; `advance` moves them over a stretch of
steps under one configuration, and what is the best configuration depends on how far training has come.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bgpbt.arrays import Floats
from bgpbt.contracts import Checkpoints
from bgpbt.errors import InputError
from bgpbt.records import Checkpoint, Configuration, Distil, Grow, Order, Outcome, ShrinkPerturb
from bgpbt.space import Space

__all__ = ["HORIZON", "Toy"]


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
    teach: Callable[[Floats, Floats, Configuration, int], Floats] | None = (
        None  # student's weights, teacher's, configuration, steps -> weights; None: nobody can be taught
    )
    shape: Callable[[Configuration], Configuration] = lambda _: {}  # of the networks that hold the weights

    @property
    def has_architectures(self) -> bool:
        """Whether members have networks whose shapes can be searched."""
        return self.teach is not None

    def train(self, order: Order, checkpoints: Checkpoints) -> Outcome:
        """Carry out an order; every step of it is trained.

        Raises:
            InputError: the order is to distil, or its configuration is not of this toy's space.
        """
        self.space.validate(order.configuration, source=f"toy {self.name}")
        weights_w = self._starting_weights(order, checkpoints)
        progress_t = (order.first_step + np.arange(order.steps)) / self.horizon
        weights_w = self.advance(weights_w, order.configuration, progress_t)
        if isinstance(order.start, Distil):
            weights_w = self._taught(weights_w, order, order.start, checkpoints)
        metadata = {"toy": self.name, "shape": _described(self.shape(order.configuration))}
        checkpoint = checkpoints.save({"weights": weights_w}, metadata)
        return Outcome(
            round=order.round,
            member=order.member,
            checkpoint=checkpoint,
            score=self.score(weights_w),
            steps=order.steps,
        )

    def _starting_weights(self, order: Order, checkpoints: Checkpoints) -> Floats:
        if isinstance(order.start, Grow):
            raise InputError(f"toy {self.name} has no networks that could grow")
        if order.start.weights is None:
            return self.initial_w
        weights_w = self._restored(order.start.weights, order.configuration, checkpoints)
        if isinstance(order.start, ShrinkPerturb):
            return order.start.keep * weights_w + order.start.fresh * self.initial_w
        return weights_w

    def _restored(
        self, checkpoint: Checkpoint, configuration: Configuration, checkpoints: Checkpoints
    ) -> Floats:
        arrays, metadata = checkpoints.load(checkpoint)
        shape = _described(self.shape(configuration))
        if metadata["shape"] != shape:
            raise InputError(
                f"checkpoint {checkpoint} is of shape {metadata['shape']}, the configuration names {shape}"
            )
        return np.asarray(arrays["weights"], dtype=np.float64)

    def _taught(self, weights_w: Floats, order: Order, start: Distil, checkpoints: Checkpoints) -> Floats:
        if self.teach is None:
            raise InputError(f"toy {self.name} has no networks, so nothing can be distilled")
        arrays, _ = checkpoints.load(start.teacher)
        teacher_w = np.asarray(arrays["weights"], dtype=np.float64)
        return self.teach(weights_w, teacher_w, order.configuration, order.steps)


def _described(shape: Configuration) -> str:
    return json.dumps(dict(shape), sort_keys=True)
