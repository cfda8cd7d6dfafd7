"""The nouns: what strategies, trainers and storage say to each other.

An `Order` asks for one member's training in one round, a `Plan` holds the orders of a round, and an
`Outcome` says what came of an order. All are immutable and go to JSON and back unchanged
(`bgpbt.encoding`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, NewType

from bgpbt import checks
from bgpbt.errors import InputError

__all__ = [
    "TRAINED_PREFIX",
    "Checkpoint",
    "Configuration",
    "Distil",
    "Fresh",
    "From",
    "Grow",
    "Order",
    "Outcome",
    "Plan",
    "Proposal",
    "ProposalSource",
    "Purpose",
    "ShrinkPerturb",
    "Start",
    "Trained",
    "Value",
]

Value = bool | int | float | str
"""One hyperparameter's value, in the user's own units."""

Configuration = Mapping[str, Value]
"""Hyperparameter name to value; an inactive hyperparameter is absent."""

TRAINED_PREFIX = "trained."
"""Before a hyperparameter's name, among an outcome's figures: the value that its trainer used instead."""

Checkpoint = NewType("Checkpoint", str)
"""SHA-256 of a checkpoint's content, in lower-case hexadecimal. Cloning a member is naming its hash again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fresh:
    """Start from newly initialised weights."""

    @property
    def weights(self) -> Checkpoint | None:
        """The checkpoint whose weights are trained further; None: the weights are new."""
        return None

    @property
    def reads(self) -> tuple[Checkpoint, ...]:
        """The checkpoints that an order with this start reads: none."""
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class From:
    """Start from everything a checkpoint holds: weights, optimiser moments, normaliser, environments."""

    checkpoint: Checkpoint

    @property
    def weights(self) -> Checkpoint | None:
        """The checkpoint whose weights are trained further."""
        return self.checkpoint

    @property
    def reads(self) -> tuple[Checkpoint, ...]:
        """The checkpoints that an order with this start reads."""
        return (self.checkpoint,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Distil:
    """Train a student towards a teacher; `student` is None when its weights are to be initialised.

    Raises:
        InputError: the steps or the rung are not allowed.
    """

    teacher: Checkpoint
    student: Checkpoint | None = None
    rung: int = 0  # of successive halving; 0 is the first
    first_step: int = 0  # environment steps that the student has been distilled for
    total_steps: int  # environment steps of the whole distillation, over which the teacher's weight falls

    def __post_init__(self) -> None:
        if self.rung < 0 or not 0 <= self.first_step < self.total_steps:
            raise InputError(
                f"a distillation needs a rung of 0 or more and 0 <= first_step < total_steps, "
                f"got rung {self.rung}, first_step {self.first_step} and total_steps {self.total_steps}"
            )

    @property
    def weights(self) -> Checkpoint | None:
        """The checkpoint whose weights are trained further: the student's; None: the weights are new."""
        return self.student

    @property
    def reads(self) -> tuple[Checkpoint, ...]:
        """The checkpoints that an order with this start reads: the teacher, then the student."""
        return (self.teacher,) if self.student is None else (self.teacher, self.student)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grow:
    """Start from a checkpoint whose networks are enlarged to the order's architectures, same in function."""

    parent: Checkpoint

    @property
    def weights(self) -> Checkpoint | None:
        """The checkpoint whose weights are trained further."""
        return self.parent

    @property
    def reads(self) -> tuple[Checkpoint, ...]:
        """The checkpoints that an order with this start reads."""
        return (self.parent,)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShrinkPerturb:
    """Start from a checkpoint whose weights are shrunk, with new ones added: keep x old + fresh x new.

    The optimiser begins anew; all else continues as with `From`. Ash and Adams (2020), "On Warm-Starting
    Neural Network Training", section 4.

    Raises:
        InputError: a share is not in [0, 1].
    """

    checkpoint: Checkpoint
    keep: float = 0.2  # share of the old weights
    fresh: float = 0.1  # share of newly initialised ones

    def __post_init__(self) -> None:
        for name in ("keep", "fresh"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise InputError(
                    f"{name} = {getattr(self, name)} must be a share of the weights, from 0 to 1"
                )

    @property
    def weights(self) -> Checkpoint | None:
        """The checkpoint whose weights are trained further."""
        return self.checkpoint

    @property
    def reads(self) -> tuple[Checkpoint, ...]:
        """The checkpoints that an order with this start reads."""
        return (self.checkpoint,)


Start = Fresh | From | Distil | Grow | ShrinkPerturb
"""Where an order begins: `weights` is the checkpoint that it trains further, `reads` all that it needs."""


class Purpose(StrEnum):
    """What a member's environment steps are spent on."""

    INITIAL = "initial"  # candidates of the initial design, of which the best are kept
    TRAIN = "train"  # members of the population
    DISTIL = "distil"  # students of a new generation


class ProposalSource(StrEnum):
    """Where a configuration came from."""

    DEFAULT = "default"  # the space's default values
    RANDOM = "random"  # drawn from the space
    INHERITED = "inherited"  # unchanged since the member's previous round, or taken over with the weights
    PERTURBED = "perturbed"  # PBT's multiplication or resampling, or GPBT's step towards a winner
    MODEL = "model"  # the optimum of an acquisition function
    BANDIT = "bandit"  # drawn by a bandit over categorical choices
    FALLBACK = "fallback"  # random, since the model could not be used; the note says why
    GIVEN = "given"  # by the user, to begin with


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """How a configuration came about."""

    source: ProposalSource
    parent: int | None = None  # member of the previous round whose weights are taken over, if another's
    note: str = ""  # for people: why a fallback, what was perturbed
    figures: Mapping[str, float] = field(default_factory=dict)  # what the strategy's model says of itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Train one member for one round.

    Raises:
        InputError: a count is negative, or `steps` is not positive.
    """

    round: int  # 0 is the first
    member: int  # slot in the round, from 0
    purpose: Purpose
    start: Start
    configuration: Configuration
    first_step: int  # environment steps of its budget that the member has used up
    steps: int  # environment steps to train; a trainer does at most these, less by under one unroll
    seed: int  # the only source of randomness of this order, in [0, 2**63)
    proposal: Proposal
    generation: int = 0  # of architectures, or iteration of a strategy that restarts; 0 is the first

    def __post_init__(self) -> None:
        for name in ("round", "member", "first_step", "generation"):
            checks.at_least(f"an order's {name}", getattr(self, name), 0)
        checks.at_least("an order's steps", self.steps, 1)
        checks.seed("an order's seed", self.seed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The orders of one round, by member. They do not depend on each other.

    Raises:
        InputError: no order, an order of another round, or members that are not 0, 1, 2, ...
    """

    round: int
    orders: tuple[Order, ...]

    def __post_init__(self) -> None:
        if not self.orders:
            raise InputError(f"the plan of round {self.round} has no orders")
        if any(order.round != self.round for order in self.orders):
            raise InputError(f"the plan of round {self.round} holds an order of another round")
        if [order.member for order in self.orders] != list(range(len(self.orders))):
            raise InputError(f"the members of round {self.round} are not 0, 1, 2, ... in order")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of an order.

    A failed order has a `failure`, a NaN score, and no checkpoint or one that nobody should start from.
    """

    round: int
    member: int
    checkpoint: Checkpoint | None  # the member after training; None if nothing can be gone on from
    score: float  # mean return over the evaluation episodes; higher is better; NaN ranks last
    steps: int  # environment steps really trained
    evaluation_steps: int = 0  # environment steps spent on the score
    seconds: float = 0.0  # wall-clock time; the only field that differs between two equal runs
    # Whatever else was measured; under `TRAINED_PREFIX` what was trained with instead of what is configured.
    figures: Mapping[str, float] = field(default_factory=dict)
    failure: str | None = None  # one line for people


class Trained(NamedTuple):
    """An order and its outcome."""

    order: Order
    outcome: Outcome
