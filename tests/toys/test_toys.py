import itertools
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bgpbt.errors import InputError
from bgpbt.records import (
    Checkpoint,
    Configuration,
    Distil,
    Fresh,
    From,
    Order,
    Proposal,
    ProposalSource,
    Purpose,
    ShrinkPerturb,
    Start,
)
from bgpbt.space import with_architectures
from bgpbt.toys import HORIZON, MemoryCheckpoints, Toy, make_toy, toy_names
from bgpbt.toys.shapes import BEST, SMALLEST, floor


def order(
    configuration: Configuration, *, steps: int, first_step: int = 0, start: Start | None = None
) -> Order:
    return Order(
        round=0,
        member=0,
        purpose=Purpose.TRAIN,
        start=start or Fresh(),
        configuration=configuration,
        first_step=first_step,
        steps=steps,
        seed=0,
        proposal=Proposal(source=ProposalSource.RANDOM),
    )


def final_score(toy: Toy, schedule: Sequence[tuple[Configuration, int]]) -> float:
    """Train one member through stretches of (configuration, steps)."""
    checkpoints, start, first_step, score = MemoryCheckpoints(), None, 0, float("nan")
    for configuration, steps in schedule:
        outcome = toy.train(
            order(configuration, steps=steps, first_step=first_step, start=start), checkpoints
        )
        assert outcome.checkpoint is not None
        start, first_step, score = From(checkpoint=outcome.checkpoint), first_step + steps, outcome.score
    return score


@pytest.mark.parametrize("name", toy_names())
def test_splitting_an_order_changes_nothing_but_rounding(name: str) -> None:
    toy = make_toy(name)
    for configuration in toy.space.sample(5, np.random.default_rng(0)):
        whole = final_score(toy, [(configuration, 60)])
        parts = final_score(toy, [(configuration, 1), (configuration, 32), (configuration, 27)])
        assert parts == pytest.approx(whole, rel=1e-12)


@pytest.mark.parametrize("name", toy_names())
def test_shrunk_weights_are_the_sum_of_their_shares(name: str) -> None:
    toy, checkpoints = make_toy(name), MemoryCheckpoints()
    configuration = toy.space.default()
    parent = toy.train(order(configuration, steps=20), checkpoints).checkpoint
    assert parent is not None
    start = ShrinkPerturb(checkpoint=parent, keep=0.2, fresh=0.1)
    shrunk = toy.train(order(configuration, steps=5, first_step=20, start=start), checkpoints).checkpoint
    assert shrunk is not None
    expected_w = 0.2 * checkpoints.load(parent)[0]["weights"] + 0.1 * toy.initial_w
    expected_w = toy.advance(expected_w, configuration, (20 + np.arange(5)) / HORIZON)
    np.testing.assert_allclose(checkpoints.load(shrunk)[0]["weights"], expected_w, rtol=1e-12)


@pytest.mark.parametrize("name", toy_names())
def test_equal_orders_have_equal_outcomes_to_the_bit(name: str) -> None:
    toy = make_toy(name)
    asked = order(toy.space.default(), steps=17)
    assert toy.train(asked, MemoryCheckpoints()) == make_toy(name).train(asked, MemoryCheckpoints())


@pytest.mark.parametrize("name", toy_names())
@given(seed=st.integers(0, 2**32), rounds=st.integers(1, 8), steps=st.integers(1, 50))
@settings(max_examples=30, deadline=None)
def test_no_schedule_beats_the_best_score(name: str, seed: int, rounds: int, steps: int) -> None:
    toy = make_toy(name)
    configurations = toy.space.sample(rounds, np.random.default_rng(seed))
    score = final_score(toy, [(configuration, steps) for configuration in configurations])
    assert score <= toy.best_score(rounds * steps) + 1e-12


def test_plain_follows_the_recursion_of_its_page() -> None:
    theta = np.array([0.9, 0.9])
    for step in range(25):
        best = np.array([0.2 + 0.6 * step / HORIZON, 0.8 - 0.6 * step / HORIZON])
        theta = theta * (1.0 - 2.0 * 0.0025 * np.exp(-(((np.array([0.3, 0.6]) - best) / 0.2) ** 2)))
    expected = 1.2 - theta @ theta
    assert final_score(make_toy("plain"), [({"h0": 0.3, "h1": 0.6}, 25)]) == pytest.approx(
        expected, rel=1e-12
    )


