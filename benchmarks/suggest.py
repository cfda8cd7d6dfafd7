"""How long one suggestion takes: 9 and 15 inputs, 24, 50 and 100 observations, seven members running.

    python benchmarks/suggest.py [--repeats 15] [--json]

Every call counts, the first one of the process too; each has its own seed and no warm start. The limit is
what the same number of evaluations would cost if only linear algebra took time, measured in the same run
on one thread: for each evaluation of the likelihood a Cholesky factor and its inverse (LAPACK dpotrf,
dpotri), for each point that the acquisition looks at one product with a factor of that size (BLAS dgemm).
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack
from unittest import mock

import numpy as np
from ConfigSpace import Categorical, ConfigurationSpace, Integer
from scipy.linalg.lapack import dpotrf, dpotri
from threadpoolctl import threadpool_limits

from bgpbt.space import Space, ppo_space
from bgpbt.surrogate import (
    Observation,
    PendingPoint,
    SuggestRequest,
    SurrogateSettings,
    gp,
    likelihood,
    start_region,
    suggest,
)

SIZES = (24, 50, 100)  # observations
RUNNING = 7  # of a population of 8, one is replaced


def space_of_15() -> Space:
    """Return the nine hyperparameters of PPO and the six of two networks."""
    both = ConfigurationSpace()
    both.add(*ppo_space().configuration_space.values())
    for network in ("policy", "value"):
        depth, width = Integer(f"{network}_depth", (1, 5)), Integer(f"{network}_log2_width", (5, 8))
        both.add(depth, width, Categorical(f"{network}_spectral_norm", [True, False]))
    return Space.from_configspace(both)


def problem(space: Space, n: int) -> tuple[list[Observation], SuggestRequest]:
    """Return `n` observations of a smooth noisy function, and the request of the next round."""
    random = np.random.default_rng(n)
    configurations = space.sample(n, random)
    rate_n = -((space.encode(configurations) - 0.6) ** 2).sum(axis=1) + 0.1 * random.normal(size=n)
    observations = [
        Observation(
            configuration=c, score_before=float(i // 8), time=float(i // 8), improvement_rate=float(rate)
        )
        for i, (c, rate) in enumerate(zip(configurations, rate_n, strict=True))
    ]
    running = [PendingPoint(configuration=c, score_before=float(n // 8)) for c in configurations[-RUNNING:]]
    return observations, SuggestRequest(
        centre=configurations[int(rate_n.argmax())],
        score_before=float(n // 8),
        time=float(n // 8 + 1),
        pending=tuple(running),
    )


def measure(space: Space, n: int, repeats: int) -> dict[str, float]:
    """Return the times of one size, in milliseconds, and what they were spent on."""
    observations, request = problem(space, n)
    settings = SurrogateSettings(acquisition="converged")  # the dearest

    def ask(seed: int) -> None:
        suggestion = suggest(space, observations, request, start_region(settings), settings, seed)
        assert suggestion.reason is None, suggestion.reason

    seconds = [_seconds(lambda seed=seed: ask(seed)) for seed in range(repeats)]  # type: ignore[misc]
    fits, points = [], []
    for seed in range(repeats):
        with ExitStack() as stack:
            likelihoods = stack.enter_context(_counted(likelihood, "log_likelihood"))
            plain = stack.enter_context(_counted(gp, "predict"))
            sloped = stack.enter_context(_counted(gp, "predict_with_slopes"))
            ask(seed)
        fits.append(likelihoods.call_count)
        points.append(sum(call.args[1].size for call in [*plain.call_args_list, *sloped.call_args_list]))
    evaluations, looks = statistics.median(fits), statistics.median(points)
    limit = evaluations * _factor_seconds(n) + looks * _product_seconds(n + RUNNING)
    return {
        "inputs": space.dimension,
        "observations": n,
        "first_ms": 1e3 * seconds[0],
        "median_ms": 1e3 * statistics.median(seconds),
        "worst_ms": 1e3 * max(seconds),
        "likelihoods": evaluations,
        "points": looks,
        "limit_ms": 1e3 * limit,
        "times_limit": statistics.median(seconds) / limit,
    }


def _factor_seconds(n: int) -> float:
    """Return the time of a Cholesky factor and the inverse from it, (n, n)."""
    matrix_nn = np.asfortranarray(np.eye(n) + 0.5)

    def run() -> None:
        factor_nn, _ = dpotrf(matrix_nn, lower=1)
        dpotri(factor_nn, lower=1)

    return _best_seconds(run)


def _product_seconds(n: int, points: int = 256) -> float:
    """Return the time of one row of a product (points, n) (n, n)."""
    a, b = np.ones((points, n)), np.ones((n, n))
    return _best_seconds(lambda: a @ b) / points


def _best_seconds(run: Callable[[], object], repeats: int = 50) -> float:
    with threadpool_limits(limits=1, user_api="blas"):
        return min(_seconds(run) for _ in range(repeats))


def _seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def _counted(module: object, name: str) -> "mock._patch[mock.MagicMock]":
    return mock.patch.object(module, name, wraps=getattr(module, name))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=15, help="calls of each size")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    arguments = parser.parse_args()
    rows = [measure(space, n, arguments.repeats) for space in (ppo_space(), space_of_15()) for n in SIZES]
    if arguments.json:
        print(json.dumps(rows, indent=2))
        return
    print(" ".join(f"{name:>12}" for name in rows[0]))
    for row in rows:
        print(" ".join(f"{value:12.4g}" for value in row.values()))


if __name__ == "__main__":
    main()
