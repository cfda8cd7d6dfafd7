"""Which rungs a schedule by name has, and that a run of it costs what the paper's does."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bgpbt.errors import InputError
from bgpbt.records import Order, Outcome
from bgpbt.strategies import PopulationSettings, make_strategy, population_schedule, with_schedule
from tests.strategies.runs import mixed_space, outcome_of, play

STUDY = PopulationSettings(population=8, initial=16, quantile_fraction=0.25, t_ready=100, max_timesteps=1000)


def one_score(order: Order) -> Outcome:
    return outcome_of(order, score=float(order.member))


def test_a_short_race_ends_with_half_of_the_population() -> None:
    race = population_schedule("race", STUDY)
    assert race.rungs is not None
    assert [(rung.members, rung.share) for rung in race.rungs] == [(8, 0.3), (4, 0.5)]
    assert race.copy_after == 0.5


def test_a_small_population_is_not_halved_again() -> None:
    small = population_schedule("race", replace(STUDY, population=4, initial=8))
    assert small.rungs is not None
    assert [(rung.members, rung.share) for rung in small.rungs] == [(4, 0.3)]
    assert small.copy_after == 0.3
    six = population_schedule("race", replace(STUDY, population=6, initial=6))
    assert [rung.members for rung in six.rungs or ()] == [4]


def test_a_long_race_is_over_after_a_few_rounds_and_keeps_the_population() -> None:
    long = replace(STUDY, max_timesteps=15_000)
    race = population_schedule("race", long)
    assert race.rungs is not None
    assert [rung.members for rung in race.rungs] == [8]
    assert race.copy_after == pytest.approx(4 * 16 * 100 / long.total, abs=1e-6)
    planned = with_schedule(long, "race").planned_rounds()
    assert [members for members, _ in planned[:6]] == [16, 16, 16, 16, 8, 8]


@given(
    population=st.integers(2, 40),
    more=st.integers(0, 80),
    rounds=st.integers(1, 200),
    t_ready=st.integers(1, 1000),
)
@settings(max_examples=100, deadline=None)
def test_a_race_of_any_size_costs_what_the_papers_schedule_costs(
    population: int, more: int, rounds: int, t_ready: int
) -> None:
    paper = PopulationSettings(
        population=population,
        initial=population + more,
        quantile_fraction=0.5,
        t_ready=t_ready,
        max_timesteps=t_ready * rounds,
    )
    race = with_schedule(paper, "race")
    planned = race.planned_rounds()
    sizes = [members for members, _ in planned]
    assert sizes[0] == paper.initial
    assert all(after <= before for before, after in itertools.pairwise(sizes))
    rungs = [paper.initial, *(rung.members for rung in race.rungs or ())]
    assert all(before / 2 <= after < before for before, after in itertools.pairwise(rungs))
    spent = sum(members * steps for members, steps in planned)
    assert spent <= race.total == paper.total
    assert race.total - spent < sizes[-1] * t_ready


def test_the_named_race_is_played_as_planned() -> None:
    race = with_schedule(STUDY, "race")
    played = list(play(make_strategy("pbt", space=mixed_space(), settings=race), one_score))
    assert [len(one.plan.orders) for one in played] == [members for members, _ in race.planned_rounds()]


def test_in_parallel_no_member_leaves_and_the_first_copy_comes_later() -> None:
    parallel = with_schedule(replace(STUDY, initial=8), "parallel")
    assert {members for members, _ in parallel.planned_rounds()} == {8}
    assert parallel.copy_after > 0.0
    with pytest.raises(InputError, match=r"initial = 16 must be population = 8"):
        with_schedule(STUDY, "parallel")


def test_the_papers_schedule_is_no_race() -> None:
    assert with_schedule(with_schedule(STUDY, "race"), "paper") == STUDY


def test_a_wrong_name_lists_the_schedules() -> None:
    with pytest.raises(InputError, match="population_schedule = 'rase' must be race, parallel or paper"):
        population_schedule("rase", STUDY)
