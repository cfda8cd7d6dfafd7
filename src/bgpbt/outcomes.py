"""What a trainer gives back, checked field by field before anything is stored or planned with it.

Anything may come back from a user's code: NumPy scalars, texts, nothing at all. Whatever stands for a number
becomes that number; whatever does not is refused by the name of its field.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
import numpy.typing as npt

from bgpbt.errors import InputError, one_line, shown, storable
from bgpbt.records import Checkpoint, Outcome

__all__ = ["EpisodeReturns", "plain_outcome", "plain_outcomes"]

_MOST = 2**63  # counts are below; tables hold 64 bits


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeReturns:
    """What an evaluation measured."""

    return_n: npt.NDArray[np.float64]  # undiscounted sum of unscaled rewards of each episode
    steps: int  # environment steps, those after an episode's end included

    @property
    def mean(self) -> float:
        """Mean return; NaN if any episode's is."""
        return float(np.mean(self.return_n))

    @property
    def standard_error(self) -> float:
        """Standard error of the mean; 0 for a single episode."""
        if self.return_n.size < 2:
            return 0.0
        return float(np.std(self.return_n, ddof=1) / np.sqrt(self.return_n.size))


def plain_outcome(answer: object) -> Outcome:
    """Return an outcome in plain Python values, which reads back from the disk as it is.

    Raises:
        InputError: it is no outcome, or a field is not what `Outcome` says; the text has field and value.
    """
    if not isinstance(answer, Outcome):
        raise InputError(f"{shown(answer)} is of type {_kind(answer)}; it must be an Outcome")
    return Outcome(
        round=_count("round", answer.round),
        member=_count("member", answer.member),
        checkpoint=_checkpoint(answer.checkpoint),
        score=_number("score", answer.score),
        steps=_count("steps", answer.steps),
        evaluation_steps=_count("evaluation_steps", answer.evaluation_steps, least=0),
        seconds=_number("seconds", answer.seconds),
        figures=_figures(answer.figures),
        failure=_failure(answer.failure),
    )


def plain_outcomes(answers: Sequence[object]) -> tuple[Outcome, ...]:
    """Return the outcomes of a round in plain Python values; see `plain_outcome`.

    Raises:
        InputError: the text says which of them, from 0, and what is wrong with it.
    """
    outcomes = []
    for index, answer in enumerate(answers):
        try:
            outcomes.append(plain_outcome(answer))
        except InputError as error:
            raise InputError(f"outcome {index}: {error}") from error
    return tuple(outcomes)


def _number(name: str, value: object) -> float:
    plain = _unwrapped(value)
    if isinstance(plain, Real) and not isinstance(plain, bool):
        try:
            return float(plain)
        except OverflowError:
            raise InputError(f"{name} = {shown(value)} is too large for a float") from None
    raise InputError(f"{name} = {shown(value)} must be a number, got {_kind(value)}")


def _count(name: str, value: object, *, least: int = -_MOST) -> int:
    plain = _unwrapped(value)
    if not isinstance(plain, Integral) or isinstance(plain, bool):
        raise InputError(f"{name} = {shown(value)} must be a whole number, got {_kind(value)}")
    count = int(plain)
    if not least <= count < _MOST:
        least_shown = "-2**63" if least else "0"
        raise InputError(f"{name} = {shown(value)} must be from {least_shown} to 2**63 - 1")
    return count


def _checkpoint(value: object) -> Checkpoint | None:
    if value is None:
        return None
    if not isinstance(value, str) or storable(value) != value:
        raise InputError(f"checkpoint = {shown(value)} must be what `checkpoints.save` returned, or None")
    return Checkpoint(value)


def _figures(value: object) -> dict[str, float]:
    if not isinstance(value, Mapping):
        raise InputError(f"figures = {shown(value)} must map names to numbers, got {_kind(value)}")
    try:
        items = list(value.items())
    except Exception as error:  # a mapping of a user's own
        raise InputError(f"figures cannot be read: {one_line(error)}") from error
    figures = {}
    for name, figure in items:
        if not isinstance(name, str) or storable(name) != name:
            raise InputError(f"figures: the name {shown(name)} must be a text")
        figures[name] = _number(f"figures[{shown(name)}]", figure)
    return figures


def _failure(value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise InputError(f"failure = {shown(value)} must be a text or None, got {_kind(value)}")
    return None if value is None else storable(" ".join(value.split()))


def _unwrapped(value: Any) -> object:
    """Return the number inside an array of one item, of whatever library; anything else as it is."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    try:
        return value.item()
    except Exception:  # it has none, or holds several
        return value


def _kind(value: object) -> str:
    return type(value).__name__
