"""Random mixed problems, as points and as spaces."""

import numpy as np
from ConfigSpace import (
    Categorical,
    ConfigurationSpace,
    Constant,
    EqualsCondition,
    Float,
    GreaterThanCondition,
    Integer,
    OrdinalHyperparameter,
)

from bgpbt.arrays import Floats
from bgpbt.space import Space
from bgpbt.surrogate import Observation, SuggestRequest, SurrogateSettings
from bgpbt.surrogate.coordinates import coordinates_of
from bgpbt.surrogate.forecast import Forecast
from bgpbt.surrogate.kernels import Hyperparameters, Points
from bgpbt.surrogate.model import model_of
from bgpbt.surrogate.parameters import Layout, from_theta
from bgpbt.surrogate.reach import Reach, reach_of


def random_points(n: int, features: int, categories: int, seed: int) -> Points:
    random = np.random.default_rng([seed, n, features, categories])
    return Points(
        features_nd=random.random((n, features)),
        categories_nc=random.integers(-1, 3, (n, categories)),
        time_n=random.integers(0, 12, n) + random.random(n),
    )


def random_theta(layout: Layout, seed: int) -> Floats:
    random = np.random.default_rng([seed, layout.size])
    low_p, high_p = layout.bounds
    return np.clip(random.normal(layout.prior_mean_p, 0.7, layout.size), low_p, high_p)


def random_hyperparameters(features: int, categories: int, seed: int) -> Hyperparameters:
    layout = Layout(tuple(range(features)), categories)
    return from_theta(random_theta(layout, seed), layout)


def mixed_space() -> Space:
    """All kinds of inputs, a constant, one-choice inputs, and conditions on a category and on a float."""
    space = ConfigurationSpace()
    rate = Float("rate", (1e-5, 1e-1), log=True)
    optimizer = Categorical("optimizer", ["adam", "sgd", "lion"])
    momentum = Float("momentum", (0.0, 1.0))
    decay = Categorical("decay", ["linear", "cosine"])
    space.add(
        rate,
        optimizer,
        momentum,
        decay,
        Integer("epochs", (1, 40), log=True),
        OrdinalHyperparameter("batch", [16, 32, 64, 128]),
        Categorical("nesterov", [True, False]),
        Categorical("only", ["one"]),
        Constant("version", 3),
    )
    space.add(EqualsCondition(momentum, optimizer, "sgd"), GreaterThanCondition(decay, rate, 1e-3))
    return Space.from_configspace(space)


def discrete_space() -> Space:
    space = ConfigurationSpace()
    space.add(
        Categorical("a", [0, 1, 2]), OrdinalHyperparameter("b", ["low", "mid", "high"]), Integer("c", (1, 4))
    )
    return Space.from_configspace(space)


def continuous_space() -> Space:
    space = ConfigurationSpace()
    space.add(Float("x", (-1.0, 1.0)), Float("y", (1e-3, 1e3), log=True))
    return Space.from_configspace(space)


def one_point_space() -> Space:
    space = ConfigurationSpace()
    space.add(Categorical("a", ["only"]), OrdinalHyperparameter("b", [7]))
    return Space.from_configspace(space)


SPACES = {
    "mixed": mixed_space(),
    "discrete": discrete_space(),
    "continuous": continuous_space(),
    "one point": one_point_space(),
}


def noise_problem(space: Space, seed: int, *, data: int, half_width: float) -> tuple[Forecast, Reach]:
    """Return what a model of mere noise forecasts, and a box around the default (1: everything)."""
    random = np.random.default_rng(seed)
    observations = [
        Observation(configuration=c, score_before=0.0, time=0.0, improvement_rate=float(random.normal()))
        for c in space.sample(data, random)
    ]
    request = SuggestRequest(centre=space.default(), score_before=0.0, time=1.0)
    coordinates = coordinates_of(space)
    model = model_of(coordinates, observations, request, SurrogateSettings(), random)
    forecast = Forecast(model=model.posterior, coordinates=coordinates, context=0.5, time=1.0)
    centre_d = coordinates.completed(space.default())
    ordered_d = centre_d[coordinates.ordered]
    box = (np.clip(ordered_d - half_width, 0.0, 1.0), np.clip(ordered_d + half_width, 0.0, 1.0))
    return forecast, reach_of(coordinates, centre_d, box, coordinates.categorical.size, ())
