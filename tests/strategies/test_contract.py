"""What every strategy promises, whatever the trainer does."""

import copy
import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bgpbt.encoding import decode, encode
from bgpbt.errors import InputError
from bgpbt.records import Fresh, From, Order, Outcome, Purpose
from bgpbt.strategies import Population, PopulationSettings, make_strategy, strategy_names
from bgpbt.strategies.selection import best_first
from tests.strategies.runs import SMALL, SPACES, Round, Train, checkpoint_of, mixed_space, outcome_of, play

EVERY_STRATEGY = pytest.mark.parametrize("name", strategy_names())
# Successive halving keeps more members for longer: tests/strategies/test_population_rungs.py has its sizes.
OF_THE_PAPERS_SCHEDULE = pytest.mark.parametrize(
    "name", [name for name in strategy_names() if name != "successive-halving"]
)

QUICK = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def strategy_of(
    name: str, space: str = "mixed", population: PopulationSettings = SMALL, **options: Any
) -> Population[Any]:
    if name == "ipbt":
        options = {"first_round": 2 / 13, **options}  # the suite's rounds of 100 steps of 650
    return make_strategy(name, space=SPACES[space](), settings=population, **options)


def scores_by(seed: int) -> Train:
    """Score by a draw that depends on the order alone."""
    return lambda order: outcome_of(
        order, score=float(np.random.default_rng([seed, order.round, order.member]).normal())
    )


def check_orders(strategy: Population[Any], rounds: list[Round]) -> None:
    """Check every plan of a run against the records it follows from."""
    population = strategy.settings
    for index, played in enumerate(rounds):
        assert played.plan.round == index
        assert len(played.plan.orders) == (population.initial if index == 0 else population.population)
        for order in played.plan.orders:
            strategy.space.validate(order.configuration, source="order")
            assert order.first_step + order.steps == min((index + 1) * 100, 650)
            assert order.purpose is (Purpose.INITIAL if index == 0 else Purpose.TRAIN)
            check_start(order, rounds[index - 1] if index else None)
    seeds = [order.seed for played in rounds for order in played.plan.orders]
    assert len(set(seeds)) == len(seeds)


def check_start(order: Order, before: Round | None) -> None:
    """Check that weights come from a member that can be gone on from, with the steps it has."""
    if isinstance(order.start, Fresh):
        assert order.first_step == 0
        return
    assert isinstance(order.start, From)
    assert before is not None
    parents = {checkpoint_of(parent): parent for parent in before.plan.orders}
    parent = parents[order.start.checkpoint]
    outcome = before.outcomes[parent.member]
    assert outcome.checkpoint == order.start.checkpoint
    assert math.isfinite(outcome.score)
    assert order.first_step == parent.first_step + outcome.steps
    assert order.proposal.parent == (None if parent.member == order.member else parent.member)


@OF_THE_PAPERS_SCHEDULE
@pytest.mark.parametrize("space", SPACES)
def test_a_run_of_plain_scores_keeps_the_books(name: str, space: str) -> None:
    strategy = strategy_of(name, space)
    rounds = list(play(strategy, scores_by(1)))
    assert len(rounds) == 7
    check_orders(strategy, rounds)


outcome_kinds = st.sampled_from(["good", "good", "good", "nan", "inf", "-inf", "failed", "short", "huge"])


@OF_THE_PAPERS_SCHEDULE
@given(kinds=st.lists(outcome_kinds, min_size=30, max_size=30), seed=st.integers(0, 2**40))
@QUICK
def test_whatever_comes_out_the_next_orders_are_legal(name: str, kinds: list[str], seed: int) -> None:
    def train(order: Order) -> Outcome:
        match kinds[order.round * 4 + order.member]:
            case "failed":
                return outcome_of(order, score=math.nan, failure="the disk is full")
            case "short":
                return outcome_of(order, score=0.5, skipped=7)
            case "huge":
                return outcome_of(order, score=1e300 * (order.member - 1))
            case "good":
                return outcome_of(order, score=order.member + 0.1 * order.round)
            case kind:
                return outcome_of(order, score=float(kind))

    strategy = strategy_of(name)
    rounds = list(play(strategy, train, seed))
    assert len(rounds) == 7
    check_orders(strategy, rounds)


@EVERY_STRATEGY
def test_a_state_that_went_through_json_gives_the_same_plan_to_the_bit(name: str) -> None:
    strategy = strategy_of(name)
    for played in play(strategy, scores_by(2), seed=5):
        text = encode(played.state)
        restored = decode(strategy.state_type, text)
        assert encode(restored) == text
        assert encode(strategy.advance(restored, played.outcomes)) == encode(
            strategy_of(name).advance(played.state, played.outcomes)
        )


@EVERY_STRATEGY
def test_advance_changes_nothing_it_is_given(name: str) -> None:
    strategy = strategy_of(name)
    for played in play(strategy, scores_by(3)):
        before = encode(copy.deepcopy(played.state))
        np.random.seed(played.plan.round)  # noqa: NPY002 - the global state must not matter
        first = strategy.advance(played.state, played.outcomes)
        np.random.seed(999)  # noqa: NPY002
        assert encode(strategy.advance(played.state, played.outcomes)) == encode(first)
        assert encode(played.state) == before


@EVERY_STRATEGY
def test_another_seed_is_another_run(name: str) -> None:
    strategy = strategy_of(name)
    runs = [
        [order for played in play(strategy, scores_by(0), seed) for order in played.plan.orders]
        for seed in (0, 1)
    ]
    assert all(ours.seed != theirs.seed for ours, theirs in zip(*runs, strict=True))
    assert runs[0][0].configuration != runs[1][0].configuration


