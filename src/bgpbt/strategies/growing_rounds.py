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

__all__ = ["GrowingMemory", "GrowingRounds"]

Memory = TypeVar("Memory")


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowingMemory(Generic[Memory]):
    """What is remembered from round to round."""

    inner: Memory
    length: int  # environment steps of a round
    progress: Progress = field(default_factory=Progress)  # since rounds have this length


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowingRounds(Generic[Memory]):
    """Wraps a rule (`bgpbt.strategies.rules.Rule`) into one that says how long rounds are, too.

    Raises:
        InputError: the settings say how long the last rounds are.
    """

    settings: PopulationSettings
    inner: Rule[Memory]

    def __post_init__(self) -> None:
        if self.settings.t_ready_end is not None:
            raise InputError(
                f"t_ready_end = {self.settings.t_ready_end} must be left out with growing_rounds = true: "
                f"both say how long rounds are"
            )

    @property
    def memory_type(self) -> type[GrowingMemory[Memory]]:
        """The length, and the memory of the other rule."""
        inner_type = self.inner.memory_type
        return cast(type[GrowingMemory[Memory]], GrowingMemory[inner_type])  # type: ignore[valid-type]

    def begin(self) -> GrowingMemory[Memory]:
        """Return the memory before the first round."""
        return GrowingMemory(inner=self.inner.begin(), length=self.settings.t_ready)

    def assign(
        self, memory: GrowingMemory[Memory], closed: ClosedRound
    ) -> tuple[GrowingMemory[Memory], tuple[Assignment, ...]]:
        """Let the other rule decide, and say how long the round is."""
        best = max((member.score for member in closed.kept if member.is_usable), default=None)
        if best is not None:
            memory = replace(memory, progress=progress_with(memory.progress, best))
        if memory.progress.failures >= PATIENCE and 4 * memory.length <= self._left(closed):
            memory = replace(memory, length=2 * memory.length, progress=Progress())
        inner, assignments = self.inner.assign(memory.inner, closed)
        return replace(memory, inner=inner), tuple(replace(one, length=memory.length) for one in assignments)

    def _left(self, closed: ClosedRound) -> int:
        """Return the environment steps that every lineage may still be trained for."""
        left = self.settings.longest - closed.target
        return left if closed.left is None else min(left, closed.left // len(closed.kept))
