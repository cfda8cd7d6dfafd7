"""Ray's published examples of PBT and PB2, with our scheduler in the place of theirs and every argument kept.

The trainable is that of `pbt_example`: accuracy rises with a learning rate near one that moves. Only what
Ray's schedulers draw from a function (`lambda: random.uniform(...)`) is written as a domain of Tune.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("ray.tune")

from ray import tune
from ray.tune.schedulers import PopulationBasedTraining
from ray.tune.schedulers.pb2 import PB2

from bgpbt.ray import BGPBTScheduler

PBT_ARGUMENTS: dict[str, Any] = {
    "time_attr": "training_iteration",
    "metric": "mean_accuracy",
    "mode": "max",
    "perturbation_interval": 2,
    "quantile_fraction": 0.25,
    "resample_probability": 0.25,
    "hyperparam_mutations": {"lr": tune.uniform(0.0001, 0.02), "some_other_factor": [1, 2]},
    "synch": True,
}
PB2_ARGUMENTS: dict[str, Any] = {
    "time_attr": "training_iteration",
    "metric": "mean_accuracy",
    "mode": "max",
    "perturbation_interval": 2,
    "quantile_fraction": 0.25,
    "hyperparam_bounds": {"lr": [0.0001, 0.02]},
    "synch": True,
}


class Benchmark(tune.Trainable):
    """The best learning rate falls as accuracy rises; one far from it loses accuracy."""

    def setup(self, config: dict[str, Any]) -> None:
        self.lr, self.accuracy = config["lr"], 0.0

    def step(self) -> dict[str, Any]:
        best = 0.01 - 0.008 * min(self.accuracy / 100.0, 1.0)
        self.accuracy += 10.0 * (1.0 - min(2.0, abs(self.lr - best) / best))
        return {"mean_accuracy": self.accuracy, "cur_lr": self.lr}

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        (Path(checkpoint_dir) / "accuracy").write_text(repr(self.accuracy))

    def load_checkpoint(self, checkpoint: Any) -> None:
        self.accuracy = float((Path(checkpoint) / "accuracy").read_text())

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self.lr, self.config = new_config["lr"], new_config
        return True


def results_of(scheduler: Any, storage: Path, **config: Any) -> tune.ResultGrid:
    return tune.Tuner(
        Benchmark,
        param_space={"lr": 0.0001, **config},
        tune_config=tune.TuneConfig(scheduler=scheduler, num_samples=4, reuse_actors=True),
        run_config=tune.RunConfig(
            name="example", storage_path=str(storage), stop={"training_iteration": 8}, verbose=0
        ),
    ).fit()


def each(results: Any) -> list[Any]:
    """Return the results of all trials."""
    return [results[index] for index in range(len(results))]


def test_the_arguments_are_those_that_ray_takes() -> None:
    PopulationBasedTraining(**PBT_ARGUMENTS)
    PB2(**PB2_ARGUMENTS)


@pytest.mark.usefixtures("cluster")
def test_the_example_of_pbt_runs_with_our_scheduler(tmp_path: Path) -> None:
    scheduler = BGPBTScheduler(**PBT_ARGUMENTS, strategy="pbt")
    results = results_of(scheduler, tmp_path, some_other_factor=1)
    assert not results.errors
    finals = [one.metrics["mean_accuracy"] for one in each(results)]
    untuned = 0.0
    for _ in range(8):
        best = 0.01 - 0.008 * min(untuned / 100.0, 1.0)
        untuned += 10.0 * (1.0 - min(2.0, abs(0.0001 - best) / best))
    assert len(finals) == 4
    assert max(finals) > untuned  # what every trial begins with learns next to nothing
    assert all(one.config["some_other_factor"] in (1, 2) for one in each(results))


@pytest.mark.usefixtures("cluster")
def test_the_example_of_pb2_runs_as_a_race(tmp_path: Path) -> None:
    scheduler = BGPBTScheduler(**PB2_ARGUMENTS, rungs={1: 3, 2: 2}, burn_in_rounds=1)
    results = results_of(scheduler, tmp_path)
    assert not results.errors
    trained = sorted(one.metrics["training_iteration"] for one in each(results))
    assert trained == [2, 4, 8, 8]  # the worst trial is stopped after round 1, the next after round 2
    assert np.isfinite([one.metrics["mean_accuracy"] for one in each(results)]).all()


@pytest.mark.usefixtures("cluster")
def test_rllibs_ppo_is_tuned_for_two_rounds(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="RLlib's PPO needs PyTorch, which is not in the locked environment")
    pytest.importorskip("ray.rllib")
    from ray.rllib.algorithms.ppo import PPOConfig

    config: Any = PPOConfig().environment("CartPole-v1").env_runners(num_env_runners=0)
    scheduler = BGPBTScheduler(
        time_attr="training_iteration",
        perturbation_interval=1,
        hyperparam_bounds={"lr": tune.loguniform(1e-5, 1e-3), "entropy_coeff": [0.0, 0.1]},
    )
    metric = "env_runners/episode_return_mean"
    results = tune.Tuner(
        "PPO",
        param_space=config,
        tune_config=tune.TuneConfig(metric=metric, mode="max", num_samples=2, scheduler=scheduler),
        run_config=tune.RunConfig(
            name="rllib", storage_path=str(tmp_path), stop={"training_iteration": 2}, verbose=0
        ),
    ).fit()
    assert not results.errors
    assert [one.metrics["training_iteration"] for one in each(results)] == [2, 2]
