"""Small real runs that a test can look at while they grow."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from bgpbt.cli.arguments import TrainArguments
from bgpbt.encoding import encode
from bgpbt.execution import Event, LocalExecutor, run_loop
from bgpbt.runs import Experiment, ExperimentSettings, assemble
from bgpbt.storage import RunDirectory, create_run


def toy_settings(environment: str = "toy:plain", **changes: object) -> ExperimentSettings:
    """Return the settings of a small run: 4 members, 5 rounds."""
    arguments = TrainArguments(population_schedule="paper", env=environment)
    (settings,) = arguments.runs().values()
    small = {"population": 4, "initial": 5, "quantile_fraction": 0.25, "t_ready": 10, "max_timesteps": 50}
    return replace(settings, **{**small, **changes})  # type: ignore[arg-type]


def create(path: Path, settings: ExperimentSettings) -> RunDirectory:
    """Make the directory of a run that has not begun."""
    return create_run(path, json.loads(encode(settings)), seed=settings.seed)


def go_on(
    run: RunDirectory, settings: ExperimentSettings, observer: Callable[[Event], None] = lambda event: None
) -> Experiment:
    """Train until the end, telling every event."""
    experiment = assemble(settings)
    with run.open_history() as history:
        executor = LocalExecutor(experiment.trainer, run.checkpoints)
        run_loop(experiment.strategy, executor, history, run.checkpoints, settings.seed, observer=observer)
    return experiment
