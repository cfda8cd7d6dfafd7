"""Configurations that a user gives come first, and change nothing else."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bgpbt.encoding import decode, encode
from bgpbt.errors import InputError
from bgpbt.records import Configuration, ProposalSource
from bgpbt.strategies import PopulationSettings, make_strategy, start_remarks, strategy_names
from tests.strategies.runs import SMALL, mixed_space, play
from tests.strategies.test_contract import EVERY_STRATEGY, scores_by, strategy_of

OWN: Configuration = {"rate": 1e-3, "optimizer": "lamb", "epochs": 2}
SGD: Configuration = {"optimizer": "sgd", "momentum": 0.25}


def starting(*start: Configuration, initial: int = 6) -> PopulationSettings:
    return replace(SMALL, initial=initial, start=start)


@EVERY_STRATEGY
def test_given_configurations_come_first_and_the_others_are_drawn_as_ever(name: str) -> None:
    _, plain = strategy_of(name).start(3)
    _, plan = strategy_of(name, population=starting(OWN, SGD)).start(3)
    first, second, *rest = plan.orders
    default = mixed_space().default()
    assert first.configuration == {**default, **OWN}
    assert second.configuration == {**default, **SGD}
    assert tuple(rest) == plain.orders[2:]
    assert [order.seed for order in plan.orders] == [order.seed for order in plain.orders]
    assert [order.proposal.source for order in plan.orders] == [ProposalSource.GIVEN] * 2 + [
        ProposalSource.RANDOM
    ] * 4
    assert first.proposal.note == "defaults: batch, discount, nesterov, shift"


@EVERY_STRATEGY
def test_a_run_with_given_configurations_survives_json_and_comes_to_its_end(name: str) -> None:
    strategy = strategy_of(name, population=starting(OWN, SGD))
    rounds = 0
    for played in play(strategy, scores_by(2), seed=5):
        rounds += 1
        restored = decode(strategy.state_type, encode(played.state))
        assert encode(strategy.advance(restored, played.outcomes)) == encode(
            strategy.advance(played.state, played.outcomes)
        )
        for order in played.plan.orders:
            strategy.space.validate(order.configuration, source="order")
    assert rounds > 5


@pytest.mark.parametrize(
    ("given", "initial", "used"),
    [(0, 6, 0), (1, 6, 1), (3, 6, 3), (4, 6, 3), (5, 6, 3), (6, 6, 6), (9, 6, 6), (3, 7, 3), (4, 7, 3)],
)
def test_they_fill_at_most_half_unless_they_fill_all(given: int, initial: int, used: int) -> None:
    start = [{"shift": index / 10} for index in range(given)]
    _, plan = strategy_of("random", population=starting(*start, initial=initial)).start(0)
    assert len(plan.orders) == initial
    sources = [order.proposal.source for order in plan.orders]
    assert sources == [ProposalSource.GIVEN] * used + [ProposalSource.RANDOM] * (initial - used)
    assert [order.configuration["shift"] for order in plan.orders[:used]] == [
        configuration["shift"] for configuration in start[:used]
    ]


def test_what_is_left_out_and_what_takes_defaults_is_said() -> None:
    space = mixed_space()
    complete = space.completed(OWN, source="own")
    lines = start_remarks(space, [OWN, complete, OWN, SGD], 6)
    taken = "batch = 16, discount = 0.97, nesterov = True, shift = 0.0"
    assert lines == (
        "start: the first 3 of 4 configurations are used; given ones fill at most half, or all, of the "
        "initial design of 6",
        f"start: configuration 1, 3 of 4 takes defaults: {taken}",
    )
    assert start_remarks(space, [complete], 6) == ()
    assert start_remarks(space, [complete] * 3, 2) == (
        "start: the first 2 of 3 configurations are used; they fill the initial design of 2",
    )


def test_values_of_numpy_are_pythons_afterwards() -> None:
    of_numpy: Any = {"rate": np.float64(1e-3), "epochs": np.int64(2), "nesterov": np.bool_(True)}
    settings = starting(of_numpy)
    assert encode(settings) == encode(starting({"rate": 1e-3, "epochs": 2, "nesterov": True}))
    assert decode(PopulationSettings, encode(settings)) == settings
    assert isinstance(hash(settings), int)


def test_settings_without_start_are_stored_as_before() -> None:
    assert "start" not in encode(SMALL)


@pytest.mark.parametrize(
    ("start", "message"),
    [
        ([{"rate": 2.0}], "start[0]: rate = 2.0 must be a number from 0.0001 to 0.1"),
        ([{}, {"rates": 1e-3}], "start[1]: rates is not in the space (did you mean rate?); it has"),
        ([{"momentum": 0.5}], "start[0]: momentum = 0.5 is given, but optimizer = 'adam' switches it off"),
        ([{"version": 4}], "start[0]: version = 4 must be the constant 3"),
        ([{"rate": math.nan}], "start[0]: rate = nan must be"),
        ([{"rate": None}], "start[0]: rate: "),
        ([[1e-3]], "start[0] = [0.001] must be a mapping of names to values"),
        ({"rate": 1e-3}, "start = {'rate': 0.001} must be a sequence of configurations"),
        ("default", "start = 'default' must be a sequence of configurations"),
    ],
)
@pytest.mark.parametrize("name", strategy_names()[:1])
def test_what_cannot_be_trained_is_refused_when_the_strategy_is_made(
    name: str, start: Any, message: str
) -> None:
    with pytest.raises(InputError) as caught:
        make_strategy(name, space=mixed_space(), settings=replace(SMALL, start=start))
    assert str(caught.value).startswith(message)
