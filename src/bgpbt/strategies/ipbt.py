"""IPBT: rounds are short at first, and twice as long after each restart.

Chebykin, Alderliesten and Bosman (2025), "Iterated Population Based Training with Task-Agnostic Restarts",
arXiv 2511.09190. How long a round should be differs from task to task, and so it is not asked for: the first
rounds take 1% of a member's budget. When the population has stopped improving (`bgpbt.strategies.stagnation`)
it restarts, and rounds are twice as long. An iteration trains by another rule: truncation selection with the
exploration of BG-PBT, whose model and region begin anew with it.

At a restart the population has twice its members for one round, of which the better half stays. Half of them
have fresh weights, the others a share of those of the best quarter (`ShrinkPerturb`). Half of the
configurations are random, half come from a model over those that earlier iterations began with
(`bgpbt.strategies.founders`). The halves are drawn independently of each other.

Our reading where the paper leaves a choice:

- The members that leave after a restart's round were paid for: every lineage ends as many steps earlier.
- No restart unless its own round and one more of the doubled length fit into what is left.
- The weights of the best quarter are handed out in turn.
- Where a trainer cannot shrink weights (none of the shrunk members comes back) later restarts use fresh ones.
- The initial design has as many members as the settings say, as with every other strategy.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar, cast

from bgpbt.errors import InputError
from bgpbt.records import ProposalSource
from bgpbt.space import Space
from bgpbt.strategies.founders import (
    NO_FOUNDER,
    Founder,
    first_configurations,
    founders_of,
    with_descendants,
)
from bgpbt.strategies.rules import Assignment, ClosedRound, Member, Rule, Shrinkage
from bgpbt.strategies.selection import best_first
from bgpbt.strategies.settings import PopulationSettings
from bgpbt.strategies.stagnation import Progress, is_stagnant, progress_with
from bgpbt.strategies.truncation_rule import Explored
from bgpbt.streams import stream
from bgpbt.surrogate import SurrogateSettings

__all__ = ["Iterated", "IteratedState"]

RuleState = TypeVar("RuleState")

GROWTH = 2
"""Times that a restart makes rounds longer, and its own round's population larger."""

BEST_SHARE = 0.25
"""Of the population, whose weights a restart shrinks."""

