"""What a rule sees of a population, and what it says: members and closed rounds in, assignments out.

A rule is what tells one strategy from another. `bgpbt.strategies.population` keeps the books for all of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from bgpbt.records import Checkpoint, Configuration, ProposalSource
from bgpbt.strategies.selection import is_number

__all__ = ["Assignment", "ClosedRound", "Lesson", "Member", "Rule", "Shrinkage"]

RuleState = TypeVar("RuleState")


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One member as a round left it."""

    slot: int  # its order's member
    configuration: Configuration
    source: ProposalSource  # where the configuration came from when it last changed
    checkpoint: Checkpoint | None
    steps: int  # environment steps along its lineage
    trained: int  # of them in this round
    score: float  # NaN or infinite if it cannot be ranked
    score_before: float  # of the weights it started from; NaN if they were fresh
    is_new: bool = False  # whether the configuration was given to it for this round

    @property
    def is_usable(self) -> bool:
        """Whether another order can continue from it."""
        return self.checkpoint is not None and is_number(self.score)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedRound:
    """A round whose outcomes are all there."""

    seed: int  # of the run
    round: int
    target: int  # environment steps of each lineage when this round ends, but for what trainers left out
    members: tuple[Member, ...]  # all that were trained, by slot
    kept: tuple[Member, ...]  # those that stay, the best by rank; by slot
    best: Member | None  # the best so far, of this and all earlier rounds
    can_copy: bool = True  # False: a burn-in, in which no member is copied or perturbed
    left: int | None = None  # environment steps that the budget still pays for; None: there is no budget
    note: str = ""  # for people: why members leave with this round


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """A rung of a student's distillation: what it learns from, and for how long."""

    teacher: Checkpoint
    rung: int  # of successive halving, from 0
    begun_at: int  # target of the round before the distillation: the student's budget starts there
    until: int  # environment steps of distillation when this rung ends
    total: int  # environment steps of the whole distillation
    is_grown: bool = False  # the student begins as its enlarged teacher and needs to be told nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Shrinkage:
    """What a member begins with instead of its parent's weights: `keep` times them plus `fresh` new ones."""

    keep: float  # in [0, 1]
    fresh: float  # in [0, 1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """What one slot trains next."""

    parent: Member | None  # whose weights it starts from; None: fresh ones
    configuration: Configuration
    source: ProposalSource
    note: str = ""  # for people
    figures: Mapping[str, float] = field(default_factory=dict)  # of the model behind it
    generation: int = 0  # of architectures
    lesson: Lesson | None = None  # None: it trains as a member of the population
    shrinkage: Shrinkage | None = None  # None: it starts from its parent's weights as they are
    begun_at: int = 0  # environment steps of its budget that a member with fresh weights has used up
    length: int | None = None  # environment steps of the round, equal for all; None: as the settings say


class Rule(Protocol[RuleState]):
    """What tells strategies apart: whose weights a member continues from, with which configuration. Pure."""

    @property
    def state_type(self) -> type[RuleState]:
        """The dataclass of what the rule remembers from round to round."""
        ...

    def begin(self) -> RuleState:
        """Return what is remembered before the first round."""
        ...

    def assign(self, state: RuleState, closed: ClosedRound) -> tuple[RuleState, tuple[Assignment, ...]]:
        """Fill the slots of the next round, usually as many as there are kept members; none: the run ends.

        A parent must be usable. What is more than the kept members leaves after the round, by rank.
        """
        ...
