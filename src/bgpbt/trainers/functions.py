"""Any function as a trainer: weights as bytes in and out, or as a directory in and out."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bgpbt.contracts import Checkpoints
from bgpbt.errors import shown
from bgpbt.records import Order, Outcome
from bgpbt.trainers.directories import restore_directory, save_directory
from bgpbt.trainers.job import Job, Result, TrainerError, answer, job_of, start_of

__all__ = ["BytesTrainer", "DirectoryTrainer"]

_CONTENT = "content"


@dataclass(frozen=True, slots=True)
class BytesTrainer:
    """A function from a job and the weights before it to the weights after it and a result.

    Weights are bytes of any form (a pickle, `torch.save`, ...), None for a new member. A bare number is a
    result too: the score.
    """

    function: Callable[[Job, bytes | None], tuple[bytes, Result | float]]

    def train(self, order: Order, checkpoints: Checkpoints) -> Outcome:
        """Carry out an order.

        Raises:
            TrainerError: the function did not return bytes and a result.
            InputError: a field of the result is not a number.
            Exception: whatever the function raises.
        """
        began = time.perf_counter()
        start = start_of(order)
        before = None if start is None else checkpoints.load(start)[0][_CONTENT].tobytes()
        answered = self.function(job_of(order), before)
        if not isinstance(answered, tuple) or len(answered) != 2:
            raise TrainerError(f"the function returned {shown(answered)}; it must return weights and a score")
        after, result = answered
        if not isinstance(after, bytes):
            raise TrainerError(f"the weights are of type {type(after).__name__}; they must be bytes")
        checkpoint = checkpoints.save({_CONTENT: np.frombuffer(after, dtype=np.uint8)}, {"content": "bytes"})
        return answer(order, result, checkpoint, time.perf_counter() - began)


@dataclass(frozen=True, slots=True)
class DirectoryTrainer:
    """A function from a job, the directory of the weights before it (None for a new member) and an empty one.

    It writes the weights after the job into the empty directory and returns a result or the score. Both
    directories are temporary, and copies: nothing is lost by writing into either.
    """

    function: Callable[[Job, Path | None, Path], Result | float]

    def train(self, order: Order, checkpoints: Checkpoints) -> Outcome:
        """Carry out an order.

        Raises:
            TrainerError: the function wrote nothing, or something that is not a plain file.
            Exception: whatever the function raises.
        """
        began = time.perf_counter()
        start = start_of(order)
        with tempfile.TemporaryDirectory(prefix="bgpbt-") as name:
            before, after = Path(name) / "start", Path(name) / "checkpoint"
            after.mkdir()
            if start is not None:
                restore_directory(start, checkpoints, before)
            result = self.function(job_of(order), before if start is not None else None, after)
            checkpoint = save_directory(after, checkpoints)
        return answer(order, result, checkpoint, time.perf_counter() - began)
