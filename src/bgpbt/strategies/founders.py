"""The configurations that iterations began with, and what a model makes of them for the next.

Chebykin, Alderliesten and Bosman (2025), arXiv 2511.09190, section 3.3. Each configuration with which a
member of an iteration began is one point: its time is the number of the iteration, its target how much better
than at the start any of its descendants has scored. A time-varying process proposes near the one that did
best in the last iteration.

Nobody scores fresh or shrunk weights. The worst first score of an iteration stands for what its members began
with, as in `bgpbt.strategies.observations`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bgpbt.records import Configuration, ProposalSource
from bgpbt.space import Space
from bgpbt.strategies.rules import ClosedRound, Member
from bgpbt.strategies.selection import best_first, is_number
from bgpbt.strategies.streams import stream
from bgpbt.strategies.truncation_rule import Explored
from bgpbt.surrogate import (
    Observation,
    PendingPoint,
    SuggestRequest,
    SurrogateSettings,
    start_region,
    suggest,
)

__all__ = ["NO_FOUNDER", "Founder", "first_configurations", "founders_of", "with_descendants"]

NO_FOUNDER = -1
"""Stands for the founder of a member that was added later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Founder:
    """A configuration with which a member of an iteration began."""

    configuration: Configuration
    iteration: int
    score_before: float  # stands for that of its first weights
    best_score: float  # of all its descendants; NaN if none has one


def founders_of(closed: ClosedRound, iteration: int) -> tuple[Founder, ...]:
    """Return the founders of an iteration from its first round: the members that stay, by their new slot."""
    scores = [member.score for member in closed.members if member.is_usable]
    score_before = min(scores, default=math.nan)
    return tuple(
        Founder(
            configuration=member.configuration,
            iteration=iteration,
            score_before=score_before,
            best_score=math.nan,
        )
        for member in closed.kept
    )


def with_descendants(
    founders: Sequence[Founder], members: Sequence[Member], line: Sequence[int]
) -> tuple[Founder, ...]:
    """Return founders with the scores of members; `line` is the founder's index of each, or `NO_FOUNDER`."""
    updated = list(founders)
    for member, index in zip(members, line, strict=True):
        if index != NO_FOUNDER and member.is_usable and not member.score <= updated[index].best_score:
            updated[index] = replace(updated[index], best_score=member.score)
    return tuple(updated)


def first_configurations(
    space: Space, founders: Sequence[Founder], count: int, surrogate: SurrogateSettings, closed: ClosedRound
) -> tuple[Explored, ...]:
    """Return so many configurations for a new iteration: half are random, the others come from the model.

    All are random where no founder of the last iteration has a score.
    """
    last = max((founder.iteration for founder in founders), default=0)
    newest = [founder for founder in founders if founder.iteration == last]
    ranking = best_first([founder.best_score for founder in newest])
    best = newest[ranking[0]] if ranking and is_number(newest[ranking[0]].best_score) else None
    random = count if best is None else count // 2
    drawn = space.sample(random, stream(closed.seed, closed.round, "first configurations"))
    explored = [Explored(configuration=each, source=ProposalSource.RANDOM) for each in drawn]
    if best is None:
        return tuple(explored)
    observations = [_observation(founder) for founder in founders]
    fit: tuple[float, ...] = ()
    for slot in range(random, count):
        request = SuggestRequest(
            centre=best.configuration,
            score_before=best.score_before,
            time=float(last + 1),
            pending=tuple(
                PendingPoint(configuration=one.configuration, score_before=best.score_before)
                for one in explored
            ),
            warm_start=fit,
        )
        suggestion = suggest(
            space,
            observations,
            request,
            start_region(surrogate),
            surrogate,
            (closed.seed, closed.round, slot),
        )
        fit = suggestion.fit or fit
        explored.append(
            Explored(
                configuration=suggestion.configuration,
                source=ProposalSource.MODEL if suggestion.reason is None else ProposalSource.FALLBACK,
                note=suggestion.reason or "",
                figures={f"model.{name}": value for name, value in suggestion.figures.items()},
            )
        )
    return tuple(explored)


def _observation(founder: Founder) -> Observation:
    return Observation(
        configuration=founder.configuration,
        score_before=founder.score_before,
        time=float(founder.iteration),
        improvement_rate=founder.best_score - founder.score_before,
    )
