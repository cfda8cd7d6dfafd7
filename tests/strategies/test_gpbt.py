"""GPBT's step against its closed form, and what holds for every configuration and velocity."""

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from ConfigSpace import Categorical, ConfigurationSpace, EqualsCondition, Float, ForbiddenEqualsClause
from hypothesis import given, settings
from hypothesis import strategies as st

from bgpbt.errors import InputError
from bgpbt.records import From, Order, Outcome, ProposalSource
from bgpbt.space import Space
from bgpbt.strategies import PopulationSettings, make_strategy
from bgpbt.strategies.gpbt import PairwiseLearning, Velocities, step_towards
from tests.strategies.runs import SPACES, checkpoint_of, continuous_space, mixed_space, outcome_of, play

MIXED = mixed_space()
units = st.floats(0.0, 1.0)


@pytest.mark.parametrize(
    ("loser", "winner", "velocity", "weights", "expected"),
    [
        (0.2, 0.6, 0.0, (0.5, 0.25), (0.3, 0.1)),  # a quarter of the way
        (0.2, 0.6, 0.1, (0.5, 0.25), (0.35, 0.15)),  # and half of the last step
        (0.6, 0.2, 0.1, (1.0, 1.0), (0.3, -0.3)),  # against it
        (0.9, 1.0, 0.5, (1.0, 1.0), (1.0, 0.6)),  # clipped, the velocity kept
        (0.1, 0.0, -0.5, (1.0, 1.0), (0.0, -0.6)),
    ],
)
def test_a_step_is_its_closed_form(
    loser: float,
    winner: float,
    velocity: float,
    weights: tuple[float, float],
    expected: tuple[float, float],
) -> None:
    assert step_towards(loser, winner, velocity, weights) == pytest.approx(expected)


@settings(max_examples=100, deadline=None)
@given(
    seed=st.integers(0, 2**40),
    velocity=st.floats(-3.0, 3.0),
    weights=st.tuples(st.floats(0.0, 4.0), st.floats(0.0, 4.0)),
    resample=units,
)
@pytest.mark.parametrize("space", SPACES)
def test_a_step_stays_in_the_space(
    space: str, seed: int, velocity: float, weights: tuple[float, float], resample: float
) -> None:
    searched = SPACES[space]()
    learning = PairwiseLearning(
        space=searched, inertia=weights[0], attraction=weights[1], resample_probability=resample
    )
    random = np.random.default_rng(seed)
    loser, winner = searched.sample(2, random)
    configuration, v_d = learning.moved(loser, winner, np.full(searched.dimension, velocity), random)
    searched.validate(configuration, source="a step")
    assert v_d.shape == (searched.dimension,)
    largest = weights[0] * abs(velocity) + weights[1]
    assert np.all(np.abs(v_d) <= largest * (1.0 + 1e-12))


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**40))
def test_from_rest_a_loser_ends_between_itself_and_the_winner(seed: int) -> None:
    learning = PairwiseLearning(space=MIXED, resample_probability=0.0)
    random = np.random.default_rng(seed)
    loser, winner = MIXED.sample(2, random)
    configuration, _ = learning.moved(loser, winner, np.zeros(MIXED.dimension), random)
    before_d, after_d, aim_d = MIXED.encode([loser, configuration, winner])
    for name, before, after, aim in zip(MIXED.names, before_d, after_d, aim_d, strict=True):
        if name in ("optimizer", "nesterov"):
            assert after in (before, aim)
        elif math.isfinite(before) and math.isfinite(aim) and math.isfinite(after):
            assert min(before, aim) - 1e-9 <= after <= max(before, aim) + 1e-9


def test_equal_configurations_at_rest_do_not_move() -> None:
    learning = PairwiseLearning(space=MIXED, resample_probability=0.0)
    (same,) = MIXED.sample(1, np.random.default_rng(3))
    configuration, v_d = learning.moved(same, same, np.zeros(MIXED.dimension), np.random.default_rng(0))
    known, decoded = MIXED.encode([same, configuration])
    np.testing.assert_allclose(decoded, known, atol=1e-12)
    np.testing.assert_array_equal(v_d, 0.0)


def test_the_weights_of_a_step_are_uniform() -> None:
    """The mean step is half of the way, with a standard error of 1/sqrt(12 n); 5 of them may not be left."""
    space = ConfigurationSpace()
    space.add(Float("x", (0.0, 1.0)), Categorical("kind", ["a", "b"]))
    learning = PairwiseLearning(space=Space.from_configspace(space), resample_probability=0.0)
    random, count = np.random.default_rng(0), 4_000
    moved = [
        learning.moved({"x": 0.0, "kind": "a"}, {"x": 1.0, "kind": "b"}, np.zeros(2), random)[0]
        for _ in range(count)
    ]
    assert abs(np.mean([float(c["x"]) for c in moved]) - 0.5) < 5.0 / math.sqrt(12 * count)
    assert abs(np.mean([c["kind"] == "b" for c in moved]) - 0.5) < 5.0 * 0.5 / math.sqrt(count)


