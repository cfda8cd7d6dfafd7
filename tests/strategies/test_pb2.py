import math

import numpy as np
import pytest
from ConfigSpace import Categorical, ConfigurationSpace, Float

from bgpbt.records import Order, Outcome, ProposalSource
from bgpbt.space import Space
from bgpbt.strategies import PopulationSettings, make_strategy
from bgpbt.strategies.exp3 import exploration_rate, updated_weights
from bgpbt.strategies.pb2 import PB2Explore, PB2State, _gains
from bgpbt.strategies.pb2_model import Task, _as_points, _maximise, _points, _ScoreScale, propose
from bgpbt.strategies.time_varying_gp import Points, fit, posterior, upper_bound
from bgpbt.surrogate import Observation, PendingPoint
from tests.strategies.runs import SMALL, continuous_space, discrete_space, mixed_space, outcome_of, play


def observed(space: Space, rate: object, n: int = 40) -> list[Observation]:
    """Observe a function of configurations at random points."""
    assert callable(rate)
    rng = np.random.default_rng(0)
    return [
        Observation(
            configuration=c, score_before=float(rng.random()), time=1.0, improvement_rate=float(rate(c))
        )
        for c in space.sample(n, rng)
    ]


def task_of(space: Space, observations: list[Observation], *, models_categories: bool = False) -> Task:
    return Task(
        space=space,
        observations=observations,
        pending=[PendingPoint(configuration=space.default(), score_before=0.5)],
        given=space.default(),
        score_before=0.5,
        time=2.0,
        models_categories=models_categories,
    )


def test_it_goes_to_the_optimum_of_what_it_saw() -> None:
    space = continuous_space()
    task = task_of(space, observed(space, lambda c: -((c["x"] - 0.3) ** 2)))
    configuration, complaint = propose(task, np.random.default_rng(1))
    assert complaint is None
    assert float(configuration["x"]) == pytest.approx(0.3, abs=0.15)


def test_no_random_point_has_a_higher_upper_bound_than_the_one_found() -> None:
    space = mixed_space()
    task = task_of(space, observed(space, lambda c: np.cos(5 * c["shift"]) + c["epochs"]))
    y_n = np.array([o.improvement_rate for o in task.observations])
    scale = _ScoreScale(low=0.0, high=1.0)
    data = _points(task, task.observations, scale, [o.time for o in task.observations])
    model = posterior(fit(data, (y_n - y_n.mean()) / y_n.std()), data, (y_n - y_n.mean()) / y_n.std(), data)
    found_d = _maximise(task, model, scale, 1.0, np.random.default_rng(0))
    random_nd = np.random.default_rng(1).random((20_000, space.dimension))
    context_n = np.full(20_001, 0.5)
    points = _as_points(task, np.vstack([found_d, random_nd]), context_n, np.full(20_001, 2.0))
    value_n = np.concatenate([upper_bound(model, _rows(points, i), 1.0)[0] for i in range(0, 20_001, 1000)])
    assert value_n[0] >= value_n[1:].max()


def _rows(points: Points, first: int) -> Points:
    stretch = slice(first, first + 1000)
    return Points(
        x_nd=points.x_nd[stretch], choice_nk=points.choice_nk[stretch], time_n=points.time_n[stretch]
    )


def test_given_a_category_it_maximises_for_that_category() -> None:
    """The optimum of x is 0.2 under one choice and 0.8 under the other: only a model that sees it can."""
    configuration_space = ConfigurationSpace()
    configuration_space.add(Float("x", (0.0, 1.0)), Categorical("kind", ["left", "right"], default="right"))
    space = Space.from_configspace(configuration_space)
    observations = observed(space, lambda c: -((c["x"] - (0.2 if c["kind"] == "left" else 0.8)) ** 2), n=60)
    configuration, _ = propose(task_of(space, observations, models_categories=True), np.random.default_rng(0))
    assert configuration["kind"] == "right"
    assert float(configuration["x"]) == pytest.approx(0.8, abs=0.15)


