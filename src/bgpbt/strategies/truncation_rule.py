"""The rule of population-based training: the worst copy the best (exploit) and vary what they got (explore).

Jaderberg et al. (2017), section 3. How a copied configuration is varied is for an `Explore` to say;
strategies of this family differ in nothing else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, Protocol, TypeVar

from bgpbt import checks
from bgpbt.records import Configuration, ProposalSource
from bgpbt.space import Space
from bgpbt.strategies.rules import Assignment, ClosedRound, Member
from bgpbt.strategies.selection import truncation
from bgpbt.strategies.settings import PopulationSettings
from bgpbt.streams import stream

__all__ = ["Clone", "Explore", "Explored", "TruncationRule", "fresh_members", "going_on", "train_apart"]

Memory = TypeVar("Memory")


@dataclass(frozen=True, slots=True, kw_only=True)
class Clone:
    """A slot whose member is replaced by a copy of a donor."""

    slot: int  # in the next round
    donor: Member


@dataclass(frozen=True, slots=True, kw_only=True)
class Explored:
    """The configuration a clone goes on with."""

    configuration: Configuration
    source: ProposalSource
    note: str = ""  # for people
    figures: Mapping[str, float] = field(default_factory=dict)  # of the model behind it


class Explore(Protocol[Memory]):
    """Varies the configurations of clones, and remembers what it needs to. Pure."""

    @property
    def memory_type(self) -> type[Memory]:
        """The dataclass of what is remembered from round to round."""
        ...

    def begin(self) -> Memory:
        """Return what is remembered before the first round."""
        ...

    def explore(
        self, memory: Memory, closed: ClosedRound, clones: Sequence[Clone]
    ) -> tuple[Memory, tuple[Explored, ...]]:
        """Learn from a closed round and give each clone, of which there may be none, a configuration."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TruncationRule(Generic[Memory]):
    """Truncation selection, with any way to explore.

    With `backtrack` a loser copies the best member of all rounds instead of one of the best of this round;
    what that copy lacks in steps it trains again.
    """

    space: Space
    settings: PopulationSettings
    explore: Explore[Memory]
    backtrack: bool = False
    keep_donor: float = 0.0  # chance that a clone keeps its donor's configuration instead of exploring

    def __post_init__(self) -> None:
        checks.within("keep_donor", self.keep_donor, 0, 1)

    @property
    def memory_type(self) -> type[Memory]:
        """The memory is that of the exploration."""
        return self.explore.memory_type

    def begin(self) -> Memory:
        """Return what is remembered before the first round."""
        return self.explore.begin()

    def assign(self, memory: Memory, closed: ClosedRound) -> tuple[Memory, tuple[Assignment, ...]]:
        """Let the best go on, replace the worst; if nobody can go on, start afresh."""
        clones = self._clones(closed)
        kept_by = {clone.slot for clone in clones if self._keeps(closed, clone)}
        exploring = tuple(clone for clone in clones if clone.slot not in kept_by)
        memory, explored = self.explore.explore(memory, closed, exploring)
        if not closed.can_copy:
            return memory, train_apart(self.space, closed)
        if not any(member.is_usable for member in closed.kept):
            return memory, fresh_members(self.space, closed, range(len(closed.kept)))
        assignments = {
            clone.slot: Assignment(
                parent=clone.donor,
                configuration=result.configuration,
                source=result.source,
                note=result.note,
                figures=result.figures,
            )
            for clone, result in zip(exploring, explored, strict=True)
        }
        kept = {
            clone.slot: replace(going_on(clone.donor), note="keeps its donor's configuration")
            for clone in clones
            if clone.slot in kept_by
        }
        return memory, tuple(
            assignments.get(slot) or kept.get(slot) or going_on(member)
            for slot, member in enumerate(closed.kept)
        )

    def _keeps(self, closed: ClosedRound, clone: Clone) -> bool:
        if self.keep_donor == 0.0:
            return False
        return bool(stream(closed.seed, closed.round, f"keep {clone.slot}").random() < self.keep_donor)

    def _clones(self, closed: ClosedRound) -> tuple[Clone, ...]:
        if not closed.can_copy:
            return ()
        scores = [member.score if member.is_usable else float("nan") for member in closed.kept]
        replaced = self.settings.replaced_of(len(closed.kept))
        donors = truncation(scores, replaced, stream(closed.seed, closed.round, "exploit"))
        return tuple(
            Clone(slot=loser, donor=closed.best if self.backtrack and closed.best else closed.kept[donor])
            for loser, donor in donors.items()
        )


def going_on(member: Member) -> Assignment:
    """Let a member train on as it is."""
    return Assignment(parent=member, configuration=member.configuration, source=ProposalSource.INHERITED)


def train_apart(space: Space, closed: ClosedRound) -> tuple[Assignment, ...]:
    """Let every member continue by itself; one that left no weights starts afresh with random configuration.

    In a burn-in a member that has weights and no score yet, since no episode has ended, continues too.
    """
    lost = [
        slot
        for slot, member in enumerate(closed.kept)
        if member.checkpoint is None or (closed.can_copy and not member.is_usable)
    ]
    fresh = dict(zip(lost, fresh_members(space, closed, lost), strict=True))
    return tuple(
        fresh.get(slot) or (going_on(member) if member.is_usable else _without_score(member))
        for slot, member in enumerate(closed.kept)
    )


def _without_score(member: Member) -> Assignment:
    return replace(going_on(member), note="it has no score yet and continues from its weights")


def fresh_members(space: Space, closed: ClosedRound, slots: Sequence[int]) -> tuple[Assignment, ...]:
    """Start slots from fresh weights with random configurations, since nothing can be gone on from."""
    configurations = space.sample(len(slots), stream(closed.seed, closed.round, "fresh members"))
    return tuple(
        Assignment(
            parent=None,
            configuration=configuration,
            source=ProposalSource.RANDOM,
            note=f"round {closed.round} left no weights to go on from",
        )
        for configuration in configurations
    )
