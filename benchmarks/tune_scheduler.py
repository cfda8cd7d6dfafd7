"""`bgpbt.ray.BGPBTScheduler` beside Ray's own `PB2` on a toy whose inputs are continuous.

    python benchmarks/tune_scheduler.py [--seeds 20] [--json]

Both schedulers are the real ones, asked as Tune asks them and with Ray's own trials; what is left out is the
cluster: a trial's training is a closed form, done here. Both begin with the same configurations. Printed are
the best score of the last round, its median and quartiles over seeds, the difference by seed with a bootstrap
95% interval, and the time of a decision per trial that is replaced.
"""

import json
import logging
import random
import tempfile
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro
from ray.train._internal.session import _TrainingResult
from ray.train._internal.storage import StorageContext
from ray.tune import Checkpoint
from ray.tune.experiment import Trial
from ray.tune.schedulers import TrialScheduler
from ray.tune.schedulers.pb2 import PB2
from tyro.conf import FlagCreatePairsOff

from bgpbt.ray import BGPBTScheduler
from bgpbt.toys import HORIZON, make_toy

TRIALS, INTERVAL = 4, 40  # trials, and steps of a round
QUANTILE = 0.25
NAMES = ("h0", "h1")
TOY = make_toy("plain")
RESAMPLES = 10_000  # of the bootstrap


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Compare the two schedulers."""

    seeds: int = 20
    """Experiments with each."""
    json: Annotated[bool, FlagCreatePairsOff] = False
    """Print one JSON object instead of a table."""


@dataclass
class Search:
    """The search algorithm of an experiment whose trials are all there."""

    def is_finished(self) -> bool:
        """Return whether no further trial comes."""
        return True


@dataclass
class Controller:
    """What a scheduler sees of Tune: its trials, and how to pause one."""

    trials: list[Trial]
    search_alg: Search = field(default_factory=Search)

    def get_trials(self) -> list[Trial]:
        """Return all trials."""
        return self.trials

    def get_live_trials(self) -> list[Trial]:
        """Return the trials that have not ended."""
        return self.trials

    def pause_trial(self, trial: Trial, should_checkpoint: bool = True) -> None:
        """Pause a trial; its checkpoint is there already."""
        trial.set_status(Trial.PAUSED)

    def _schedule_trial_save(self, trial: Trial, result: Any = None) -> Checkpoint | None:
        return trial.checkpoint


def experiment(scheduler: TrialScheduler, seed: int, directory: Path) -> tuple[float, float]:
    """Return the best score of the last round, and the seconds spent on decisions."""
    rng = np.random.default_rng(seed)
    storage = StorageContext(
        storage_path=str(directory), experiment_dir_name=f"{type(scheduler).__name__}-{seed}"
    )
    configurations = [dict(zip(NAMES, rng.random(2).tolist(), strict=True)) for _ in range(TRIALS)]
    trials = [
        Trial("toy", config=dict(configuration), stub=True, storage=storage)
        for configuration in configurations
    ]
    controller: Any = Controller(trials)
    weights: dict[str, np.ndarray] = {}  # by the path of a checkpoint
    for trial in trials:
        trial.storage = StorageContext(
            storage_path=str(directory),
            experiment_dir_name=storage.experiment_dir_name,
            trial_dir_name=trial.trial_id,
        )
        scheduler.on_trial_add(controller, trial)
    seconds = 0.0
    for _ in range(HORIZON // INTERVAL):
        results = {}
        for trial in trials:
            results[trial.trial_id] = train(trial, weights)
        for trial in trials:  # all have trained; now they report, one after the other
            trial.set_status(Trial.RUNNING)
            began = time.perf_counter()
            decision = scheduler.on_trial_result(controller, trial, results[trial.trial_id])
            seconds += time.perf_counter() - began
            if decision == TrialScheduler.PAUSE:
                trial.set_status(Trial.PAUSED)
        began = time.perf_counter()
        scheduler.choose_trial_to_run(controller)
        seconds += time.perf_counter() - began
    return max(result["score"] for result in results.values()), seconds


def train(trial: Trial, weights: dict[str, np.ndarray]) -> dict[str, Any]:
    """Train a trial for one round from the checkpoint it was given, and leave a new one."""
    before = trial.latest_checkpoint_result
    start, done = TOY.initial_w, 0
    if before is not None and before.checkpoint is not None:
        start, done = weights[before.checkpoint.path], before.metrics["steps"]
    after = TOY.advance(start, trial.config, (done + np.arange(INTERVAL)) / HORIZON)
    metrics = {"score": TOY.score(after), "steps": done + INTERVAL, "training_iteration": done + INTERVAL}
    assert trial.storage is not None
    path = f"{trial.storage.experiment_fs_path}/{trial.trial_id}/{done + INTERVAL}"
    weights[path] = after
    manager: Any = trial.run_metadata.checkpoint_manager
    manager._latest_checkpoint_result = _TrainingResult(
        Checkpoint(path, filesystem=trial.storage.storage_filesystem), metrics
    )
    return metrics


def bounds() -> dict[str, Any]:
    """Return what both search."""
    return {name: [0.0, 1.0] for name in NAMES}


def ours(seed: int) -> TrialScheduler:
    """Return our scheduler."""
    return BGPBTScheduler("steps", "score", "max", INTERVAL, bounds(), quantile_fraction=QUANTILE, seed=seed)


def rays(seed: int) -> TrialScheduler:
    """Return Ray's scheduler."""
    random.seed(seed)  # it draws from the global generators
    np.random.seed(seed)  # noqa: NPY002
    return PB2(
        "steps",
        "score",
        "max",
        INTERVAL,
        bounds(),
        quantile_fraction=QUANTILE,
        log_config=False,
        synch=True,
    )


