"""A round of a Tune experiment, told to a strategy: trials are its members, and a round is one step."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bgpbt.records import Checkpoint, Configuration, Order, Outcome, Plan
from bgpbt.space import Space
from bgpbt.strategies import PopulationSettings, make_strategy
from bgpbt.strategies.population import Population, PopulationState

__all__ = ["advance", "population_of"]

MOST_ROUNDS = 10_000  # of an experiment; Tune's own stopping rule ends it long before


def population_of(
    name: str,
    space: Space,
    *,
    trials: int,
    quantile_fraction: float,
    may_copy: bool,
    options: Mapping[str, Any],
) -> Population[Any]:
    """Return the strategy for so many trials; as in Ray, the number replaced is rounded up."""
    replaced = min(math.ceil(quantile_fraction * trials), trials // 2)
    settings = PopulationSettings(
        t_ready=1,
        max_timesteps=MOST_ROUNDS,
        population=trials,
        initial=trials,
        quantile_fraction=replaced / trials,
        copy_after=0.0 if may_copy else 1.0,
    )
    return make_strategy(name, space=space, settings=settings, **options)


def advance(
    strategy: Population[Any],
    state: PopulationState[Any],
    *,
    gone: set[int],
    configurations: Sequence[Configuration],
    scores: Sequence[float],
) -> tuple[PopulationState[Any], tuple[Order, ...] | None]:
    """Close a round.

    Args:
        strategy: for as many members as are left.
        state: of the round that ends.
        gone: slots of the members that have left since it began.
        configurations: of the members left, by slot.
        scores: theirs, higher is better.

    Returns:
        The next round's state and its orders; None: nothing changes. A checkpoint is named by the slot of
        the member that wrote it.
    """
    state = _with_members(state, gone, configurations)
    assert state.plan is not None
    outcomes = [
        Outcome(
            round=order.round,
            member=order.member,
            checkpoint=Checkpoint(str(order.member)),
            score=score,
            steps=order.steps,
        )
        for order, score in zip(state.plan.orders, scores, strict=True)
    ]
    after, plan = strategy.advance(state, outcomes)
    return after, None if plan is None else plan.orders


def _with_members(
    state: PopulationState[Any], gone: set[int], configurations: Sequence[Configuration]
) -> PopulationState[Any]:
    """Return a state without the members that are gone, the others' configurations as they really are."""
    assert state.plan is not None
    kept = [order for order in state.plan.orders if order.member not in gone]
    orders = tuple(
        replace(order, member=slot, configuration=configuration)
        for slot, (order, configuration) in enumerate(zip(kept, configurations, strict=True))
    )
    descents = tuple(descent for slot, descent in enumerate(state.descents) if slot not in gone)
    return replace(state, plan=Plan(round=state.plan.round, orders=orders), descents=descents)
