import math
from typing import Any

import pytest

from bgpbt.errors import InputError
from bgpbt.records import Fresh, From, Order, Outcome, ProposalSource
from bgpbt.strategies import PopulationSettings, make_strategy
from bgpbt.strategies.mf_pbt import default_frequencies
from tests.strategies.runs import Round, Train, checkpoint_of, continuous_space, outcome_of, play

EIGHT = PopulationSettings(population=8, initial=8, t_ready=10, max_timesteps=70)


def rounds_of(train: Train, **options: Any) -> list[Round]:
    strategy = make_strategy("mf-pbt", space=continuous_space(), settings=EIGHT, **options)
    return list(play(strategy, train))


def parent(rounds: list[Round], round_index: int, slot: int) -> int:
    """Return whose weights a slot starts from."""
    start = rounds[round_index].plan.orders[slot].start
    assert isinstance(start, From)
    return [checkpoint_of(order) for order in rounds[round_index - 1].plan.orders].index(start.checkpoint)


def fast_is_better(order: Order) -> Outcome:
    """Slots 0 to 3, the fast sub-population, score 7 to 4, the slow one 3 to 0."""
    return outcome_of(order, score=7.0 - order.member)


def slow_is_better(order: Order) -> Outcome:
    """The slow sub-population scores 7 to 4 in slots 4 to 7, the fast one 3 to 0."""
    return outcome_of(order, score=7.0 - (order.member + 4) % 8)


def test_each_sub_population_evolves_in_its_own_rounds() -> None:
    rounds = rounds_of(fast_is_better, frequencies=(1, 3))
    for index in range(1, 7):
        parents = [parent(rounds, index, slot) for slot in range(8)]
        slow = [4, 5, 0, 4] if index % 3 == 0 else [4, 5, 6, 7]
        assert parents == [0, 1, 2, 0, *slow]


def test_from_fast_to_slow_only_weights_migrate() -> None:
    rounds = rounds_of(fast_is_better, frequencies=(1, 3))
    migrant = rounds[3].plan.orders[6]
    assert parent(rounds, 3, 6) == 0
    assert migrant.configuration == rounds[2].plan.orders[4].configuration
    assert migrant.configuration != rounds[2].plan.orders[0].configuration


def test_from_slow_to_fast_the_configuration_comes_along() -> None:
    rounds = rounds_of(slow_is_better, frequencies=(1, 3))
    for index in range(1, 7):
        assert parent(rounds, index, 2) == 4
        migrant = rounds[index].plan.orders[2]
        assert migrant.configuration == rounds[index - 1].plan.orders[4].configuration
        assert migrant.proposal.source is ProposalSource.INHERITED
        assert parent(rounds, index, 6) == 6  # nobody outside is better


def test_the_last_quarter_is_a_perturbed_copy_of_the_first() -> None:
    rounds = rounds_of(fast_is_better, frequencies=(1, 3), resample_probability=0.0)
    donor, copy = rounds[0].plan.orders[0], rounds[1].plan.orders[3]
    assert copy.proposal.source is ProposalSource.PERTURBED
    ratio = float(copy.configuration["x"]) / float(donor.configuration["x"])
    assert any(math.isclose(ratio, factor, rel_tol=1e-9) for factor in (0.8, 1.2))


def test_a_sub_population_that_is_lost_is_refilled_from_the_other_at_once() -> None:
    def train(order: Order) -> Outcome:
        return outcome_of(order, score=math.nan if order.round == 0 and order.member >= 4 else 1.0)

    rounds = rounds_of(train, frequencies=(1, 3))
    assert [parent(rounds, 1, slot) for slot in range(4, 8)] == [0, 0, 0, 0]
    assert all(order.start != Fresh() for order in rounds[1].plan.orders)


@pytest.mark.parametrize(
    ("population", "frequencies"), [(4, (1,)), (7, (1,)), (8, (1, 10)), (9, (1,)), (24, (1, 10, 25, 50))]
)
def test_there_are_as_many_frequencies_as_have_room(population: int, frequencies: tuple[int, ...]) -> None:
    assert default_frequencies(population) == frequencies


@pytest.mark.parametrize(
    ("rounds", "frequencies"), [(10, (1, 2)), (20, (1, 5)), (40, (1, 10)), (150, (1, 10)), (1, (1, 2))]
)
def test_a_short_run_speeds_its_slower_sub_populations_up(rounds: int, frequencies: tuple[int, ...]) -> None:
    assert default_frequencies(8, rounds) == frequencies


@pytest.mark.parametrize("frequencies", [(1, 1), (0, 2), (1, 2, 3), (1, 5, 10, 20)])
def test_frequencies_that_do_not_fit_are_named(frequencies: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="frequencies = "):
        make_strategy("mf-pbt", space=continuous_space(), settings=EIGHT, frequencies=frequencies)


def test_a_population_of_three_is_too_small() -> None:
    small = PopulationSettings(population=3, initial=3, quantile_fraction=0.4, t_ready=1, max_timesteps=1)
    with pytest.raises(InputError, match="population = 3 must be at least 4"):
        make_strategy("mf-pbt", space=continuous_space(), settings=small)