def test_what_only_one_of_the_two_has_is_taken_over() -> None:
    space = ConfigurationSpace()
    momentum = Float("momentum", (0.0, 1.0))
    kind = Categorical("kind", ["adam", "sgd"])
    space.add(kind, momentum)
    space.add(EqualsCondition(momentum, kind, "sgd"))
    learning = PairwiseLearning(space=Space.from_configspace(space), resample_probability=0.0)
    random = np.random.default_rng(0)
    for _ in range(20):
        configuration, v_d = learning.moved(
            {"kind": "adam"}, {"kind": "sgd", "momentum": 0.25}, np.full(2, 0.7), random
        )
        assert configuration.get("momentum", 0.25) == pytest.approx(0.25)
        np.testing.assert_array_equal(v_d, 0.0)


def test_a_clause_that_forbids_every_step_gives_a_draw_at_rest() -> None:
    space = ConfigurationSpace()
    kind = Categorical("kind", ["a", "b", "c"], default="b")
    space.add(kind)
    space.add(ForbiddenEqualsClause(kind, "a"))
    learning = PairwiseLearning(space=Space.from_configspace(space), resample_probability=0.0)
    configuration, v_d = learning.moved(
        {"kind": "a"}, {"kind": "a"}, np.full(1, 0.7), np.random.default_rng(0)
    )
    assert configuration["kind"] in ("b", "c")
    assert v_d.tolist() == [0.0]


def test_in_a_run_velocities_follow_their_members() -> None:
    """Slot 3 always loses to slot 0, whose configuration stays; so each step follows from the one before."""
    population = PopulationSettings(
        population=4, initial=6, quantile_fraction=0.25, t_ready=10, max_timesteps=60
    )
    space = continuous_space()
    strategy = make_strategy("gpbt", space=space, settings=population, inertia=0.0, resample_probability=0.0)

    def train(order: Order) -> Outcome:
        return outcome_of(order, score=-float(order.member))

    rounds = list(play(strategy, train))
    for before, after in pairwise(rounds):
        winner, loser = before.plan.orders[0], before.plan.orders[3]
        moved = after.plan.orders[3]
        assert moved.start == From(checkpoint=checkpoint_of(winner))
        assert moved.proposal.source is ProposalSource.PERTURBED
        x_3d = space.encode([loser.configuration, moved.configuration, winner.configuration])
        step_d = x_3d[1] - x_3d[0]
        assert np.all(step_d * (x_3d[2] - x_3d[0]) >= -1e-12)  # towards the winner
        velocities = after.state.memory.by_slot
        np.testing.assert_allclose(velocities[3], step_d, atol=1e-9)  # nothing is clipped on the way
        assert [velocities[slot] for slot in range(3)] == [(0.0, 0.0)] * 3


def test_a_velocity_moves_with_its_member_when_slots_do() -> None:
    """Members 2 to 5 of the first round are kept, in slots 0 to 3; 2 is the worst of them and moves."""
    population = PopulationSettings(
        population=4, initial=6, quantile_fraction=0.25, t_ready=10, max_timesteps=60
    )
    strategy = make_strategy("gpbt", space=continuous_space(), settings=population)
    (played, *_) = play(strategy, lambda order: outcome_of(order, score=float(order.member)))
    memory = Velocities(by_slot=tuple((0.1 * slot, -0.1 * slot) for slot in range(6)))
    state, _ = strategy.advance(replace(played.state, memory=memory), played.outcomes)
    assert state.memory.by_slot[1:] == memory.by_slot[3:]
    assert state.memory.by_slot[0] != memory.by_slot[2]


def test_after_members_have_left_in_between_all_are_at_rest() -> None:
    """A trial of Ray Tune may leave for good; the slots of the others then change."""
    population = PopulationSettings(
        population=4, initial=4, quantile_fraction=0.25, t_ready=10, max_timesteps=60
    )
    strategy = make_strategy("gpbt", space=continuous_space(), settings=population)
    (played, *_) = play(strategy, lambda order: outcome_of(order, score=-float(order.member)))
    memory = Velocities(by_slot=((0.3, 0.3),) * 5)  # of one member more
    state, _ = strategy.advance(replace(played.state, memory=memory), played.outcomes)
    assert state.memory.by_slot[:3] == ((0.0, 0.0),) * 3


def test_new_members_are_at_rest() -> None:
    population = PopulationSettings(
        population=4, initial=6, quantile_fraction=0.25, t_ready=10, max_timesteps=60
    )
    strategy = make_strategy("gpbt", space=continuous_space(), settings=population)
    (played, *_) = play(strategy, lambda order: outcome_of(order, score=math.nan))
    memory = Velocities(by_slot=((0.3, 0.3),) * 6)
    state, _ = strategy.advance(replace(played.state, memory=memory), played.outcomes)
    assert state.memory == Velocities()


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ({"inertia": -0.1}, "inertia = -0.1 must be 0 or more, and finite"),
        ({"attraction": math.inf}, "attraction = inf must be 0 or more, and finite"),
        ({"resample_probability": 1.5}, "resample_probability = 1.5 must be from 0 to 1"),
    ],
)
def test_a_weight_that_is_not_allowed_is_named(option: dict[str, float], said: str) -> None:
    population = PopulationSettings(population=8, t_ready=10, max_timesteps=60)
    with pytest.raises(InputError, match=said):
        make_strategy("gpbt", space=MIXED, settings=population, **option)
