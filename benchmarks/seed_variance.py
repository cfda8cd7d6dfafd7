"""What makes one run of a study better than another: its seed or its contender.

    python benchmarks/seed_variance.py [benchmarks/results/study] [--low pendulum -400]

Scores of a task are ranked over all seeds and contenders; their sum of squares is split between seeds and
contenders (two-way analysis of variance). `by chance` is what either would get if scores were drawn at
random: its degrees of freedom over those of all runs. `--low` counts runs that end below a score.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import tyro
from scipy.stats import rankdata
from tyro.conf import Positional

from bgpbt.arrays import Floats
from bgpbt.study import read_results


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Split the variance of a study's ranks."""

    directory: Positional[Path] = Path("benchmarks/results/study")
    """Directory of the study's tables."""
    contenders: tuple[str, ...] = ()
    """Contenders; all that have run on every task without it."""
    low: dict[str, float] = field(default_factory=dict)
    """Count a task's runs below this score."""


def main(arguments: Arguments) -> None:
    """Split and print."""
    runs = [result.run for result in read_results(arguments.directory)]
    scores = {(run.task, run.contender, run.seed): run.score for run in runs}
    tasks = sorted({run.task for run in runs})
    contenders = arguments.contenders or sorted(
        set.intersection(*({run.contender for run in runs if run.task == task} for task in tasks))
    )
    print(f"{'':12}{'seeds':>6}{'seed':>8}{'by chance':>11}{'contender':>11}{'by chance':>11}")
    for task in tasks:
        seeds = sorted({run.seed for run in runs if run.task == task and run.contender == contenders[0]})
        score_cs = np.array([[scores[task, contender, seed] for seed in seeds] for contender in contenders])
        seed, contender = shares(score_cs)
        print(
            f"{task:12}{len(seeds):6}{seed:8.2f}{(len(seeds) - 1) / (score_cs.size - 1):11.2f}"
            f"{contender:11.2f}{(len(contenders) - 1) / (score_cs.size - 1):11.2f}"
        )
    for task, low in arguments.low.items():
        print(f"runs of {task} below {low:g}: {counts(scores, task, contenders, low)}")


def shares(score_cs: Floats) -> tuple[float, float]:
    """Return the shares of seeds and contenders in the variance of ranks: (contenders, seeds)."""
    rank_cs = rankdata(score_cs).reshape(score_cs.shape)
    rank_cs -= rank_cs.mean()
    contenders, seeds = score_cs.shape
    total = np.sum(rank_cs**2)
    of_seeds, of_contenders = np.sum(rank_cs.mean(0) ** 2), np.sum(rank_cs.mean(1) ** 2)
    return float(contenders * of_seeds / total), float(seeds * of_contenders / total)


def counts(
    scores: dict[tuple[str, str, int], float], task: str, contenders: Sequence[str], low: float
) -> str:
    """Return how many runs of each contender end below a score."""
    return ", ".join(
        f"{name} {sum(score < low for (t, c, _), score in scores.items() if (t, c) == (task, name))}"
        for name in contenders
    )


if __name__ == "__main__":
    main(tyro.cli(Arguments))