@pytest.mark.parametrize(
    ("rates", "complaint"),
    [
        ([], "0 usable observations"),
        ([1.0], "1 usable observations"),
        ([math.nan, math.inf, 2.0], "1 usable observations"),
        ([3.0, 3.0, 3.0], "all rates of improvement are equal"),
        ([0.0, 0.0], "all rates of improvement are equal"),
    ],
)
def test_where_there_is_nothing_to_model_it_draws_and_says_why(rates: list[float], complaint: str) -> None:
    space = mixed_space()
    configurations = space.sample(len(rates), np.random.default_rng(0))
    observations = [
        Observation(configuration=c, score_before=0.0, time=0.0, improvement_rate=rate)
        for c, rate in zip(configurations, rates, strict=True)
    ]
    configuration, said = propose(task_of(space, observations), np.random.default_rng(0))
    assert said == complaint
    space.validate(configuration, source="drawn")
    assert configuration["optimizer"] == space.default()["optimizer"]


def test_huge_and_duplicate_data_are_survived() -> None:
    space = mixed_space()
    observations = [
        Observation(configuration=space.default(), score_before=s, time=0.0, improvement_rate=rate)
        for s, rate in [(1e308, 1e308), (-1e308, -1e308), (0.0, 1.0), (0.0, 1.0)]
    ]
    configuration, complaint = propose(task_of(space, observations), np.random.default_rng(0))
    assert complaint is None
    space.validate(configuration, source="proposed")


def test_gains_are_ranks_and_the_failed_gain_nothing() -> None:
    np.testing.assert_allclose(_gains([5.0, math.nan, -1.0, 1e9]), [2 / 3, 0.0, 1 / 3, 1.0])


def test_bandits_learn_which_choice_is_good() -> None:
    settings = PopulationSettings(t_ready=10, max_timesteps=300)
    strategy = make_strategy("pb2-mix", space=discrete_space(), settings=settings)

    def train(order: Order) -> Outcome:
        gain = {"red": 0.0, "green": 1.0}[str(order.configuration["colour"])]
        return outcome_of(order, score=order.round + gain)

    rounds = list(play(strategy, train))
    memory = rounds[-1].state.memory
    assert isinstance(memory, PB2State)
    ((red, green),) = memory.weights
    assert green > red


def test_a_round_updates_the_bandits_by_one_play_for_each_member() -> None:
    strategy = make_strategy("pb2-mix", space=discrete_space(), settings=SMALL)
    state, plan = strategy.start(0)
    gains = [(5 - order.member) / 5 for order in plan.orders]
    after, _ = strategy.advance(
        state, [outcome_of(o, score=g) for o, g in zip(plan.orders, gains, strict=True)]
    )
    played = [["red", "green"].index(str(order.configuration["colour"])) for order in plan.orders]
    plays = 7 * 4  # rounds times members
    expected = updated_weights(np.array([0.5, 0.5]), played, gains, exploration_rate(2, plays), 1 / plays)
    np.testing.assert_allclose(after.memory.weights, [expected], rtol=1e-12)


def test_all_categories_leave_nothing_to_the_model() -> None:
    configuration_space = ConfigurationSpace()
    configuration_space.add(Categorical("a", ["x", "y"]), Categorical("b", [True, False]))
    space = Space.from_configspace(configuration_space)
    strategy = make_strategy("pb2-mix", space=space, settings=SMALL)
    rounds = list(play(strategy, lambda order: outcome_of(order, score=float(order.member**2 - order.round))))
    sources = {order.proposal.source for r in rounds[1:] for order in r.plan.orders}
    assert ProposalSource.MODEL not in sources
    assert ProposalSource.BANDIT in sources


def test_pb2_keeps_no_bandits() -> None:
    assert PB2Explore(space=mixed_space()).begin().weights == ()


@pytest.mark.parametrize("seed", range(3))
def test_without_categories_both_variants_are_one_strategy(seed: int) -> None:
    def train(order: Order) -> Outcome:
        return outcome_of(order, score=order.round + float(order.configuration["x"]))

    pb2, mix = (make_strategy(name, space=continuous_space(), settings=SMALL) for name in ("pb2", "pb2-mix"))
    assert [r.plan for r in play(pb2, train, seed)] == [r.plan for r in play(mix, train, seed)]
