"""What a trainer of one's own is asked, and what it answers, without a word about storage."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bgpbt.errors import BgpbtError, InputError
from bgpbt.outcomes import plain_outcome
from bgpbt.records import Checkpoint, Configuration, Distil, Grow, Order, Outcome, ShrinkPerturb

__all__ = ["Job", "Result", "TrainerError", "answer", "job_of", "start_of"]


SEEDS = 2**31
"""Seeds of jobs are below: NumPy's global generator takes 32 bits, and others a signed number of 32 bits."""


class TrainerError(BgpbtError):
    """One member could not be trained; the text says why. The run goes on and the member is replaced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Train one member with this configuration for so many steps, and score it."""

    configuration: Configuration
    first_step: int  # steps that the member was trained for before, whatever a step is to the trainer
    steps: int  # steps to train now
    seed: int  # the only source of randomness, in [0, 2**31): what every library takes as a seed
    round: int  # from 0
    member: int  # slot in the round, from 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of a job."""

    score: float  # higher is better
    steps: int | None = None  # steps really trained, at most those asked for; None: all of them
    evaluation_steps: int = 0  # steps spent on the score
    figures: Mapping[str, float] = field(default_factory=dict)  # whatever else was measured


def job_of(order: Order) -> Job:
    """Return an order as its trainer sees it."""
    return Job(
        configuration=order.configuration,
        first_step=order.first_step,
        steps=order.steps,
        seed=order.seed % SEEDS,  # of 63 random bits the lower 31, which are as random
        round=order.round,
        member=order.member,
    )


def start_of(order: Order) -> Checkpoint | None:
    """Return the checkpoint that an order goes on from; None for a new member.

    Raises:
        InputError: the order is to distil, to grow or to shrink weights, which takes a trainer that knows
            networks.
    """
    if isinstance(order.start, Distil | Grow | ShrinkPerturb):
        raise InputError("this trainer knows no networks, so nothing can be distilled, grown or shrunk")
    return order.start.weights


def answer(order: Order, result: Result | float, checkpoint: Checkpoint, seconds: float) -> Outcome:
    """Return the outcome of an order from what a trainer said; a bare number is a score.

    Raises:
        InputError: a field of the result is not a number; the text has its name and value.
    """
    result = result if isinstance(result, Result) else Result(score=result)
    return plain_outcome(
        Outcome(
            round=order.round,
            member=order.member,
            checkpoint=checkpoint,
            score=result.score,
            steps=order.steps if result.steps is None else result.steps,
            evaluation_steps=result.evaluation_steps,
            seconds=seconds,
            figures=result.figures,
        )
    )
