"""A real Trainable of Ray Tune, and a program that tunes it, to be killed and restored.

python -m tests.ray.tuning STORAGE [restore]
"""

import json
import math
import os
import sys
import time
from pathlib import Path
from typing import Any

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"

import ray
from ray import tune

from bgpbt.ray import BGPBTScheduler

ROUNDS, INTERVAL, TRIALS = 5, 2, 4


class Climber(tune.Trainable):
    """Climbs the faster the nearer its inputs are to what is best."""

    def setup(self, config: dict[str, Any]) -> None:
        self.height = 0.0

    def step(self) -> dict[str, Any]:
        time.sleep(self.config["pause_s"])
        rate = {"good": 1.0, "fair": 0.6, "poor": 0.2}[self.config["kind"]]
        rate *= math.exp(-((math.log10(self.config["rate"]) + 2.0) ** 2))
        self.height += rate * self.config["layers"] / 8.0
        return {"height": self.height}

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        (Path(checkpoint_dir) / "height").write_text(repr(self.height))

    def load_checkpoint(self, checkpoint: Any) -> None:
        self.height = float((Path(checkpoint) / "height").read_text())

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self.config, self.height = new_config, 0.0
        return True


def tuner(storage: Path, *, strategy: str = "bgpbt", pause_s: float = 0.0) -> tune.Tuner:
    scheduler = BGPBTScheduler(
        time_attr="training_iteration",
        perturbation_interval=INTERVAL,
        hyperparam_bounds={"rate": tune.loguniform(1e-4, 1.0), "layers": tune.randint(1, 9)},
        hyperparam_mutations={"kind": ["good", "fair", "poor"]},
        strategy=strategy,
        seed=4,
    )
    return tune.Tuner(
        Climber,
        param_space={"pause_s": pause_s},
        tune_config=tune.TuneConfig(
            metric="height", mode="max", num_samples=TRIALS, scheduler=scheduler, reuse_actors=True
        ),
        run_config=tune.RunConfig(
            name="climb", storage_path=str(storage), stop={"training_iteration": ROUNDS * INTERVAL}, verbose=0
        ),
    )


def journal_of(storage: Path) -> dict[str, Any] | None:
    path = storage / "climb" / "bgpbt.journal"
    return dict(json.loads(path.read_text())) if path.exists() else None


def proposals(journal: dict[str, Any]) -> dict[str, Any]:
    """What two runs have in common if they went alike: ids of trials and times differ."""
    return {
        "state": json.loads(journal["state"]),
        "scores": journal["scores"],
        "rates": [standing["configuration"]["rate"] for standing in journal["standings"]],
        "kinds": [standing["configuration"]["kind"] for standing in journal["standings"]],
    }


if __name__ == "__main__":
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    target = Path(sys.argv[1])
    if sys.argv[2:] == ["restore"]:
        tune.Tuner.restore(str(target / "climb"), Climber, param_space={"pause_s": 0.0}).fit()
    else:
        tuner(target, pause_s=0.2).fit()
