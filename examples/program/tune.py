"""Tune a program that is driven through files, whatever language it is written in.

    pip install bgpbt
    python examples/program/tune.py

A program that crashes or hangs for longer than a minute costs one member; the run goes on.
"""

import argparse
import sys
from pathlib import Path

from ConfigSpace import ConfigurationSpace, Float, Integer

from bgpbt.runs import Options, optimise
from bgpbt.space import Space
from bgpbt.strategies import PopulationSettings
from bgpbt.trainers import SubprocessTrainer

PROGRAM: list[str | Path] = [sys.executable, Path(__file__).with_name("train.py")]
"""Or ["./train", "--quiet"], ["julia", ...]: whatever can be started."""


def main() -> None:
    """Train the population and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--path", type=Path, default=Path("runs/program"), help="directory of the run")
    arguments = parser.parse_args()
    space = ConfigurationSpace()
    space.add(Float("learning_rate", (1e-4, 1.0), log=True), Integer("batch", (1, 16), log=True))
    finished = optimise(
        SubprocessTrainer(PROGRAM, time_limit_s=60.0),
        Space.from_configspace(space),
        PopulationSettings(t_ready=5, max_timesteps=40, population=4, initial=8, quantile_fraction=0.25),
        arguments.path,
        options=Options(max_parallel=2),
    )
    best = finished.best
    if best is None:
        raise SystemExit(f"every member failed: {finished.failures}")
    print(f"mean squared error: {-best.outcome.score:.4g}")
    for order, outcome in best.ancestry:
        print(
            f"  steps {order.first_step} to {order.first_step + outcome.steps}: {dict(order.configuration)}"
        )


if __name__ == "__main__":
    main()
