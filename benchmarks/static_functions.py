"""The optimiser as a plain Bayesian optimiser, on functions whose minimum is known.

    python benchmarks/static_functions.py [--seeds 20] [--evaluations 100] [--json]

Hartmann-6 (continuous), Branin with a category that picks one of three versions, and Ackley with floats,
integers and categories. Regret is the best value found less the minimum. Rivals: random search, and on the
continuous function scikit-learn's Gaussian process (Matern-5/2, one lengthscale per input, learnt noise) with
an upper confidence bound, the engine of Ray's PB2. All share their first points. `bgpbt` searches the whole
space with standardised targets, as suits functions without noise or drift; `bgpbt-region` is what a
population gets: Gaussian ranks and a trust region.

Seeds begin at 100: the priors of our model were chosen while looking at seeds 0 to 7 of Hartmann and Ackley.
"""

import argparse
import json
import math
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from ConfigSpace import Categorical, ConfigurationSpace, Float, Integer
from scipy.optimize import minimize

from bgpbt.arrays import Floats
from bgpbt.records import Configuration
from bgpbt.space import Space
from bgpbt.surrogate import (
    Observation,
    SuggestRequest,
    SurrogateSettings,
    restart_centre,
    start_region,
    suggest,
    update_region,
)

FIRST_SEED = 100
INITIAL = 10  # random points that all methods begin with
BETA = 2.0  # of the rival's bound, as of ours


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A function to minimise."""

    name: str
    space: Space
    value: Callable[[Configuration], float]
    minimum: float


Optimiser = Callable[[Problem, list[Configuration], int, int], list[float]]
"""Problem, first points, number of evaluations and seed to the values in the sequence they were found."""


def hartmann() -> Problem:
    """Return Hartmann-6: Dixon and Szego (1978); minimum -3.32237."""
    alpha_k = np.array([1.0, 1.2, 3.0, 3.2])
    scale_kd = np.array(
        [
            [10, 3, 17, 3.5, 1.7, 8],
            [0.05, 10, 17, 0.1, 8, 14],
            [3, 3.5, 1.7, 10, 17, 8],
            [17, 8, 0.05, 10, 0.1, 14],
        ]
    )
    centre_kd = 1e-4 * np.array(
        [
            [1312, 1696, 5569, 124, 8283, 5886],
            [2329, 4135, 8307, 3736, 1004, 9991],
            [2348, 1451, 3522, 2883, 3047, 6650],
            [4047, 8828, 8732, 5743, 1091, 381],
        ]
    )
    names = [f"x{i}" for i in range(6)]
    space = ConfigurationSpace()
    space.add(*(Float(name, (0.0, 1.0)) for name in names))

    def value(configuration: Configuration) -> float:
        x_d = np.array([configuration[name] for name in names], dtype=float)
        return -float(alpha_k @ np.exp(-np.sum(scale_kd * (x_d - centre_kd) ** 2, axis=1)))

    return Problem(name="hartmann6", space=Space.from_configspace(space), value=value, minimum=-3.32237)


def branin() -> Problem:
    """Return Branin in three versions of different depth and place; minimum 0.397887 in `plain`."""
    space = ConfigurationSpace()
    space.add(
        Float("x", (-5.0, 10.0)),
        Float("y", (0.0, 15.0)),
        Categorical("version", ["tilted", "plain", "raised"]),
    )

    def value(configuration: Configuration) -> float:
        x, y = float(configuration["x"]), float(configuration["y"])
        height = (y - 5.1 / (4 * math.pi**2) * x**2 + 5 / math.pi * x - 6) ** 2
        plain = height + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10
        match configuration["version"]:
            case "plain":
                return plain
            case "raised":
                return plain + 5.0
        return plain + 2.0 + 0.5 * (x + 5.0)

    return Problem(name="branin-category", space=Space.from_configspace(space), value=value, minimum=0.397887)


def ackley() -> Problem:
    """Return Ackley over three floats, two integers and two categories; minimum 0."""
    offsets = {"near": 0.0, "left": -3.0, "right": 4.0, "far": 9.0}
    space = ConfigurationSpace()
    space.add(
        *(Float(f"x{i}", (-5.0, 10.0)) for i in range(3)),
        *(Integer(f"k{i}", (-5, 10)) for i in range(2)),
        *(Categorical(f"c{i}", ["left", "far", "near", "right"]) for i in range(2)),
    )

    def value(configuration: Configuration) -> float:
        x_d = np.array([offsets[str(v)] if isinstance(v, str) else float(v) for v in configuration.values()])
        spread = -20.0 * math.exp(-0.2 * math.sqrt(float(np.mean(x_d**2))))
        return spread - math.exp(float(np.mean(np.cos(2 * math.pi * x_d)))) + 20.0 + math.e

    return Problem(name="ackley-mixed", space=Space.from_configspace(space), value=value, minimum=0.0)


def random_search(problem: Problem, first: list[Configuration], evaluations: int, seed: int) -> list[float]:
    """Draw every point."""
    drawn = problem.space.sample(evaluations - len(first), np.random.default_rng([seed, 1]))
    return [problem.value(configuration) for configuration in [*first, *drawn]]


def whole_space(problem: Problem, first: list[Configuration], evaluations: int, seed: int) -> list[float]:
    """Let the surrogate propose, anywhere."""
    settings = SurrogateSettings(copula=False, noise_prior=0.01)
    values = [problem.value(configuration) for configuration in first]
    data = [_observed(c, v) for c, v in zip(first, values, strict=True)]
    warm_start: tuple[float, ...] = ()
    while len(values) < evaluations:
        best = max(data, key=lambda observation: observation.improvement_rate)
        request = SuggestRequest(centre=best.configuration, score_before=0.0, time=0.0, warm_start=warm_start)
        suggestion = suggest(problem.space, data, request, None, settings, (seed, len(values)))
        warm_start = suggestion.fit
        values.append(problem.value(suggestion.configuration))
        data.append(_observed(suggestion.configuration, values[-1]))
    return values


def trust_region(problem: Problem, first: list[Configuration], evaluations: int, seed: int) -> list[float]:
    """Let the surrogate propose, with the region that BG-PBT uses; nothing moves in time."""
    settings = SurrogateSettings()
    region, values = start_region(settings), [problem.value(configuration) for configuration in first]
    data = [_observed(c, v) for c, v in zip(first, values, strict=True)]
    ended: list[Observation] = []
    warm_start: tuple[float, ...] = ()
    while len(values) < evaluations:
        best = max(data, key=lambda observation: observation.improvement_rate, default=None)
        if best is None:
            suggestion = restart_centre(problem.space, ended, settings, (seed, len(values)))
        else:
            request = SuggestRequest(
                centre=best.configuration, score_before=0.0, time=0.0, warm_start=warm_start
            )
            suggestion = suggest(problem.space, data, request, region, settings, (seed, len(values)))
            warm_start = suggestion.fit
        values.append(problem.value(suggestion.configuration))
        data.append(_observed(suggestion.configuration, values[-1]))
        if best is None:
            continue
        restarts = region.restarts
        region = update_region(region, data[-1].improvement_rate > best.improvement_rate, settings)
        if region.restarts > restarts:
            ended.append(max(data, key=lambda observation: observation.improvement_rate))
            data = []
    return values


def scikit_learn(problem: Problem, first: list[Configuration], evaluations: int, seed: int) -> list[float]:
    """Maximise the bound of scikit-learn's process over the whole cube."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

    random = np.random.default_rng([seed, 2])
    x_nd = problem.space.encode(first)
    values = [problem.value(configuration) for configuration in first]
    dimension = problem.space.dimension
    while len(values) < evaluations:
        kernel = ConstantKernel() * Matern(np.full(dimension, 0.5), nu=2.5) + WhiteKernel(1e-3, (1e-8, 1.0))
        process = GaussianProcessRegressor(
            kernel, normalize_y=True, n_restarts_optimizer=1, random_state=int(random.integers(2**31))
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            process.fit(x_nd, -np.array(values))

        def loss(x_d: Floats, process: object = process) -> float:
            mean, deviation = process.predict(np.atleast_2d(x_d), return_std=True)  # type: ignore[attr-defined]
            return -float(mean[0] + math.sqrt(BETA) * deviation[0])

        candidate_nd = random.random((1000, dimension))
        mean_n, deviation_n = process.predict(candidate_nd, return_std=True)
        ranking = np.argsort(-(mean_n + math.sqrt(BETA) * deviation_n))
        ends = [
            minimize(loss, candidate_nd[i], method="L-BFGS-B", bounds=[(0.0, 1.0)] * dimension)
            for i in ranking[:3]
        ]
        best = min(ends, key=lambda end: float(end.fun))
        configuration = problem.space.decode(best.x[None])[0]
        values.append(problem.value(configuration))
        x_nd = np.vstack([x_nd, problem.space.encode([configuration])])
    return values


def _observed(configuration: Configuration, value: float) -> Observation:
    return Observation(configuration=configuration, score_before=0.0, time=0.0, improvement_rate=-value)


def regrets(problem: Problem, optimiser: Optimiser, seeds: Sequence[int], evaluations: int) -> Floats:
    """Return the regret after all evaluations, by seed."""
    regret_s = []
    for seed in seeds:
        first = problem.space.sample(INITIAL, np.random.default_rng([seed, 0]))
        regret_s.append(min(optimiser(problem, first, evaluations, seed)) - problem.minimum)
    return np.array(regret_s)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--evaluations", type=int, default=100)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    seeds = range(FIRST_SEED, FIRST_SEED + arguments.seeds)
    ours: dict[str, Optimiser] = {
        "bgpbt": whole_space,
        "bgpbt-region": trust_region,
        "random": random_search,
    }
    rows = []
    for problem, rivals in ((hartmann(), {"scikit-learn": scikit_learn}), (branin(), {}), (ackley(), {})):
        for name, optimiser in {**ours, **rivals}.items():
            began = time.perf_counter()
            regret_s = regrets(problem, optimiser, seeds, arguments.evaluations)
            low, median, high = (float(q) for q in np.quantile(regret_s, [0.25, 0.5, 0.75]))
            seconds = (time.perf_counter() - began) / (len(seeds) * arguments.evaluations)
            row = {"problem": problem.name, "optimiser": name, "median": median, "lower_quartile": low}
            rows.append(row | {"upper_quartile": high, "seconds_per_evaluation": seconds})
            if not arguments.json:
                print(
                    f"{problem.name:16} {name:13} regret {median:9.6f} [{low:.6f}, {high:.6f}]"
                    f"  {1e3 * seconds:6.1f} ms per evaluation",
                    flush=True,
                )
    if arguments.json:
        print(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
