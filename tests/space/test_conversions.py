"""Against Optuna and Ray Tune themselves, where they are installed: their own draws must be legal in ours."""

from typing import Any

import numpy as np
import pytest

from bgpbt.errors import InputError
from bgpbt.space import Space, from_optuna, from_ray_tune
from bgpbt.space.inputs import Categorical, Continuous, Ordered


@pytest.fixture
def distributions() -> Any:
    return pytest.importorskip("optuna.distributions")


@pytest.fixture
def tune() -> Any:
    return pytest.importorskip("ray.tune")


def levels(space: Space, name: str) -> tuple[object, ...]:
    item = space.inputs[space.names.index(name)]
    assert isinstance(item, Ordered)
    return item.levels


def test_optuna_distributions_keep_range_scale_and_grid(distributions: Any) -> None:
    space = from_optuna(
        {
            "rate": distributions.FloatDistribution(1e-4, 1.0, log=True),
            "share": distributions.FloatDistribution(0.0, 1.0, step=0.25),
            "odd": distributions.IntDistribution(1, 9, step=2),
            "units": distributions.IntDistribution(1, 64, log=True),
            "kind": distributions.CategoricalDistribution(("a", True, 2.5)),
            "fixed": distributions.IntDistribution(3, 3),
        }
    )
    rate = space.inputs[space.names.index("rate")]
    assert rate == Continuous(name="rate", low=1e-4, high=1.0, transform="log")
    assert levels(space, "share") == (0.0, 0.25, 0.5, 0.75, 1.0)
    assert levels(space, "odd") == (1, 3, 5, 7, 9)
    assert levels(space, "units") == tuple(range(1, 65))
    kind = space.inputs[space.names.index("kind")]
    assert isinstance(kind, Categorical)
    assert kind.choices == ("a", True, 2.5)
    assert space.constants == {"fixed": 3}


def test_what_optuna_draws_is_legal_and_what_we_draw_is_legal_in_optuna(distributions: Any) -> None:
    optuna = pytest.importorskip("optuna")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    described = {
        "rate": distributions.FloatDistribution(1e-4, 1.0, log=True),
        "share": distributions.FloatDistribution(0.0, 0.9, step=0.3),
        "odd": distributions.IntDistribution(1, 9, step=2),
        "kind": distributions.CategoricalDistribution(("a", True, 2.5)),
    }
    space = from_optuna(described)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(50):
        space.validate(study.ask(described).params, source="optuna")
    for drawn in space.sample(50, np.random.default_rng(0)):
        for name, value in drawn.items():
            distribution = described[name]
            assert distribution._contains(distribution.to_internal_repr(value))


@pytest.mark.parametrize("choices", [("a", None), (1, "b", None)])
def test_optuna_choices_that_are_no_values_are_refused(
    distributions: Any, choices: tuple[object, ...]
) -> None:
    with pytest.raises(InputError, match=r"^kind: None is a NoneType; values are bool, int, float or str"):
        from_optuna({"kind": distributions.CategoricalDistribution(choices)})


def test_a_grid_of_too_many_values_is_refused(distributions: Any) -> None:
    with pytest.raises(InputError, match="n is a grid of 5001 values; at most 4096 are allowed"):
        from_optuna({"n": distributions.IntDistribution(0, 10_000, step=2)})


def test_what_is_no_distribution_is_refused() -> None:
    with pytest.raises(InputError, match="x is a float, which is no distribution of Optuna"):
        from_optuna({"x": 0.5})


def test_what_ray_tune_draws_is_legal(tune: Any) -> None:
    described = {
        "rate": tune.loguniform(1e-4, 1.0),
        "share": tune.quniform(0.2, 1.0, 0.2),
        "tenths": tune.quniform(0.1, 0.3, 0.1),  # 0.3 / 0.1 is below 3 in floating point
        "thirds": tune.qrandint(1, 10, 3),
        "units": tune.lograndint(1, 64),
        "count": tune.randint(2, 6),
        "kind": tune.choice(["a", True]),
        "one": tune.randint(3, 4),
        "fixed": "text",
    }
    space = from_ray_tune(described)
    assert levels(space, "tenths") == pytest.approx((0.1, 0.2, 0.3))
    assert levels(space, "thirds") == (3, 6, 9)
    assert levels(space, "units") == tuple(range(1, 64))  # Ray's upper bound is exclusive
    assert levels(space, "count") == (2, 3, 4, 5)
    assert space.constants == {"one": 3, "fixed": "text"}
    draw = np.random.default_rng(0)
    for _ in range(200):
        drawn = {
            name: domain if isinstance(domain, str) else domain.sample(random_state=draw)
            for name, domain in described.items()
        }
        space.validate(
            {n: v.item() if isinstance(v, np.generic) else v for n, v in drawn.items()}, source="ray"
        )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda tune: tune.randn(), "p is drawn by _Normal; allowed are uniform and log-uniform"),
        (lambda tune: tune.sample_from(lambda _: 1), "p is a Ray Tune Function, which has no bounds"),
        (lambda tune: tune.grid_search([1, 2]), "p is a grid search; write tune.choice"),
        (lambda tune: {"x": tune.uniform(0, 1)}, "p is nested; give it flat names"),
        (lambda tune: tune.qlograndint(2, 10, 2), "p is quantised on a log scale"),
        (lambda tune: tune.choice([1, 1]), "p has the choice 1 twice; choices must be all different"),
        (lambda tune: tune.uniform(2, 1), "the bounds must be finite, the lower one first"),
        (lambda tune: [1], r"p: \[1\] is a list; values are bool, int, float or str"),
    ],
)
def test_what_ray_tune_has_and_we_have_not_is_refused(tune: Any, make: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        from_ray_tune({"p": make(tune)})
