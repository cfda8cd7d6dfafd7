"""What a closed round tells a model: how fast each configuration made its member better, and who goes on.

Parker-Holder et al. (2020), section 4: the target is the change of score, here divided by the steps trained.
"""

import math
from collections.abc import Sequence

from bgpbt.strategies.rules import ClosedRound, Member
from bgpbt.strategies.truncation_rule import Clone
from bgpbt.surrogate import Observation, PendingPoint

__all__ = ["observations_of", "pending_points"]


def observations_of(closed: ClosedRound) -> tuple[Observation, ...]:
    """Return one observation for each member that was trained, in the initial design too; time is in rounds.

    Nobody scores fresh weights. Where several members began afresh in one round, as in the initial design,
    the worst of their scores stands for what they began with, so that among themselves they are ordered by
    what they reached. A fresh member alone has a rate of NaN.
    """
    fresh_score = _fresh_score(closed)
    return tuple(_observation(member, closed.round, fresh_score) for member in closed.members)


def pending_points(closed: ClosedRound, clones: Sequence[Clone]) -> tuple[PendingPoint, ...]:
    """Return the members that train on as they are in the coming round."""
    replaced = {clone.slot for clone in clones}
    return tuple(
        PendingPoint(configuration=member.configuration, score_before=member.score)
        for slot, member in enumerate(closed.kept)
        if slot not in replaced and member.is_usable
    )


def _fresh_score(closed: ClosedRound) -> float:
    scores = [m.score for m in closed.members if m.is_usable and math.isnan(m.score_before)]
    return min(scores) if len(scores) > 1 else math.nan


def _observation(member: Member, round_index: int, fresh_score: float) -> Observation:
    score_before = fresh_score if math.isnan(member.score_before) else member.score_before
    rate = (member.score - score_before) / member.trained if member.trained and member.is_usable else math.nan
    return Observation(
        configuration=member.configuration,
        score_before=score_before,
        time=float(round_index),
        improvement_rate=rate,
    )
