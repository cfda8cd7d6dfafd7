import math
from itertools import pairwise

import numpy as np
import pytest
from ConfigSpace import ConfigurationSpace, Float, ForbiddenEqualsClause, Integer

from bgpbt.errors import InputError
from bgpbt.records import Configuration, Fresh, ProposalSource
from bgpbt.space import Space
from bgpbt.strategies import make_strategy
from bgpbt.strategies.pbt import Perturb, perturbed
from tests.strategies.runs import SMALL, checkpoint_of, continuous_space, mixed_space, outcome_of, play

BASE: Configuration = {
    "rate": 0.01,
    "shift": -0.5,
    "discount": 0.95,
    "epochs": 5,
    "batch": 64,
    "optimizer": "adam",
    "nesterov": True,
    "version": 3,
}


def draws(perturb: Perturb, n: int = 400) -> list[dict[str, object]]:
    return [dict(perturb.perturb(BASE, np.random.default_rng(i))) for i in range(n)]


def test_without_drawing_anew_each_kind_moves_by_its_rule() -> None:
    allowed = {
        "rate": (0.008, 0.012),
        "shift": (-0.4, -0.6),
        "discount": (1.0 - 0.05 * 0.8, 1.0 - 0.05 * 1.2),
        "epochs": (4, 6),
        "batch": (32, 128),
    }
    results = draws(Perturb(space=mixed_space(), resample_probability=0.0), n=60)
    for name, values in allowed.items():
        seen = {float(str(result[name])) for result in results}
        assert all(any(math.isclose(x, value, rel_tol=1e-9) for value in values) for x in seen)
        assert max(seen) > min(seen)  # both directions
    assert all(result["optimizer"] == "adam" and result["nesterov"] is True for result in results)


def test_inputs_move_independently() -> None:
    """One draw for all inputs would make every pair of directions agree or disagree always."""
    results = draws(Perturb(space=mixed_space(), resample_probability=0.0))
    up = {(float(str(r["rate"])) > 0.01, float(str(r["epochs"])) > 5) for r in results}
    assert len(up) == 4


def test_bounds_are_kept_and_levels_stop_at_the_ends() -> None:
    space = mixed_space()
    inputs = dict(zip(space.names, space.inputs, strict=True))
    assert perturbed(inputs["rate"], 0.09, 1.2) == 0.1
    assert perturbed(inputs["rate"], 1.1e-4, 0.8) == 1e-4
    assert perturbed(inputs["discount"], 0.9, 1.2) == 0.9
    assert perturbed(inputs["epochs"], 9, 1.2) == 9
    assert perturbed(inputs["epochs"], 1, 0.8) == 1
    assert perturbed(inputs["batch"], 16, 0.8) == 16
    assert perturbed(inputs["optimizer"], "sgd", 1.2) == "sgd"


def test_an_input_is_drawn_anew_with_the_given_probability() -> None:
    """Binomial(400, 0.25): mean 100, standard deviation 8.7; six of them, so chance is below one in 10^8."""
    results = draws(Perturb(space=mixed_space(), resample_probability=0.25))
    moved = [
        not any(math.isclose(float(str(r["rate"])), x, rel_tol=1e-9) for x in (0.008, 0.012)) for r in results
    ]
    assert 48 <= sum(moved) <= 152
    assert {result["optimizer"] for result in results} == {"adam", "sgd", "lamb"}


def test_an_input_that_becomes_active_gets_a_value() -> None:
    results = draws(Perturb(space=mixed_space(), resample_probability=1.0))
    momenta = [result["momentum"] for result in results if result["optimizer"] == "sgd"]
    assert len(set(map(str, momenta))) == len(momenta) > 50
    assert all("momentum" not in result for result in results if result["optimizer"] != "sgd")


def test_what_clauses_forbid_is_never_proposed() -> None:
    configuration_space = ConfigurationSpace()
    configuration_space.add(Integer("n", (1, 3), default=1), Float("x", (0.0, 1.0)))
    configuration_space.add(ForbiddenEqualsClause(configuration_space["n"], 2))
    perturb = Perturb(space=Space.from_configspace(configuration_space), resample_probability=0.0)
    results = [perturb.perturb({"n": 1, "x": 0.5}, np.random.default_rng(i)) for i in range(20)]
    assert {result["n"] for result in results} <= {1, 3}


def test_a_loser_copies_the_best_and_perturbs_its_configuration() -> None:
    strategy = make_strategy("pbt", space=continuous_space(), settings=SMALL, resample_probability=0.0)
    rounds = list(play(strategy, lambda order: outcome_of(order, score=-float(order.member))))
    for before, after in pairwise(rounds):
        donor, clone = before.plan.orders[0], after.plan.orders[3]
        assert clone.start != Fresh()
        assert clone.start.checkpoint == checkpoint_of(donor)  # type: ignore[union-attr]
        assert clone.proposal.source is ProposalSource.PERTURBED
        ratio = float(clone.configuration["x"]) / float(donor.configuration["x"])
        assert (
            any(math.isclose(ratio, factor, rel_tol=1e-9) for factor in (0.8, 1.2))
            or clone.configuration["x"] == 1.0
        )


@pytest.mark.parametrize(
    ("options", "message"),
    [({"factors": (0.0, 1.2)}, "factors"), ({"resample_probability": 1.5}, "resample_probability = 1.5")],
)
def test_bad_options_are_named(options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make_strategy("pbt", space=continuous_space(), settings=SMALL, **options)


@pytest.mark.parametrize("high", [256, 10_000])  # levels of their own up to 4,096, a range beyond
def test_an_integer_is_multiplied_and_moves_by_one_at_least(high: int) -> None:
    space = ConfigurationSpace()
    space.add(Integer("units", (1, high)))
    (units,) = Space.from_configspace(space).inputs
    moved = [perturbed(units, value, factor) for value in (1, 2, 32, 100) for factor in (0.8, 1.2, 2.0)]
    assert moved == [1, 2, 2, 1, 3, 4, 26, 38, 64, 80, 120, 200]
