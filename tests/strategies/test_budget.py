"""A run never trains for more than its budget, whatever its strategy does, and ends within a round of it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bgpbt.encoding import decode, encode
from bgpbt.errors import InputError
from bgpbt.records import Outcome, Plan
from bgpbt.space import with_architectures
from bgpbt.strategies import GenerationSettings, PopulationSettings, expected_steps, make_strategy
from bgpbt.toys import MemoryCheckpoints, make_toy

GENERATIONS = GenerationSettings(t_distillation=40, distill_every=60, max_distillation=2)
CONTENDERS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "random": ("random", {}),
    "pbt": ("pbt", {}),
    "going back": ("bgpbt", {"backtrack": True}),  # trains again what the copy lacks
    "generations": ("bgpbt", {"generations": GENERATIONS}),
}


def worse_later(outcome: Outcome) -> Outcome:
    """Give the best score of all rounds to an early one, so that going back to it is a way back."""
    return replace(outcome, score=outcome.score - (outcome.round > 4))


def spent(contender: str, budget: int | None) -> list[int]:
    """Return the steps of each round."""
    name, options = CONTENDERS[contender]
    toy, checkpoints = make_toy("shapes"), MemoryCheckpoints()
    if contender == "generations":
        toy = replace(toy, space=with_architectures(toy.space))
    population = PopulationSettings(
        population=4, initial=6, quantile_fraction=0.25, t_ready=10, max_timesteps=200, budget=budget
    )
    strategy = make_strategy(name, space=toy.space, settings=population, **options)
    state, first = strategy.start(3)
    plan: Plan | None = first
    rounds = []
    while plan is not None:
        outcomes = [worse_later(toy.train(order, checkpoints)) for order in plan.orders]
        rounds.append(sum(outcome.steps for outcome in outcomes))
        state = decode(strategy.state_type, encode(state))  # as a run that goes on
        state, plan = strategy.advance(state, outcomes)
    return rounds


@settings(max_examples=8, deadline=None)
@given(budget=st.integers(60, 1100))
@pytest.mark.parametrize("contender", CONTENDERS)
def test_the_last_round_is_as_long_as_the_budget_allows(contender: str, budget: int) -> None:
    whole, cut = spent(contender, None), spent(contender, budget)
    full = min(len(cut), sum(sum(whole[: i + 1]) <= budget for i in range(len(whole))))
    assert sum(cut) <= budget
    assert cut[:full] == whole[:full]
    if len(cut) > full:  # a shorter round
        assert len(cut) == full + 1
        assert 0.5 * whole[full] <= cut[full] < whole[full]
        assert sum(cut) > budget - 6  # members, each of which lacks a step at most
    elif full < len(whole) and contender != "generations":  # students come together or not at all
        assert budget - sum(cut) < whole[full]


def test_going_back_costs_more_than_going_on() -> None:
    assert sum(spent("going back", None)) > sum(spent("pbt", None))


def test_a_budget_that_is_too_small() -> None:
    with pytest.raises(InputError, match="budget = 59 must be at least 60: the first round"):
        spent("random", 59)


@settings(max_examples=40, deadline=None)
@given(less=st.integers(0, 200), seed=st.integers(0, 99))
def test_a_run_ends_although_trainers_train_in_whole_unrolls(less: int, seed: int) -> None:
    """What is left in the end may be too short for any member to train at all."""
    without = PopulationSettings(
        population=4, initial=6, quantile_fraction=0.25, t_ready=100, max_timesteps=2000
    )
    population = replace(without, budget=expected_steps(without) - less)
    toy, checkpoints = make_toy("plain"), MemoryCheckpoints()
    strategy = make_strategy("no-mutation", space=toy.space, settings=population)
    state, first = strategy.start(seed)
    plan: Plan | None = first
    trained, rounds = 0, 0
    while plan is not None:
        outcomes = [in_unrolls(toy.train(order, checkpoints)) for order in plan.orders]
        trained += sum(outcome.steps for outcome in outcomes)
        state, plan = strategy.advance(state, outcomes)
        rounds += 1
        assert rounds <= population.rounds + 1
    assert population.budget is not None
    assert 0.9 * population.budget < trained <= population.budget


def in_unrolls(outcome: Outcome) -> Outcome:
    unroll = 64  # all lack as much in the end, so that all could be given a little less
    return replace(outcome, steps=outcome.steps // unroll * unroll)
