"""When generations begin, who teaches whom, what successive halving costs, and what is reset."""

import collections
import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bgpbt.encoding import decode, encode
from bgpbt.errors import InputError
from bgpbt.records import Checkpoint, Distil, From, Grow, Order, Outcome, ProposalSource, Purpose
from bgpbt.space import ARCHITECTURE_INPUTS, Space, with_architectures
from bgpbt.strategies import GenerationSettings, PopulationSettings, expected_steps, make_strategy, rungs
from bgpbt.strategies.generations import Generational, GenerationalState
from bgpbt.surrogate import SurrogateSettings, start_region
from bgpbt.toys import MemoryCheckpoints, Toy, make_toy
from tests.strategies.runs import Round, Train, continuous_space, outcome_of, play

POPULATION = PopulationSettings(
    population=4, initial=12, quantile_fraction=0.25, t_ready=10, max_timesteps=200
)
GENERATIONS = GenerationSettings(t_distillation=24, distill_every=50, max_distillation=2, patience=20)
FAST = SurrogateSettings(candidates=64, starts=4, fit_starts=1)


def space() -> Space:
    return with_architectures(continuous_space())


def rounds_of(
    train: Train, generations: GenerationSettings = GENERATIONS, population: PopulationSettings = POPULATION
) -> list[Round]:
    strategy = make_strategy(
        "bgpbt", space=space(), settings=population, generations=generations, surrogate=FAST
    )
    return list(play(strategy, train))


def toy_rounds(seed: int = 0, **changes: Any) -> tuple[list[Round], MemoryCheckpoints]:
    toy: Toy = make_toy("shapes")
    toy = replace(toy, space=with_architectures(toy.space))
    checkpoints = MemoryCheckpoints()
    strategy = make_strategy(
        "bgpbt",
        space=toy.space,
        settings=POPULATION,
        generations=replace(GENERATIONS, **changes),
        surrogate=FAST,
    )
    return list(play(strategy, lambda order: toy.train(order, checkpoints), seed)), checkpoints


def by_depth(order: Order) -> Outcome:
    """Score a member by the depth of its policy, above all."""
    return outcome_of(order, score=float(order.configuration["policy_depth"]) + 0.001 * order.member)


def shape_of(order: Order) -> dict[str, Any]:
    return {name: order.configuration[name] for name in ARCHITECTURE_INPUTS}


def distillations(rounds: list[Round]) -> list[list[Round]]:
    """Return the rungs of each distillation."""
    found: dict[int, list[Round]] = collections.defaultdict(list)
    for played in rounds:
        if played.plan.orders[0].purpose is Purpose.DISTIL:
            found[played.plan.orders[0].generation].append(played)
    return [found[generation] for generation in sorted(found)]


def test_a_run_has_the_generations_that_its_settings_ask_for() -> None:
    rounds, _ = toy_rounds()
    first, second = distillations(rounds)
    assert [len(rung.plan.orders) for rung in first] == [12, 6]  # then the best 4 stay
    assert {order.generation for order in first[0].plan.orders} == {1}
    assert {order.generation for order in second[0].plan.orders} == {2}
    assert first[0].plan.orders[0].first_step == 50  # distill_every
    assert second[0].plan.orders[0].first_step == 50 + 24 + 50
    assert [played.plan.orders[0].generation for played in rounds] == sorted(
        played.plan.orders[0].generation for played in rounds
    )


def test_the_ledger_of_steps_is_the_arithmetic_of_the_plan() -> None:
    rounds, _ = toy_rounds()
    spent = collections.Counter[Purpose]()
    for played in rounds:
        for order, outcome in zip(played.plan.orders, played.outcomes, strict=True):
            spent[order.purpose] += outcome.steps
    assert spent[Purpose.DISTIL] == 2 * (12 * 12 + 6 * 12)
    assert spent[Purpose.INITIAL] == 12 * 10
    assert spent[Purpose.TRAIN] == 4 * (200 - 10 - 2 * 24)
    assert spent.total() == expected_steps(POPULATION, GENERATIONS)


