"""Rounds that get longer: twice as long whenever the best has not improved for three rounds.

After IPBT (Chebykin, Alderliesten and Bosman, 2025, arXiv 2511.09190), without its restarts: short rounds
find what helps at once, long ones what helps later. The smoothed best of `bgpbt.strategies.stagnation` says
when. Rounds are not doubled unless two of the new length fit into what is left.
"""

from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar, cast

from bgpbt.errors import InputError
from bgpbt.strategies.rules import Assignment, ClosedRound, Rule
from bgpbt.strategies.settings import PopulationSettings
from bgpbt.strategies.stagnation import PATIENCE, Progress, progress_with

__all__ = ["GrowingRounds", "GrowingState"]

RuleState = TypeVar("RuleState")


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowingState(Generic[RuleState]):
    """What is remembered from round to round."""

    inner: RuleState
    length: int  # environment steps of a round
    progress: Progress = field(default_factory=Progress)  # since rounds have this length


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowingRounds(Generic[RuleState]):
    """Wraps a rule (`bgpbt.strategies.rules.Rule`) into one that says how long rounds are, too.

    Raises:
        InputError: the settings say how long the last rounds are.
    """

    settings: PopulationSettings
    inner: Rule[RuleState]

    def __post_init__(self) -> None:
        if self.settings.t_ready_end is not None:
            raise InputError(
                f"t_ready_end = {self.settings.t_ready_end} must be left out with growing_rounds = true: "
                f"both say how long rounds are"
            )

    @property
    def state_type(self) -> type[GrowingState[RuleState]]:
        """The length, and the state of the other rule."""
        inner_type = self.inner.state_type
        return cast(type[GrowingState[RuleState]], GrowingState[inner_type])  # type: ignore[valid-type]

    def begin(self) -> GrowingState[RuleState]:
        """Return the state before the first round."""
        return GrowingState(inner=self.inner.begin(), length=self.settings.t_ready)

    def assign(
        self, state: GrowingState[RuleState], closed: ClosedRound
    ) -> tuple[GrowingState[RuleState], tuple[Assignment, ...]]:
        """Let the other rule decide, and say how long the round is."""
        best = max((member.score for member in closed.kept if member.is_usable), default=None)
        if best is not None:
            state = replace(state, progress=progress_with(state.progress, best))
        if state.progress.failures >= PATIENCE and 4 * state.length <= self._left(closed):
            state = replace(state, length=2 * state.length, progress=Progress())
        inner, assignments = self.inner.assign(state.inner, closed)
        return replace(state, inner=inner), tuple(replace(one, length=state.length) for one in assignments)

    def _left(self, closed: ClosedRound) -> int:
        """Return the environment steps that every lineage may still be trained for."""
        left = self.settings.longest - closed.target
        return left if closed.left is None else min(left, closed.left // len(closed.kept))
