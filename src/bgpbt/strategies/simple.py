"""The controls: random search, and selection without any change of configuration.

Whatever an optimiser gains, it gains over these two: random search says what the budget is worth, and "no
mutation" what copying the best weights is worth.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bgpbt.records import ProposalSource
from bgpbt.space import Space
from bgpbt.strategies.rules import Assignment, ClosedRound
from bgpbt.strategies.truncation_rule import Clone, Explored, train_apart

__all__ = ["KeepConfiguration", "NoState", "RandomSearch"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoState:
    """The state of what remembers nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomSearch:
    """A rule: everybody trains to the end as it began; who cannot go on starts afresh at random."""

    space: Space

    @property
    def state_type(self) -> type[NoState]:
        """Nothing is remembered."""
        return NoState

    def begin(self) -> NoState:
        """Return the empty state."""
        return NoState()

    def assign(self, state: NoState, closed: ClosedRound) -> tuple[NoState, tuple[Assignment, ...]]:
        """Let all go on that can."""
        return state, train_apart(self.space, closed)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepConfiguration:
    """An exploration that changes nothing: clones keep the donor's configuration."""

    @property
    def state_type(self) -> type[NoState]:
        """Nothing is remembered."""
        return NoState

    def begin(self) -> NoState:
        """Return the empty state."""
        return NoState()

    def explore(
        self, state: NoState, closed: ClosedRound, clones: Sequence[Clone]
    ) -> tuple[NoState, tuple[Explored, ...]]:
        """Give each clone its donor's configuration."""
        return state, tuple(
            Explored(configuration=clone.donor.configuration, source=ProposalSource.INHERITED)
            for clone in clones
        )