@OF_THE_PAPERS_SCHEDULE
def test_constant_scores_are_survived_and_ties_go_to_the_lower_slot(name: str) -> None:
    strategy = strategy_of(name)
    rounds = list(play(strategy, lambda order: outcome_of(order, score=0.0)))
    check_orders(strategy, rounds)
    first = rounds[1].plan.orders[0]
    assert first.start == From(checkpoint=checkpoint_of(rounds[0].plan.orders[0]))


@OF_THE_PAPERS_SCHEDULE
def test_the_best_of_the_initial_design_are_kept(name: str) -> None:
    rounds = list(play(strategy_of(name), scores_by(4)))
    scores = [outcome.score for outcome in rounds[0].outcomes]
    kept = {rounds[0].outcomes[i].checkpoint for i in best_first(scores)[:4]}
    starts = [order.start for order in rounds[1].plan.orders]
    assert all(isinstance(start, From) and start.checkpoint in kept for start in starts)


@EVERY_STRATEGY
def test_a_member_that_failed_is_replaced_however_many_did(name: str) -> None:
    def train(order: Order) -> Outcome:
        if order.round == 2 and order.member != 1:
            return outcome_of(order, score=math.nan, failure="out of memory")
        return outcome_of(order, score=float(order.member))

    rounds = list(play(strategy_of(name), train))
    survivor = From(checkpoint=checkpoint_of(rounds[2].plan.orders[1]))
    allowed = [Fresh(), survivor]
    assert all(order.start in allowed for order in rounds[3].plan.orders)
    assert survivor in [order.start for order in rounds[3].plan.orders]


@OF_THE_PAPERS_SCHEDULE
def test_when_nobody_can_go_on_all_start_afresh_with_the_whole_debt(name: str) -> None:
    def train(order: Order) -> Outcome:
        return outcome_of(order, score=math.nan if order.round == 1 else 1.0)

    rounds = list(play(strategy_of(name), train))
    for order in rounds[2].plan.orders:
        assert order.start == Fresh()
        assert (order.first_step, order.steps) == (0, 300)
        assert "no weights" in order.proposal.note
    configurations = [str(order.configuration) for order in rounds[2].plan.orders]
    assert len(set(configurations)) > 1


@OF_THE_PAPERS_SCHEDULE
def test_steps_left_out_are_asked_for_again(name: str) -> None:
    """The first four are kept, so a member's debt is 10 steps times its slot."""
    rounds = list(
        play(
            strategy_of(name),
            lambda order: outcome_of(order, score=-float(order.member), skipped=10 * order.member),
        )
    )
    for before, after in pairwise(rounds):
        steps = {checkpoint_of(o): o.first_step + o.steps - 10 * o.member for o in before.plan.orders}
        for order in after.plan.orders:
            assert isinstance(order.start, From)
            assert order.first_step == steps[order.start.checkpoint]
            assert order.first_step + order.steps == SMALL.targets[after.plan.round]


@EVERY_STRATEGY
def test_outcomes_that_are_not_of_the_plan_are_refused(name: str) -> None:
    strategy = strategy_of(name)
    state, plan = strategy.start(0)
    outcomes = [outcome_of(order, score=0.0) for order in plan.orders]
    with pytest.raises(InputError, match=r"members 0 to 5, in order, got \(round, member\) \(0, 1\)"):
        strategy.advance(state, outcomes[1:])
    with pytest.raises(InputError, match=r"got .* none"):
        strategy.advance(state, [])
    too_many = [outcome_of(order, score=0.0, skipped=-1) for order in plan.orders]
    with pytest.raises(InputError, match="member 0 of round 0 trained 101 steps; its order allows 0 to 100"):
        strategy.advance(state, too_many)


def test_a_run_that_has_ended_cannot_be_advanced() -> None:
    strategy = strategy_of("random", population=PopulationSettings(t_ready=10, max_timesteps=10))
    state, plan = strategy.start(0)
    state, end = strategy.advance(state, [outcome_of(order, score=1.0) for order in plan.orders])
    assert end is None
    assert state.best is not None
    with pytest.raises(InputError, match="ended"):
        strategy.advance(decode(strategy.state_type, encode(state)), [])


def test_the_state_remembers_the_best_member_of_all_rounds() -> None:
    strategy = strategy_of("pbt")
    scores = {(0, 2): 5.0, (3, 1): 9.0, (3, 2): 9.0, (5, 0): 9.0, (6, 0): 8.0}
    train: Train = lambda order: outcome_of(order, score=scores.get((order.round, order.member), 0.0))  # noqa: E731
    rounds = list(play(strategy, train))
    assert [r.state.best and r.state.best.score for r in rounds] == [None, 5.0, 5.0, 5.0, 9.0, 9.0, 9.0]
    end, _ = strategy.advance(rounds[-1].state, rounds[-1].outcomes)
    assert end.best is not None
    assert end.best.checkpoint == checkpoint_of(rounds[3].plan.orders[1])


def test_an_unknown_strategy_or_option_is_named() -> None:
    space = mixed_space()
    with pytest.raises(InputError, match="no strategy 'pbt3'; there are random, no-mutation, pbt"):
        make_strategy("pbt3", space=space, settings=SMALL)
    with pytest.raises(InputError, match="strategy pbt has no option 'factor'; it has factors"):
        make_strategy("pbt", space=space, settings=SMALL, factor=1.2)
    with pytest.raises(InputError, match="it has none"):
        make_strategy("random", space=space, settings=SMALL, factor=1.2)


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(InputError, match="seed = -1"):
        strategy_of("random").start(-1)