SHRINKAGE = Shrinkage(keep=0.2, fresh=0.1)
"""Of the weights that a restart takes over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IteratedState(Generic[RuleState]):
    """What is remembered from round to round."""

    inner: RuleState
    length: int  # environment steps of a round
    iteration: int = 0
    forgone: int = 0  # environment steps by which every lineage ends earlier, for members of restarts
    progress: Progress = field(default_factory=Progress)  # of this iteration
    founders: tuple[Founder, ...] = ()  # of all iterations
    line: tuple[int, ...] = ()  # founder of each member of the round under way; empty: its first round
    shrunk: tuple[int, ...] = ()  # slots of the round under way that began with shrunk weights
    can_shrink: bool = True  # whether any trainer has done so, as far as it is known


@dataclass(frozen=True, slots=True, kw_only=True)
class Iterated(Generic[RuleState]):
    """Wraps the rule of an iteration (`bgpbt.strategies.rules.Rule`) into one over restarts.

    Raises:
        InputError: the settings have rungs.
    """

    space: Space
    settings: PopulationSettings
    inner: Rule[RuleState]
    surrogate: SurrogateSettings

    def __post_init__(self) -> None:
        if self.settings.rungs is not None:
            raise InputError(
                f"strategy ipbt: its population changes at restarts alone, and "
                f"{len(self.settings.rungs)} rungs were given; leave rungs and population_schedule out"
            )

    @property
    def state_type(self) -> type[IteratedState[RuleState]]:
        """The iteration, and the state of the other rule."""
        inner_type = self.inner.state_type
        return cast(type[IteratedState[RuleState]], IteratedState[inner_type])  # type: ignore[valid-type]

    def begin(self) -> IteratedState[RuleState]:
        """Return the state of the first iteration."""
        return IteratedState(inner=self.inner.begin(), length=self.settings.t_ready)

    def assign(
        self, state: IteratedState[RuleState], closed: ClosedRound
    ) -> tuple[IteratedState[RuleState], tuple[Assignment, ...]]:
        """Restart, let the other rule decide, or end the run."""
        if not state.line:
            closed = _without_proposals(closed)
        state = self._learn(state, closed)
        left = self.settings.longest - state.forgone - closed.target
        if left <= 0:
            return state, ()
        if self._is_due(state, closed, left):
            return self._restart(state, closed)
        inner, assignments = self.inner.assign(state.inner, closed)
        founder = dict(zip((member.slot for member in closed.kept), state.line, strict=True))
        line = tuple(NO_FOUNDER if one.parent is None else founder[one.parent.slot] for one in assignments)
        length = min(state.length, left)
        return replace(state, inner=inner, line=line, shrunk=()), tuple(
            replace(one, generation=state.iteration, length=length) for one in assignments
        )

    def _learn(self, state: IteratedState[RuleState], closed: ClosedRound) -> IteratedState[RuleState]:
        """Take a round in; the line is then that of the members that are kept."""
        founders = state.founders
        if state.line:
            line = tuple(state.line[member.slot] for member in closed.kept)
        else:
            line = tuple(range(len(founders), len(founders) + len(closed.kept)))
            founders = (*founders, *founders_of(closed, state.iteration))
        best = max((member.score for member in closed.kept if member.is_usable), default=math.nan)
        progress = state.progress if math.isnan(best) else progress_with(state.progress, best)
        is_refused = state.shrunk and not any(closed.members[slot].checkpoint for slot in state.shrunk)
        return replace(
            state,
            progress=progress,
            founders=with_descendants(founders, closed.kept, line),
            line=line,
            can_shrink=state.can_shrink and not is_refused,
        )

    def _is_due(self, state: IteratedState[RuleState], closed: ClosedRound, left: int) -> bool:
        """Return whether to restart: its round takes the steps of two, and one more must follow."""
        if closed.left is not None:
            left = min(left, closed.left // len(closed.kept))
        has_room = left >= (GROWTH + 1) * GROWTH * state.length
        is_usable = any(member.is_usable for member in closed.kept)
        return closed.can_copy and has_room and is_usable and is_stagnant(state.progress)

    def _restart(
        self, state: IteratedState[RuleState], closed: ClosedRound
    ) -> tuple[IteratedState[RuleState], tuple[Assignment, ...]]:
        count, length = GROWTH * len(closed.kept), GROWTH * state.length
        explored = first_configurations(self.space, state.founders, count, self.surrogate, closed)
        kept_weights = stream(closed.seed, closed.round, "shrunk weights").permutation(count)[: count // 2]
        shrunk = tuple(sorted(kept_weights.tolist())) if state.can_shrink else ()
        parents = dict(zip(shrunk, _in_turn(_best(closed.kept), len(shrunk)), strict=True))
        state = replace(
            state,
            inner=self.inner.begin(),
            length=length,
            iteration=state.iteration + 1,
            forgone=state.forgone + (GROWTH - 1) * length,
            progress=Progress(),
            line=(),
            shrunk=shrunk,
        )
        return state, tuple(
            _begun(state, one, parents.get(slot), closed.target) for slot, one in enumerate(explored)
        )


def _begun(
    state: IteratedState[RuleState], explored: Explored, parent: Member | None, target: int
) -> Assignment:
    """Return what a member of a new iteration trains; without a parent it has fresh weights."""
    if parent is not None:
        weights = f"{SHRINKAGE.keep} x weights of member {parent.slot} + {SHRINKAGE.fresh} x new ones"
    elif state.can_shrink:
        weights = "fresh weights"
    else:
        weights = "fresh weights, since the trainer cannot shrink any"
    parts = (f"iteration {state.iteration + 1}: {weights}", explored.note)
    return Assignment(
        parent=parent,
        configuration=explored.configuration,
        source=explored.source,
        note="; ".join(part for part in parts if part),
        figures=explored.figures,
        generation=state.iteration,
        shrinkage=None if parent is None else SHRINKAGE,
        begun_at=target,
        length=state.length,
    )


def _best(kept: Sequence[Member]) -> list[Member]:
    """Return the usable members of the best quarter, one at least, best first."""
    usable = [member for member in kept if member.is_usable]
    ranked = [usable[place] for place in best_first([member.score for member in usable])]
    return ranked[: max(1, int(BEST_SHARE * len(kept)))]


def _in_turn(members: Sequence[Member], count: int) -> list[Member]:
    return [members[place % len(members)] for place in range(count)]


def _without_proposals(closed: ClosedRound) -> ClosedRound:
    """Return the first round of an iteration as its region sees it, which has proposed nothing in it."""

    def seen(member: Member) -> Member:
        is_proposed = member.source is ProposalSource.MODEL
        return replace(member, source=ProposalSource.RANDOM) if is_proposed else member

    return replace(
        closed,
        members=tuple(seen(member) for member in closed.members),
        kept=tuple(seen(member) for member in closed.kept),
    )
