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

__all__ = ["KeepConfiguration", "Nothing", "RandomSearch"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing:
    """The memory of what remembers nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomSearch:
    """A rule: everybody trains to the end as it began; who cannot go on starts afresh at random."""

    space: Space

    @property
    def memory_type(self) -> type[Nothing]:
        """Nothing is remembered."""
        return Nothing

    def begin(self) -> Nothing:
        """Return the empty memory."""
        return Nothing()

    def assign(self, memory: Nothing, closed: ClosedRound) -> tuple[Nothing, tuple[Assignment, ...]]:
        """Let all go on that can."""
        return memory, train_apart(self.space, closed)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepConfiguration:
    """An exploration that changes nothing: clones keep the donor's configuration."""

    @property
    def memory_type(self) -> type[Nothing]:
        """Nothing is remembered."""
        return Nothing

    def begin(self) -> Nothing:
        """Return the empty memory."""
        return Nothing()

    def explore(
        self, memory: Nothing, closed: ClosedRound, clones: Sequence[Clone]
    ) -> tuple[Nothing, tuple[Explored, ...]]:
        """Give each clone its donor's configuration."""
        return memory, tuple(
            Explored(configuration=clone.donor.configuration, source=ProposalSource.INHERITED)
            for clone in clones
        )
