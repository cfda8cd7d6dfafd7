"""Restarts: when they come, what they begin with, and that the ledger is the budget's arithmetic."""

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bgpbt.encoding import decode, encode
from bgpbt.errors import InputError
from bgpbt.records import Fresh, From, Order, Outcome, ProposalSource, ShrinkPerturb
from bgpbt.strategies import Population, PopulationRung, PopulationSettings, make_strategy
from bgpbt.strategies.founders import NO_FOUNDER, Founder, with_descendants
from bgpbt.strategies.rules import Member
from bgpbt.strategies.selection import best_first
from bgpbt.surrogate import SurrogateSettings
from tests.strategies.runs import Round, Train, checkpoint_of, continuous_space, mixed_space, outcome_of, play

SETTINGS = PopulationSettings(
    population=4, initial=6, quantile_fraction=0.25, t_ready=500, max_timesteps=1000
)
QUICK = SurrogateSettings(starts=2, most_points=12)


def strategy_of(population: PopulationSettings = SETTINGS, **options: Any) -> Population[Any]:
    return make_strategy(
        "ipbt", space=continuous_space(), settings=population, **{"surrogate": QUICK, **options}
    )


def by_slot(order: Order) -> Outcome:
    """The same scores in all rounds: the population stagnates as soon as it can."""
    return outcome_of(order, score=-float(order.member))


@pytest.fixture(scope="module")
def rounds() -> list[Round]:
    return list(play(strategy_of(), by_slot))


def restarts_of(rounds: list[Round]) -> list[int]:
    return [
        index
        for index, (before, after) in enumerate(pairwise(rounds), start=1)
        if after.plan.orders[0].generation > before.plan.orders[0].generation
    ]


def test_rounds_begin_with_a_hundredth_and_double_at_each_restart(rounds: list[Round]) -> None:
    """Three rounds after the first of an iteration have shown no improvement, the next one is a restart.

    The last restart, at 280 of 1000, is that of rounds of 80: at 600 one of 160 and another would not fit.
    The members that left cost 20, 40 and 80 steps, so lineages end at 860.
    """
    sizes = [len(played.plan.orders) for played in rounds]
    ends = [played.plan.orders[0].first_step + played.plan.orders[0].steps for played in rounds]
    first, second, third = (range(10, 41, 10), range(60, 121, 20), range(160, 281, 40))
    assert ends == [*first, *second, *third, *range(360, 841, 80), 860]
    assert restarts_of(rounds) == [4, 8, 12]
    assert sizes == [6, *[8 if index in (4, 8, 12) else 4 for index in range(1, 20)]]
    spent = sum(outcome.steps for played in rounds for outcome in played.outcomes)
    assert spent == 6 * 10 + 4 * 990


def test_a_restart_has_twice_the_members_with_every_half_of_its_own(rounds: list[Round]) -> None:
    for index in restarts_of(rounds):
        orders, before = rounds[index].plan.orders, rounds[index - 1]
        target = before.plan.orders[0].first_step + before.plan.orders[0].steps
        kinds = Counter(type(order.start) for order in orders)
        assert kinds == {Fresh: 4, ShrinkPerturb: 4}
        best = before.outcomes[best_first([outcome.score for outcome in before.outcomes])[0]]
        for order in orders:
            assert order.first_step == target
            if isinstance(order.start, ShrinkPerturb):
                assert best.checkpoint is not None
                assert order.start == ShrinkPerturb(checkpoint=best.checkpoint, keep=0.2, fresh=0.1)
                assert "0.2 x weights of member 0 + 0.1 x new ones" in order.proposal.note
            else:
                assert "fresh weights" in order.proposal.note
        sources = [order.proposal.source for order in orders]
        assert sources[:4] == [ProposalSource.RANDOM] * 4
        assert set(sources[4:]) <= {ProposalSource.MODEL, ProposalSource.FALLBACK}
        assert ProposalSource.MODEL in sources[4:]
        configurations = {str(order.configuration) for order in orders}
        assert len(configurations) == 8


def test_the_better_half_of_a_restart_stays(rounds: list[Round]) -> None:
    for index in restarts_of(rounds):
        kept = {outcome.checkpoint for outcome in rounds[index].outcomes[:4]}
        starts = [order.start for order in rounds[index + 1].plan.orders]
        assert all(isinstance(start, From) and start.checkpoint in kept for start in starts)


def noise(seed: int) -> Train:
    return lambda order: outcome_of(
        order, score=float(np.random.default_rng([seed, order.round, order.member]).normal())
    )


@given(
    seed=st.integers(0, 2**31),
    population=st.integers(2, 5),
    more=st.integers(0, 3),
    max_timesteps=st.integers(3, 400),
    first_round=st.sampled_from([0.03, 0.05, 0.3, 1.0]),
)
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_the_scores_the_whole_budget_is_spent(
    seed: int, population: int, more: int, max_timesteps: int, first_round: float
) -> None:
    given_settings = PopulationSettings(
        population=population,
        initial=population + more,
        quantile_fraction=0.5,
        t_ready=1,
        max_timesteps=max_timesteps,
    )
    quickest = SurrogateSettings(starts=1, most_points=4)
    strategy = strategy_of(given_settings, first_round=first_round, surrogate=quickest)
    played = list(play(strategy, noise(seed)))
    spent = sum(outcome.steps for each in played for outcome in each.outcomes)
    assert spent == strategy.settings.total
    assert sum(members * steps for members, steps in strategy.settings.planned_rounds()) == spent
    restarts = restarts_of(played)
    for index in restarts:
        length = played[index].plan.orders[0].steps
        assert length == 2 * played[index - 1].plan.orders[0].steps
        assert played[index + 1].plan.orders[0].steps == length  # one more round has fitted