@given(survivors=st.integers(1, 30), more=st.integers(0, 60), steps=st.integers(64, 10**8))
def test_halving_leaves_as_many_as_wanted_after_all_the_steps(survivors: int, more: int, steps: int) -> None:
    plan = rungs(survivors + more, survivors, steps)
    assert plan[0].students == survivors + more
    assert plan[-1].until == steps
    assert -(-plan[-1].students // 2) <= survivors <= plan[-1].students
    for before, after in itertools.pairwise(plan):
        assert after.students == -(-before.students // 2)
        assert abs(after.until - 2 * before.until) <= 1


def test_every_student_goes_on_with_its_own_weights_and_teacher() -> None:
    rounds, _ = toy_rounds()
    for first, second in distillations(rounds):
        teachers = {
            outcome.checkpoint: order.start.teacher
            for order, outcome in zip(first.plan.orders, first.outcomes, strict=True)
            if isinstance(order.start, Distil)
        }
        configurations = {
            outcome.checkpoint: order.configuration
            for order, outcome in zip(first.plan.orders, first.outcomes, strict=True)
        }
        for order in second.plan.orders:
            assert isinstance(order.start, Distil)
            assert order.start.student is not None
            assert order.start.teacher == teachers[order.start.student]
            assert order.configuration == configurations[order.start.student]
            assert (order.start.rung, order.start.first_step, order.start.total_steps) == (1, 12, 24)


def test_scores_go_to_the_students_that_earned_them() -> None:
    rounds = rounds_of(by_depth)
    for first, second in distillations(rounds):
        best = sorted((outcome.score for outcome in first.outcomes), reverse=True)[:6]
        deepest = sorted(
            (int(order.configuration["policy_depth"]) for order in first.plan.orders), reverse=True
        )[:6]
        assert (
            sorted((int(o.configuration["policy_depth"]) for o in second.plan.orders), reverse=True)
            == deepest
        )
        assert [int(score) for score in best] == deepest


def test_the_population_of_a_new_generation_is_the_best_students_as_they_are() -> None:
    rounds, _ = toy_rounds()
    for _, last in distillations(rounds):
        following = rounds[rounds.index(last) + 1]
        ranked = sorted(last.outcomes, key=lambda outcome: -outcome.score)[:4]
        starts = [order.start for order in following.plan.orders]
        assert all(isinstance(start, From) for start in starts)
        assert {start.checkpoint for start in starts if isinstance(start, From)} == {
            outcome.checkpoint for outcome in ranked
        }
        assert all(order.proposal.source is ProposalSource.INHERITED for order in following.plan.orders)


def test_region_counters_and_data_start_anew_with_a_generation() -> None:
    rounds, _ = toy_rounds()
    for _, last in distillations(rounds):
        following = rounds[rounds.index(last) + 1]
        memory = following.state.memory
        assert isinstance(memory, GenerationalState)
        assert memory.inner.observations == ()
        assert memory.inner.region == start_region(FAST)
        assert memory.stagnant == 0


def test_half_of_the_architectures_are_the_model_s_and_all_are_different() -> None:
    rounds, _ = toy_rounds()
    for first, _ in distillations(rounds):
        sources = [order.proposal.source for order in first.plan.orders]
        assert sources.count(ProposalSource.MODEL) >= 6
        assert ProposalSource.INHERITED in sources
        assert ProposalSource.RANDOM in sources
        shapes = [tuple(shape_of(order).values()) for order in first.plan.orders]
        assert len(set(shapes)) == len(shapes)


def test_random_architectures_are_the_control() -> None:
    rounds, _ = toy_rounds(architectures="random")
    for first, _ in distillations(rounds):
        assert {order.proposal.source for order in first.plan.orders} == {ProposalSource.RANDOM}


def test_half_of_the_students_have_hyperparameters_of_good_members() -> None:
    rounds, _ = toy_rounds()
    first, _ = distillations(rounds)[0]
    before = rounds[rounds.index(first) - 1]
    rates = {order.configuration["learning_rate"] for order in before.plan.orders}
    copied = [o for o in first.plan.orders if o.configuration["learning_rate"] in rates]
    assert len(copied) == 6


def test_teachers_are_of_the_best() -> None:
    rounds, _ = toy_rounds()
    for first, _ in distillations(rounds):
        before = rounds[rounds.index(first) - 1]
        best = max(before.outcomes, key=lambda outcome: outcome.score)
        for order in first.plan.orders:  # a quarter of four members is one
            assert isinstance(order.start, Distil)
            assert order.start.teacher == best.checkpoint


def test_an_architecture_never_changes_within_a_generation() -> None:
    rounds, _ = toy_rounds()
    for before, after in itertools.pairwise(rounds):
        made = {
            outcome.checkpoint: shape_of(order)
            for order, outcome in zip(before.plan.orders, before.outcomes, strict=True)
        }
        for order in after.plan.orders:
            if isinstance(order.start, From):
                assert shape_of(order) == made[order.start.checkpoint]
    explored = [
        order
        for played in rounds
        for order in played.plan.orders
        if order.purpose is Purpose.TRAIN and order.proposal.source is ProposalSource.MODEL
    ]
    assert explored  # so that the rule above was put to the test


def test_a_generation_that_stagnates_ends_early() -> None:
    generations = replace(GENERATIONS, distill_every=10**6, patience=3, max_distillation=1)
    rounds = rounds_of(lambda order: outcome_of(order, score=-float(order.round)), generations)
    (rung, _) = distillations(rounds)[0]
    assert rung.plan.round == 1 + 3  # the first round is the best for ever


def test_no_generation_begins_that_the_budget_does_not_hold() -> None:
    rounds = rounds_of(by_depth, replace(GENERATIONS, t_distillation=148, distill_every=50))
    (only,) = distillations(rounds)
    assert only[-1].plan.orders[0].first_step + only[-1].plan.orders[0].steps == 198
    assert rounds_of(by_depth, replace(GENERATIONS, t_distillation=150, distill_every=50))
    assert not distillations(rounds_of(by_depth, replace(GENERATIONS, t_distillation=150)))


def test_growth_is_used_where_the_student_contains_the_teacher() -> None:
    grown = 0
    for seed in range(3):
        for order in _first_rung(seed):
            teacher = order.start.parent if isinstance(order.start, Grow) else None
            grown += teacher is not None
            assert isinstance(order.start, (Grow, Distil))
    assert grown > 0


def _first_rung(seed: int) -> Iterator[Order]:
    strategy = make_strategy(
        "bgpbt",
        space=space(),
        settings=POPULATION,
        generations=replace(GENERATIONS, inherit="grow"),
        surrogate=FAST,
    )
    for played in play(strategy, lambda order: outcome_of(order, score=-float(sum(_sizes(order)))), seed):
        if played.plan.orders[0].purpose is Purpose.DISTIL:
            assert all(o.purpose is Purpose.DISTIL for o in played.plan.orders)
            yield from played.plan.orders
            return


def _sizes(order: Order) -> list[int]:
    return [int(value) for name, value in order.configuration.items() if name in ARCHITECTURE_INPUTS]


def failing_students(order: Order) -> Outcome:
    if order.purpose is Purpose.DISTIL and order.member % 5 != 0:
        return outcome_of(order, score=float("nan"), failure="diverged")
    return by_depth(order)


def test_the_population_is_full_again_when_most_students_fail() -> None:
    rounds = rounds_of(failing_students)
    assert distillations(rounds)
    for played in rounds:
        if played.plan.orders[0].purpose is Purpose.TRAIN:
            assert len(played.plan.orders) == 4


def test_the_best_member_takes_over_when_every_student_fails() -> None:
    def train(order: Order) -> Outcome:
        failed = order.purpose is Purpose.DISTIL
        return outcome_of(order, score=by_depth(order).score, failure="lost" if failed else None)

    rounds = rounds_of(train)
    (first,) = distillations(rounds)[0]
    following = rounds[rounds.index(first) + 1]
    best = max(
        (outcome for played in rounds[: rounds.index(first)] for outcome in played.outcomes),
        key=lambda outcome: (outcome.score, -outcome.round),
    )
    assert {order.start for order in following.plan.orders} == {
        From(checkpoint=Checkpoint(str(best.checkpoint)))
    }


def test_hpo_and_both_differ_in_nothing_but_architectures_and_generations() -> None:
    hpo = make_strategy("bgpbt", space=continuous_space(), settings=POPULATION)
    both = make_strategy("bgpbt", space=space(), settings=POPULATION, generations=GENERATIONS)
    (_, plan_hpo), (_, plan_both) = hpo.start(7), both.start(7)
    for one, other in zip(plan_hpo.orders, plan_both.orders, strict=True):
        own = {n: v for n, v in other.configuration.items() if n not in ARCHITECTURE_INPUTS}
        assert replace(other, configuration=own) == one
        assert set(other.configuration) - set(own) == set(ARCHITECTURE_INPUTS)


def test_the_state_survives_its_encoding_in_every_round() -> None:
    rounds, _ = toy_rounds()
    strategy = make_strategy(
        "bgpbt",
        space=with_architectures(make_toy("shapes").space),
        settings=POPULATION,
        generations=GENERATIONS,
        surrogate=FAST,
    )
    for before, after in itertools.pairwise(rounds):
        restored = decode(strategy.state_type, encode(before.state))
        state, plan = strategy.advance(restored, before.outcomes)
        assert encode(state) == encode(after.state)
        assert plan == after.plan


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32), st.data())
def test_whatever_outcomes_come_a_run_reaches_its_end(seed: int, data: st.DataObject) -> None:
    scores = st.sampled_from([float("nan"), float("inf"), -1.0, 0.0, 2.5])

    def train(order: Order) -> Outcome:
        failure = "lost" if data.draw(st.integers(0, 5)) == 0 else None
        return outcome_of(
            order, score=data.draw(scores), failure=failure, skipped=data.draw(st.integers(0, 3))
        )

    generations = replace(GENERATIONS, distill_every=20, t_distillation=8, architectures="random")
    population = replace(POPULATION, max_timesteps=80, population=2, initial=4, quantile_fraction=0.5)
    strategy = make_strategy(
        "bgpbt", space=space(), settings=population, generations=generations, surrogate=FAST
    )
    rounds = list(play(strategy, train, seed))
    assert all(space().is_legal(order.configuration) for played in rounds for order in played.plan.orders)
    last = rounds[-1].plan.orders
    assert all(order.first_step + order.steps == 80 for order in last)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"t_distillation": 0}, "t_distillation = 0 must be a whole number, 1 or more"),
        ({"distill_every": 1.5}, "distill_every = 1.5 must be"),
        ({"max_distillation": -1}, "max_distillation = -1 must be a whole number, 0 or more"),
        ({"patience": 0}, "patience = 0 must be"),
        ({"architectures": "best"}, "architectures = 'best' must be search or random"),
        ({"inherit": "copy"}, "inherit = 'copy' must be distil or grow"),
    ],
)
def test_what_is_not_allowed_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        GenerationSettings(**changes)


def test_a_distillation_too_short_for_its_rungs_is_refused_before_the_run() -> None:
    with pytest.raises(InputError, match=r"t_distillation = 1 is too short for 2 rungs \(12, 6 students\)"):
        rounds_of(by_depth, replace(GENERATIONS, t_distillation=1))


def test_the_rule_is_generational() -> None:
    strategy = make_strategy("bgpbt", space=space(), settings=POPULATION, generations=GENERATIONS)
    assert isinstance(strategy.rule, Generational)
    assert set(strategy.rule.architectures.names) == set(ARCHITECTURE_INPUTS)
