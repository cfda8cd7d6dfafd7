"""How strategies do on the toy tasks: a table of the best score reached, with bootstrap 95% intervals.

    python benchmarks/toys.py [--seeds 100] [--toy mixed] [--ablation] [--json]

Each seed is a whole run: 24 random members at first, then 8, in 40 rounds of 10 steps. With `--ablation`
BG-PBT is run with one switch turned back at a time. `regret` is how far the mean is from the best possible
score; `free` is the time of a run that is not the strategy's, and `share` the strategy's share of it all.
"""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any

import numpy as np
import tyro
from tyro.conf import FlagCreatePairsOff, arg

from bgpbt.records import Plan
from bgpbt.strategies import PopulationSettings, make_strategy, strategy_names
from bgpbt.surrogate import SurrogateSettings
from bgpbt.toys import HORIZON, MemoryCheckpoints, Toy, make_toy

SETTINGS = PopulationSettings(t_ready=10, max_timesteps=HORIZON)

RESAMPLES = 10_000  # of the bootstrap

ABLATIONS: Mapping[str, dict[str, Any]] = {
    "as by default": {},
    "lengthscales not fitted": {"surrogate": SurrogateSettings(fit_lengthscales=False)},
    "targets standardised": {"surrogate": SurrogateSettings(copula=False)},
    "one lengthscale for all": {"surrogate": SurrogateSettings(lengthscales="shared")},
    "no region for categories": {"surrogate": SurrogateSettings(categorical_region=False)},
    "random restarts": {"surrogate": SurrogateSettings(restart="random")},
    "pending members ignored": {"surrogate": SurrogateSettings(pending="none")},
    "success by lineage": {"surrogate": SurrogateSettings(success="lineage")},
    "always the upper bound": {"surrogate": SurrogateSettings(acquisition="converged")},
    "always a draw": {"surrogate": SurrogateSettings(acquisition="thompson")},
    "the bound by sign steps": {"surrogate": SurrogateSettings(acquisition="sign")},
    "clones of the best ever": {"backtrack": True},
}


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Compare strategies on the toy tasks."""

    seeds: Annotated[int, arg(aliases=["-n"])] = 100
    """Runs of each strategy on each toy."""
    toy: tuple[str, ...] = ("plain", "deceptive", "mixed")
    """Toy tasks."""
    strategy: tuple[str, ...] = field(default_factory=strategy_names)
    """Strategies."""
    ablation: Annotated[bool, FlagCreatePairsOff] = False
    """Compare the switches of BG-PBT instead of strategies."""
    json: Annotated[bool, FlagCreatePairsOff] = False
    """Print one JSON object instead of tables."""


@dataclass(frozen=True, kw_only=True)
class Contender:
    """A strategy with its options."""

    label: str
    strategy: str
    options: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Run:
    """What one run reached and what it cost."""

    score: float
    steps: int  # all members
    strategy_seconds: float
    other_seconds: float


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table; scores are those of the best member of a run."""

    toy: str
    label: str
    seeds: int
    mean: float
    low: float  # of the 95% interval of the mean
    high: float
    best_possible: float
    steps: float  # mean over runs, all members
    strategy_seconds: float  # mean over runs
    other_seconds: float


def main(arguments: Arguments) -> None:
    """Run everything and print."""
    rows = [
        row_of(make_toy(toy), contender, arguments.seeds)
        for toy in arguments.toy
        for contender in contenders(arguments)
    ]
    if arguments.json:
        print(json.dumps([asdict(row) for row in rows], indent=2))
    else:
        print_tables(rows)


def contenders(arguments: Arguments) -> list[Contender]:
    """Return what is compared."""
    if arguments.ablation:
        return [Contender(label=k, strategy="bgpbt", options=v) for k, v in ABLATIONS.items()]
    return [Contender(label=name, strategy=name, options={}) for name in arguments.strategy]


def row_of(toy: Toy, contender: Contender, seeds: int) -> Row:
    """Run a contender with seeds 0, 1, ... and sum up."""
    runs = [run(toy, contender, seed) for seed in range(seeds)]
    scores = np.array([one.score for one in runs])
    low, high = interval(scores)
    return Row(
        toy=toy.name,
        label=contender.label,
        seeds=seeds,
        mean=float(scores.mean()),
        low=low,
        high=high,
        best_possible=toy.best_score(SETTINGS.max_timesteps),
        steps=float(np.mean([one.steps for one in runs])),
        strategy_seconds=float(np.mean([one.strategy_seconds for one in runs])),
        other_seconds=float(np.mean([one.other_seconds for one in runs])),
    )


def run(toy: Toy, contender: Contender, seed: int) -> Run:
    """Run a strategy to its end on a toy."""
    began = time.perf_counter()
    strategy = make_strategy(contender.strategy, space=toy.space, settings=SETTINGS, **contender.options)
    checkpoints = MemoryCheckpoints()
    plan: Plan | None
    state, plan = strategy.start(seed)
    strategy_seconds, steps = time.perf_counter() - began, 0
    while plan is not None:
        outcomes = [toy.train(order, checkpoints) for order in plan.orders]
        steps += sum(outcome.steps for outcome in outcomes)
        asked = time.perf_counter()
        state, plan = strategy.advance(state, outcomes)
        strategy_seconds += time.perf_counter() - asked
    assert state.best is not None
    return Run(
        score=state.best.score,
        steps=steps,
        strategy_seconds=strategy_seconds,
        other_seconds=time.perf_counter() - began - strategy_seconds,
    )


def interval(scores: np.ndarray[Any, np.dtype[np.float64]]) -> tuple[float, float]:
    """Return the 95% percentile-bootstrap interval of the mean."""
    rng = np.random.default_rng(0)
    means = rng.choice(scores, (RESAMPLES, scores.size)).mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def print_tables(rows: Sequence[Row]) -> None:
    """Print one table for each toy, the best first."""
    for toy in dict.fromkeys(row.toy for row in rows):
        of_toy = sorted((row for row in rows if row.toy == toy), key=lambda row: -row.mean)
        print(f"\n{toy}: best possible {of_toy[0].best_possible:.4f}, {of_toy[0].seeds} seeds")
        print(f"{'':33} {'mean':>8} {'95% interval':>18} {'regret':>8} {'steps':>7} {'free':>8} {'share':>6}")
        for row in of_toy:
            share = row.strategy_seconds / (row.strategy_seconds + row.other_seconds)
            scores = f"{row.mean:8.4f} [{row.low:7.4f}, {row.high:7.4f}] {row.best_possible - row.mean:8.4f}"
            print(f"{row.label:33} {scores} {row.steps:7.0f} {row.other_seconds:6.3f} s {share:6.1%}")


if __name__ == "__main__":
    main(tyro.cli(Arguments, description=__doc__))
