"""Rounds that double when nothing improves: their lengths, and the budget's arithmetic."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bgpbt.encoding import decode, encode
from bgpbt.errors import InputError
from bgpbt.records import Purpose
from bgpbt.space import with_architectures
from bgpbt.strategies import GenerationSettings, Population, PopulationSettings, make_strategy
from bgpbt.surrogate import SurrogateSettings
from bgpbt.toys import make_toy
from tests.strategies.runs import Round, Train, continuous_space, outcome_of, play

SETTINGS = PopulationSettings(population=4, initial=6, quantile_fraction=0.25, t_ready=10, max_timesteps=250)
QUICK = SurrogateSettings(starts=1, most_points=4)


def strategy_of(population: PopulationSettings = SETTINGS, **options: Any) -> Population[Any]:
    given_options = {"growing_rounds": True, "surrogate": QUICK, **options}
    return make_strategy("bgpbt", space=continuous_space(), settings=population, **given_options)


def lengths(rounds: list[Round]) -> list[int]:
    return [played.plan.orders[0].steps for played in rounds]


def constant(value: float) -> Train:
    return lambda order: outcome_of(order, score=value)


@pytest.mark.parametrize(
    ("max_timesteps", "last"), [(439, [*[40] * 3, 39]), (440, [80, 80]), (450, [80, 80, 10])]
)
def test_rounds_double_after_three_without_improvement_while_two_more_fit(
    max_timesteps: int, last: list[int]
) -> None:
    """The first of a length cannot be without improvement; 280 steps are done when 40 would become 80."""
    rounds = list(play(strategy_of(replace(SETTINGS, max_timesteps=max_timesteps)), constant(1.0)))
    assert lengths(rounds) == [*[10] * 4, *[20] * 4, *[40] * 4, *last]


def test_rounds_stay_as_they_are_while_the_best_rises() -> None:
    rounds = list(play(strategy_of(), lambda order: outcome_of(order, score=float(order.round))))
    assert lengths(rounds) == [10] * 25


@given(seed=st.integers(0, 2**31), t_ready=st.integers(1, 60), max_timesteps=st.integers(60, 200))
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_the_scores_the_whole_budget_is_spent(seed: int, t_ready: int, max_timesteps: int) -> None:
    population = replace(SETTINGS, t_ready=t_ready, max_timesteps=max_timesteps)

    def train(order: Any) -> Any:
        score = np.random.default_rng([seed, order.round, order.member]).normal()
        return outcome_of(order, score=float(score))

    rounds = list(play(strategy_of(population), train))
    assert sum(outcome.steps for played in rounds for outcome in played.outcomes) == population.total
    *whole, _ = lengths(rounds)
    assert all(after in (before, 2 * before) for before, after in pairwise(whole))


def test_a_new_generation_begins_with_short_rounds_again() -> None:
    space = with_architectures(make_toy("shapes").space)
    generations = GenerationSettings(t_distillation=20, distill_every=80, max_distillation=1, patience=50)
    strategy = make_strategy(
        "bgpbt",
        space=space,
        settings=SETTINGS,
        growing_rounds=True,
        surrogate=QUICK,
        generations=generations,
    )
    rounds = list(play(strategy, constant(1.0)))
    by_generation: dict[int, list[int]] = {0: [], 1: []}
    for played in rounds:
        order = played.plan.orders[0]
        if order.purpose is not Purpose.DISTIL:
            by_generation[order.generation].append(order.steps)
    assert by_generation[0] == [*[10] * 4, *[20] * 2]
    assert by_generation[1][:4] == [10] * 4
    assert 20 in by_generation[1]


def test_a_run_resumes_from_json() -> None:
    strategy = strategy_of()
    for played in play(strategy, constant(1.0)):
        restored = decode(strategy.state_type, encode(played.state))
        resumed, whole = (strategy.advance(state, played.outcomes) for state in (restored, played.state))
        assert encode(resumed) == encode(whole)


def test_two_rules_for_the_length_are_refused() -> None:
    with pytest.raises(InputError, match="t_ready_end = 20 must be left out with growing_rounds = true"):
        strategy_of(replace(SETTINGS, t_ready_end=20))
