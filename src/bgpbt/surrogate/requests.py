"""What a strategy tells the surrogate, and what it gets back.

All are immutable. Scores and rates may be NaN or infinite: the surrogate leaves such data out.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from bgpbt.records import Configuration

__all__ = ["LEAST_ROUNDS", "Observation", "PendingPoint", "SuggestRequest", "Suggestion", "newest_rounds"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What one member did in one round."""

    configuration: Configuration
    score_before: float  # at the start of the round
    time: float  # rounds since the start of the run; fractions are allowed
    improvement_rate: float  # (score after - score before) / steps trained; higher is better


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingPoint:
    """A member that trains in the coming round with a configuration that is already settled."""

    configuration: Configuration
    score_before: float  # at the start of the coming round


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestRequest:
    """Ask for the next configuration of one member."""

    centre: Configuration  # of the member whose weights are taken over: the centre of the trust region
    score_before: float  # of that member: the context, held fixed in the search
    time: float  # of the coming round, in the unit of `Observation.time`
    pending: tuple[PendingPoint, ...] = ()
    frozen: tuple[str, ...] = ()  # names of inputs that keep the centre's value
    warm_start: tuple[float, ...] = ()  # `Suggestion.fit` of an earlier call; empty: none


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """The configuration to train with next, and how it came about."""

    configuration: Configuration
    reason: str | None = None  # why it is random; None: it comes from the model
    figures: Mapping[str, float] = field(default_factory=dict)  # for the history: lengthscales, noise, ...
    fit: tuple[float, ...] = ()  # fitted hyperparameters, to warm-start a later call


LEAST_ROUNDS = 3
"""Rounds that a model always sees, however many members they have."""


def newest_rounds(observations: Sequence[Observation], most: int) -> tuple[Observation, ...]:
    """Return the newest whole rounds that have at most so many observations together, three rounds at least.

    A round is never cut: its members are in the order of their slots, which says nothing of their worth.
    `observations` are oldest first.
    """
    counts = Counter(observation.time for observation in observations)
    times = sorted(counts, reverse=True)
    fitting = sum(total <= most for total in accumulate(counts[time] for time in times))
    wanted = set(times[: max(fitting, LEAST_ROUNDS)])
    return tuple(observation for observation in observations if observation.time in wanted)