def test_plain_reaches_its_best_score_by_following_the_optimum() -> None:
    toy = make_toy("plain")
    following = [
        ({"h0": 0.2 + 0.6 * step / HORIZON, "h1": 0.8 - 0.6 * step / HORIZON}, 1) for step in range(50)
    ]
    assert final_score(toy, following) == pytest.approx(toy.best_score(50), rel=1e-12)


def test_deceptive_follows_the_recursion_of_its_page() -> None:
    skill, capacity, quality = 0.0, 1.0, 1.0 - 0.2**2
    for _ in range(30):
        skill, capacity = (
            skill + quality * 0.6 * capacity / HORIZON,
            capacity + quality * 10.0 * 0.4 / HORIZON,
        )
    actual = final_score(make_toy("deceptive"), [({"aim": 0.5, "greed": 0.6}, 30)])
    assert actual == pytest.approx(skill, rel=1e-12)


def test_the_best_score_of_deceptive_is_that_of_the_best_of_all_binary_schedules() -> None:
    toy, stretch, stretches = make_toy("deceptive"), 20, 8
    best = max(
        final_score(toy, [({"aim": 0.7, "greed": greed}, stretch) for greed in schedule])
        for schedule in itertools.product((0.0, 1.0), repeat=stretches)
    )
    assert best == pytest.approx(toy.best_score(stretch * stretches), rel=1e-12)  # it switches after 3 of 8


def test_deceptive_deceives() -> None:
    toy = make_toy("deceptive")
    greedy, patient = {"aim": 0.7, "greed": 1.0}, {"aim": 0.7, "greed": 0.0}
    assert final_score(toy, [(greedy, 10)]) > final_score(toy, [(patient, 10)])
    half = HORIZON // 2
    assert final_score(toy, [(greedy, HORIZON)]) < final_score(toy, [(patient, half), (greedy, half)]) / 2.0


def test_mixed_reaches_its_best_score_by_the_best_values_of_each_step() -> None:
    toy = make_toy("mixed")
    columns = {name: column for column, name in enumerate(toy.space.names)}
    best = {
        "learning_rate": (0.9, 0.2),
        "momentum": (0.3, 0.7),
        "epochs": (0.8, 0.4),
        "batch_size": (0.0, 1.0),
    }
    optimizers = toy.space.inputs[columns["optimizer"]]
    schedules = toy.space.inputs[columns["schedule"]]
    following = []
    for step in range(0, HORIZON):
        progress = step / HORIZON
        x_d = np.zeros(toy.space.dimension)
        for name, (first, last) in best.items():
            x_d[columns[name]] = first + (last - first) * progress  # decoding takes the nearest level
        x_d[columns["optimizer"]] = optimizers.coordinate("adam" if progress < 0.5 else "sgd")
        x_d[columns["schedule"]] = schedules.coordinate("cosine")
        following.append((toy.space.decode(x_d)[0], 1))
    assert final_score(toy, following) == pytest.approx(toy.best_score(HORIZON), rel=1e-9)


def test_a_toy_refuses_what_it_cannot_train() -> None:
    toy = make_toy("plain")
    with pytest.raises(InputError, match="h0 = 2"):
        toy.train(order({"h0": 2.0, "h1": 0.5}, steps=1), MemoryCheckpoints())
    with pytest.raises(InputError, match="distilled"):
        toy.train(
            order(
                {"h0": 0.2, "h1": 0.5}, steps=1, start=Distil(teacher=Checkpoint("0" * 64), total_steps=10)
            ),
            MemoryCheckpoints(),
        )
    with pytest.raises(InputError, match="plain, deceptive, mixed"):
        make_toy("plane")


def test_a_student_reaches_its_teacher_as_far_as_its_shape_lets_it() -> None:
    toy = make_toy("shapes")
    toy = replace(toy, space=with_architectures(toy.space))
    checkpoints = MemoryCheckpoints()
    rate: Configuration = {"learning_rate": 0.01}
    teacher = toy.train(order({**rate, **BEST}, steps=300), checkpoints)
    assert teacher.checkpoint is not None
    start = Distil(teacher=teacher.checkpoint, total_steps=200)
    able = toy.train(order({**rate, **BEST}, steps=200, start=start), checkpoints)
    unable = toy.train(order({**rate, **SMALLEST}, steps=200, start=start), checkpoints)
    assert able.score == pytest.approx(teacher.score, abs=0.05)
    assert unable.score == pytest.approx(1.0 - floor(SMALLEST), abs=1e-6)
    with pytest.raises(InputError, match="the configuration names"):
        toy.train(
            order({**rate, **SMALLEST}, steps=1, start=From(checkpoint=teacher.checkpoint)), checkpoints
        )
