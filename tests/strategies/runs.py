"""Runs of a strategy against made-up outcomes, recorded round by round."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ConfigSpace import (
    Categorical,
    ConfigurationSpace,
    Constant,
    EqualsCondition,
    Float,
    Integer,
    OrdinalHyperparameter,
)

from bgpbt.records import Checkpoint, Order, Outcome, Plan
from bgpbt.space import Space
from bgpbt.strategies import Population, PopulationSettings, PopulationState

Train = Callable[[Order], Outcome]


@dataclass(frozen=True)
class Round:
    state: PopulationState[Any]
    plan: Plan
    outcomes: tuple[Outcome, ...]


def mixed_space() -> Space:
    """Every kind of input, and one that is only active for one choice."""
    space = ConfigurationSpace(name="every-kind")
    space.add(
        Float("rate", (1e-4, 1e-1), log=True),
        Float("shift", (-1.0, 1.0)),
        Float("discount", (0.9, 0.999), default=0.97, meta={"transform": "log_complement"}),
        Integer("epochs", (1, 9)),
        OrdinalHyperparameter("batch", [16, 32, 64, 128]),
        Categorical("optimizer", ["adam", "sgd", "lamb"]),
        Categorical("nesterov", [True, False]),
        Constant("version", 3),
    )
    momentum = Float("momentum", (0.0, 1.0))
    space.add(momentum, EqualsCondition(momentum, space["optimizer"], "sgd"))
    return Space.from_configspace(space)


def continuous_space() -> Space:
    space = ConfigurationSpace(name="continuous")
    space.add(Float("x", (0.0, 1.0)), Float("y", (1e-3, 1.0), log=True))
    return Space.from_configspace(space)


def discrete_space() -> Space:
    space = ConfigurationSpace(name="discrete")
    space.add(Categorical("colour", ["red", "green"]), OrdinalHyperparameter("size", ["s", "m", "l"]))
    return Space.from_configspace(space)


SPACES = {"mixed": mixed_space, "continuous": continuous_space, "discrete": discrete_space}

SMALL = PopulationSettings(
    population=4, initial=6, quantile_fraction=0.25, t_ready=100, max_timesteps=650
)  # 7 rounds, the last of 50 steps


def checkpoint_of(order: Order) -> Checkpoint:
    return Checkpoint(hashlib.sha256(f"{order.round} {order.member}".encode()).hexdigest())


def outcome_of(order: Order, *, score: float, skipped: int = 0, failure: str | None = None) -> Outcome:
    return Outcome(
        round=order.round,
        member=order.member,
        checkpoint=checkpoint_of(order) if failure is None else None,
        score=score,
        steps=max(order.steps - skipped, 0),
        failure=failure,
    )


def play(strategy: Population[Any], train: Train, seed: int = 0) -> Iterator[Round]:
    """Yield each round with the state before it, until the strategy ends the run."""
    plan: Plan | None
    state, plan = strategy.start(seed)
    while plan is not None:
        outcomes = tuple(train(order) for order in plan.orders)
        yield Round(state=state, plan=plan, outcomes=outcomes)
        state, plan = strategy.advance(state, outcomes)
