"""Trainers for a cluster: walkers that do something else once."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from bgpbt.contracts import Checkpoints
from bgpbt.records import Order, Outcome
from tests.execution.walkers import WalkTrainer


@dataclass(slots=True, kw_only=True)
class DyingTrainer(WalkTrainer):
    """Is killed in the middle of an order: the first time only, or always."""

    at: tuple[int, int]  # round and member
    marker: Path  # made when it has happened
    always: bool = False

    def train(self, order: Order, checkpoints: Checkpoints) -> Outcome:
        outcome = WalkTrainer.train(self, order, checkpoints)
        if (order.round, order.member) == self.at and (self.always or not self.marker.exists()):
            self.marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return outcome


@dataclass(slots=True, kw_only=True)
class SlowTrainer(WalkTrainer):
    """Waits in the order of one member until the other orders of its round are done."""

    straggler: int
    marker: Path  # a directory

    def train(self, order: Order, checkpoints: Checkpoints) -> Outcome:
        while order.member == self.straggler and len(list(self.marker.iterdir())) < 3:
            time.sleep(0.02)
        return WalkTrainer.train(self, order, checkpoints)
