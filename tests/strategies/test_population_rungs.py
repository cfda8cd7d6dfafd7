"""The schedule of the population's size: its arithmetic, who leaves, and what it refuses."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from bgpbt.encoding import decode, encode
from bgpbt.errors import InputError
from bgpbt.records import From, Order, Outcome
from bgpbt.strategies import PopulationRung, PopulationSettings, halving_rungs, make_strategy
from bgpbt.strategies.population_rungs import rank_agreement
from bgpbt.strategies.selection import best_first
from tests.strategies.runs import Round, checkpoint_of, mixed_space, outcome_of, play

BASE = PopulationSettings(population=8, initial=16, quantile_fraction=0.25, t_ready=100, max_timesteps=1000)
RACE = replace(
    BASE, rungs=(PopulationRung(members=8, share=0.3), PopulationRung(members=4, share=0.5)), copy_after=0.5
)


def by_chance(order: Order) -> Outcome:
    return outcome_of(order, score=float(np.random.default_rng([order.round, order.member]).normal()))


def run_of(name: str, population: PopulationSettings) -> list[Round]:
    return list(play(make_strategy(name, space=mixed_space(), settings=population), by_chance))


@pytest.mark.parametrize("name", ["random", "pbt", "pb2", "mf-pbt", "bgpbt", "successive-halving"])
def test_the_ledger_is_the_arithmetic_of_the_schedule(name: str) -> None:
    population = replace(BASE, rungs=None, copy_after=0.0) if name == "successive-halving" else RACE
    strategy = make_strategy(name, space=mixed_space(), settings=population)
    played = list(play(strategy, by_chance))
    ordered = [(len(r.plan.orders), {order.steps for order in r.plan.orders}) for r in played]
    assert ordered == [(members, {steps}) for members, steps in strategy.settings.planned_rounds()]
    spent = sum(outcome.steps for r in played for outcome in r.outcomes)
    assert 0.9 * population.total < spent <= population.total


@settings(max_examples=20, deadline=None)
@given(first=st.floats(0.05, 0.45), second=st.floats(0.46, 0.9), t_ready=st.integers(20, 150))
def test_members_leave_by_rank_alone_and_never_come_back(first: float, second: float, t_ready: int) -> None:
    rungs = (PopulationRung(members=8, share=first), PopulationRung(members=3, share=second))
    played = run_of("pbt", replace(RACE, rungs=rungs, t_ready=t_ready))
    for before, after in itertools.pairwise(played):
        ranking = best_first([outcome.score for outcome in before.outcomes])
        kept = {before.outcomes[slot].checkpoint for slot in ranking[: len(after.plan.orders)]}
        starts = [order.start.checkpoint for order in after.plan.orders if isinstance(order.start, From)]
        assert set(starts) <= kept
        assert len(starts) == len(after.plan.orders)


def test_no_member_is_copied_in_the_burn_in() -> None:
    played, spent = run_of("bgpbt", RACE), 0
    copied_later = False
    for before, after in itertools.pairwise(played):
        spent += sum(outcome.steps for outcome in before.outcomes)
        starts = [order.start for order in after.plan.orders]
        is_copied = len(set(map(str, starts))) < len(starts)
        assert not (is_copied and spent < 0.5 * RACE.total)
        copied_later |= is_copied
    assert copied_later


def test_ranks_that_agree_begin_a_rung_early_and_the_order_says_so() -> None:
    population = replace(RACE, rungs=(PopulationRung(members=8, share=0.9),), agreement=0.9)
    strategy = make_strategy("pbt", space=mixed_space(), settings=population)
    played = list(play(strategy, lambda order: outcome_of(order, score=float(order.member))))
    assert [len(r.plan.orders) for r in played[:3]] == [16, 16, 8]
    assert "16 members to 8: the ranks of two rounds agree (1.00)" in played[2].plan.orders[0].proposal.note


def test_a_member_without_a_score_continues_in_the_burn_in() -> None:
    strategy = make_strategy("pbt", space=mixed_space(), settings=RACE)
    first, second, *_ = play(strategy, lambda order: outcome_of(order, score=float("nan")))
    for before, after in zip(first.plan.orders, second.plan.orders, strict=True):
        assert after.start == From(checkpoint=checkpoint_of(before))
        assert "no score yet" in after.proposal.note


@pytest.mark.parametrize("name", ["pbt", "bgpbt", "mf-pbt", "successive-halving"])
def test_a_race_resumes_from_json_at_every_round(name: str) -> None:
    strategy = make_strategy(name, space=mixed_space(), settings=RACE)
    for played in play(strategy, by_chance):
        restored = decode(strategy.state_type, encode(played.state))
        resumed, whole = (strategy.advance(state, played.outcomes) for state in (restored, played.state))
        assert encode(resumed) == encode(whole)


@given(st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), min_size=3, max_size=12))
def test_agreement_is_spearman_s(pairs: list[tuple[int, int]]) -> None:
    before, after = ([float(pair[side]) for pair in pairs] for side in (0, 1))
    if len(set(before)) > 1 and len(set(after)) > 1:
        assert rank_agreement(before, after) == pytest.approx(spearmanr(before, after).statistic)
    else:
        assert np.isnan(rank_agreement(before, after))


def test_halving_has_the_rungs_of_the_protocol() -> None:
    assert [(r.members, r.share) for r in halving_rungs(16)] == [(8, 0.3), (4, 0.5), (2, 0.7)]


@pytest.mark.parametrize(
    ("rungs", "message"),
    [
        ([(8, 0.3), (12, 0.5)], r"members must fall from initial = 16, got \[8, 12\]"),
        ([(8, 0.5), (4, 0.3)], r"share must rise from rung to rung, got \[0.5, 0.3\]"),
        ([(8, 1.5)], "rungs: share = 1.5 must be above 0 and below 1, of the budget"),
        ([(0, 0.5)], "rungs: members = 0 must be a whole number, 1 or more"),
    ],
)
def test_rungs_out_of_order_are_refused(rungs: list[tuple[int, float]], message: str) -> None:
    with pytest.raises(InputError, match=message):
        replace(BASE, rungs=tuple(PopulationRung(members=m, share=share) for m, share in rungs))


def test_successive_halving_survives_every_kind_of_outcome() -> None:
    strategy = make_strategy("successive-halving", space=mixed_space(), settings=BASE)
    kinds = [1.0, float("nan"), float("inf"), float("-inf"), -1e300]

    def train(order: Order) -> Outcome:
        kind = kinds[(order.round + order.member) % len(kinds)]
        has_failed = order.member % 7 == 3
        return outcome_of(order, score=kind, failure="the disk is full" if has_failed else None)

    for played in play(strategy, train):
        for order in played.plan.orders:
            strategy.space.validate(order.configuration, source="order")


def test_a_clone_keeps_the_donor_s_configuration_as_often_as_it_should() -> None:
    always = make_strategy("pbt", space=mixed_space(), settings=BASE, keep_donor=1.0)
    played = list(play(always, by_chance))
    for before, after in itertools.pairwise(played):
        by_checkpoint = {checkpoint_of(order): order.configuration for order in before.plan.orders}
        for order in after.plan.orders:
            assert isinstance(order.start, From)
            assert order.configuration == by_checkpoint[order.start.checkpoint]
