"""Any function as a trainer: weights as any object, as bytes, or as a directory, in and out."""

import inspect
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bgpbt.contracts import Checkpoints
from bgpbt.errors import InputError, shown
from bgpbt.records import Order, Outcome
from bgpbt.trainers.directories import restore_directory, save_directory
from bgpbt.trainers.job import Job, Result, TrainerError, answer, job_of, start_of
from bgpbt.trainers.states import state_from, state_to_arrays

__all__ = ["BytesTrainer", "DirectoryTrainer", "FunctionTrainer", "TrainFunction"]

_CONTENT = "content"

TrainFunction = Callable[[dict[str, Any], int, Any, int], tuple[Any, Result | float]]
"""From a configuration, steps, the state before them (None for a new member) and a seed to the state after
them and a score or `Result`."""


@dataclass(frozen=True, slots=True)
class FunctionTrainer:
    """A function `train(config, steps, state, seed)` that returns the state after these steps and a score.

    A state is any object that `pickle` takes, with arrays of NumPy, JAX or PyTorch anywhere in it, or bytes;
    it is None for a new member. Arrays come back as they were; PyTorch's tensors on the CPU. The seed is in
    [0, 2**31).

    Raises:
        InputError: the function does not take four arguments.
    """

    function: TrainFunction

    def __post_init__(self) -> None:
        try:
            inspect.signature(self.function).bind({}, 1, None, 0)
        except TypeError as error:
            name = getattr(self.function, "__name__", shown(self.function))
            raise InputError(
                f"{name} must take four arguments (config, steps, state, seed): {error}"
            ) from error
        except ValueError:  # a function in C, which does not say
            return

    def train(self, order: Order, checkpoints: Checkpoints) -> Outcome:
        """Carry out an order.

        Raises:
            TrainerError: the function did not return a state and a score, or the state cannot be stored.
            InputError: a field of the result is not a number.
            Exception: whatever the function raises.
        """
        began = time.perf_counter()
        start = start_of(order)
        before = None if start is None else state_from(checkpoints.load(start)[0])
        answered = self.function(dict(order.configuration), order.steps, before, job_of(order).seed)
        after, result = _pair(answered, "a state")
        checkpoint = checkpoints.save(*state_to_arrays(after))
        return answer(order, result, checkpoint, time.perf_counter() - began)


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
        after, result = _pair(answered, "weights")
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


def _pair(answered: object, first: str) -> tuple[Any, Any]:
    """Return the two things that a function returned.

    Raises:
        TrainerError: it returned something else.
    """
    if not isinstance(answered, tuple) or len(answered) != 2:
        raise TrainerError(f"the function returned {shown(answered)}; it must return {first} and a score")
    return answered