def interval(difference_n: Sequence[float]) -> tuple[float, float]:
    """Return the bootstrap 95% interval of a mean."""
    rng = np.random.default_rng(0)
    drawn = rng.choice(np.asarray(difference_n), size=(RESAMPLES, len(difference_n)))
    low, high = np.quantile(drawn.mean(axis=1), [0.025, 0.975])
    return float(low), float(high)


def main(arguments: Arguments) -> None:
    """Run both and print what came of it."""
    logging.getLogger("ray.tune").setLevel(logging.WARNING)
    decisions = (HORIZON // INTERVAL) * round(TRIALS * QUANTILE)
    scores: dict[str, list[float]] = {}
    times: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the fits of scikit-learn that do not converge
        for title, make in (("BGPBTScheduler", ours), ("PB2 of Ray", rays)):
            pairs = [experiment(make(seed), seed, Path(name)) for seed in range(arguments.seeds)]
            scores[title] = [score for score, _ in pairs]
            times[title] = sum(seconds for _, seconds in pairs) / (arguments.seeds * decisions)
    first, second = scores.values()
    difference = [ours - theirs for ours, theirs in zip(first, second, strict=True)]
    report = {
        "best possible": TOY.best_score(HORIZON),
        "scores": scores,
        "seconds per suggestion": times,
        "mean difference": float(np.mean(difference)),
        "interval": interval(difference),
    }
    if arguments.json:
        print(json.dumps(report))
        return
    print(f"best possible score {report['best possible']:.4f}; {arguments.seeds} seeds")
    for title, score_n in scores.items():
        low, median, high = np.quantile(score_n, [0.25, 0.5, 0.75])
        suggestion = f"{times[title] * 1e3:.0f} ms per suggestion"
        print(f"{title:16s} median {median:.4f}, quartiles {low:.4f} to {high:.4f}, {suggestion}")
    low, high = interval(difference)
    print(f"mean difference {np.mean(difference):+.4f}, 95% interval {low:+.4f} to {high:+.4f}")


if __name__ == "__main__":
    main(tyro.cli(Arguments))