def test_a_budget_ends_the_run_and_bounds_the_restarts() -> None:
    budget = replace(SETTINGS, t_ready=10, budget=1200)
    played = list(play(strategy_of(budget), by_slot))
    assert sum(outcome.steps for each in played for outcome in each.outcomes) == 1200
    # The second is at 580 steps of all members and takes 480 with the round after it; the next would be at
    # 1,140 and take 960.
    assert restarts_of(played) == [4, 8]


kinds = st.sampled_from(["good", "good", "nan", "inf", "failed", "short"])


@given(kinds=st.lists(kinds, min_size=60, max_size=60), seed=st.integers(0, 2**31))
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_kind_of_outcome_is_survived(kinds: list[str], seed: int) -> None:
    def train(order: Order) -> Outcome:
        match kinds[(7 * order.round + order.member) % 60]:
            case "failed":
                return outcome_of(order, score=math.nan, failure="the disk is full")
            case "short":
                return outcome_of(order, score=0.5, skipped=3)
            case "good":
                return outcome_of(order, score=float(order.member))
            case kind:
                return outcome_of(order, score=float(kind))

    quickest = SurrogateSettings(starts=1, most_points=4)
    strategy = make_strategy(
        "ipbt", space=mixed_space(), settings=SETTINGS, first_round=0.1, surrogate=quickest
    )
    for played in play(strategy, train, seed):
        for order in played.plan.orders:
            strategy.space.validate(order.configuration, source="order")


def test_a_run_resumes_from_json_at_every_restart(rounds: list[Round]) -> None:
    strategy = strategy_of()
    for index in restarts_of(rounds):
        for played in rounds[index - 1 : index + 1]:
            restored = decode(strategy.state_type, encode(played.state))
            resumed, whole = (strategy.advance(state, played.outcomes) for state in (restored, played.state))
            assert encode(resumed) == encode(whole)


def refusing(order: Order) -> Outcome:
    """A trainer that knows no weights."""
    if isinstance(order.start, ShrinkPerturb):
        return replace(outcome_of(order, score=math.nan, failure="it knows no networks"), steps=0)
    return by_slot(order)


def test_where_a_trainer_cannot_shrink_weights_later_restarts_have_fresh_members_and_say_so() -> None:
    played = list(play(strategy_of(), refusing))
    first, *later = restarts_of(played)
    assert Counter(type(order.start) for order in played[first].plan.orders) == {Fresh: 4, ShrinkPerturb: 4}
    kept = {o.checkpoint for o in played[first].outcomes if o.failure is None}
    assert {order.start.weights for order in played[first + 1].plan.orders} <= kept
    assert len(later) == 2
    for index in later:
        for order in played[index].plan.orders:
            assert order.start == Fresh()
            assert "fresh weights, since the trainer cannot shrink any" in order.proposal.note


def test_a_best_that_keeps_rising_never_restarts() -> None:
    strategy = strategy_of(first_round=0.05)
    played = list(play(strategy, lambda order: outcome_of(order, score=float(order.round))))
    assert restarts_of(played) == []
    assert len(played) == 20


def test_no_restart_in_the_burn_in() -> None:
    burning = replace(SETTINGS, copy_after=0.5)
    played = list(play(strategy_of(burning, first_round=0.02), by_slot))
    spent = 0
    for index, each in enumerate(played):
        assert index not in restarts_of(played) or spent >= 0.5 * burning.total - 4 * 500
        spent += sum(outcome.steps for outcome in each.outcomes)


def member(score: float) -> Member:
    return Member(
        slot=0,
        configuration={},
        source=ProposalSource.RANDOM,
        checkpoint=None if math.isnan(score) else checkpoint_of(_order()),
        steps=1,
        trained=1,
        score=score,
        score_before=math.nan,
    )


def _order() -> Order:
    return strategy_of().start(0)[1].orders[0]


def test_a_founder_has_the_best_score_of_its_descendants() -> None:
    founders = [
        Founder(configuration={}, iteration=0, score_before=0.0, best_score=best)
        for best in (math.nan, 5.0, 2.0)
    ]
    scores, line = [1.0, 4.0, 3.0, math.nan, 9.0], [0, 1, 2, 2, NO_FOUNDER]
    updated = with_descendants(founders, [member(score) for score in scores], line)
    assert [founder.best_score for founder in updated] == [1.0, 5.0, 3.0]


def test_the_model_proposes_near_the_founder_that_did_best() -> None:
    """Scores fall with the distance of x from 0.7; the box around the best founder has a side of 0.4."""

    def train(order: Order) -> Outcome:
        return outcome_of(order, score=-abs(float(order.configuration["x"]) - 0.7))

    played = list(play(strategy_of(initial(12)), train, seed=1))
    index = restarts_of(played)[0]
    proposed = [
        float(order.configuration["x"])
        for order in played[index].plan.orders
        if order.proposal.source is ProposalSource.MODEL
    ]
    best = min(
        (float(order.configuration["x"]) for order in played[0].plan.orders), key=lambda x: abs(x - 0.7)
    )
    assert proposed
    assert max(abs(x - best) for x in proposed) < 0.5


def initial(members: int) -> PopulationSettings:
    return replace(SETTINGS, initial=members)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: strategy_of(first_round=0.0), "first_round = 0.0 must be above 0 and at most 1"),
        (
            lambda: strategy_of(replace(SETTINGS, rungs=(PopulationRung(members=2, share=0.5),), t_ready=10)),
            "ipbt: its population changes at restarts alone, and 1 rungs were given",
        ),
    ],
)
def test_what_it_cannot_do_is_named(make: Callable[[], Population[Any]], said: str) -> None:
    with pytest.raises(InputError, match=said):
        make()
