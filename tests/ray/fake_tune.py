"""Ray's own trials without a cluster: training is a closed form, done here."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ray.train._internal.session import _TrainingResult
from ray.train._internal.storage import StorageContext
from ray.tune import Checkpoint
from ray.tune.experiment import Trial
from ray.tune.schedulers import TrialScheduler


@dataclass
class Search:
    """The search algorithm of an experiment whose trials are all there, or not."""

    finished: bool = True
    max_concurrent: int = 0

    def is_finished(self) -> bool:
        return self.finished


@dataclass
class Controller:
    """What a scheduler sees of Tune."""

    trials: list[Trial]
    search_alg: Search = field(default_factory=Search)

    def get_trials(self) -> list[Trial]:
        return self.trials

    def stop_trial(self, trial: Trial) -> None:
        trial.set_status(Trial.TERMINATED)


def trials_of(directory: Path, configs: list[dict[str, Any]], **options: Any) -> list[Trial]:
    return [
        Trial(
            "toy",
            config=config,
            stub=True,
            trial_id=f"t{slot}",
            experiment_tag=f"{slot}_toy",
            storage=StorageContext(str(directory), "climb", trial_dir_name=f"t{slot}"),
            **options,
        )
        for slot, config in enumerate(configs)
    ]


def stored(trials: list[Trial]) -> list[Trial]:
    """The trials as Tune restores them from what it stores."""
    for trial in trials:
        trial.create_placement_group_factory()
        trial.invalidate_json_state()
    restored = [Trial.from_json_state(trial.get_json_state()[0], stub=True) for trial in trials]
    for trial, before in zip(restored, trials, strict=True):
        trial.restore_run_metadata(before.get_json_state()[1])
    return restored


def begin(scheduler: TrialScheduler, trials: list[Trial], search: Search | None = None) -> Controller:
    controller = Controller(trials, search or Search())
    for trial in trials:
        scheduler.on_trial_add(as_tune(controller), trial)
    return controller


def report(scheduler: TrialScheduler, controller: Controller, trial: Trial, result: dict[str, Any]) -> str:
    """Hand a result in, with a checkpoint, and do as the scheduler says."""
    manager: Any = trial.run_metadata.checkpoint_manager
    storage: Any = trial.storage
    step = int(result.get("training_iteration", 0))
    path = Path(storage.experiment_fs_path, trial.trial_id, f"checkpoint_{step:06d}")
    path.mkdir(parents=True, exist_ok=True)
    manager._latest_checkpoint_result = _TrainingResult(
        Checkpoint(str(path), filesystem=storage.storage_filesystem), dict(result)
    )
    trial.set_status(Trial.RUNNING)
    decision = scheduler.on_trial_result(as_tune(controller), trial, result)
    trial.run_metadata.last_result = dict(result)
    if decision == TrialScheduler.PAUSE:
        trial.set_status(Trial.PAUSED)
    return decision


def play_round(
    scheduler: TrialScheduler, controller: Controller, step: int, scores: list[float]
) -> Trial | None:
    """Let all trials reach a step with these scores, and ask which is to run next."""
    for trial, score in zip(controller.trials, scores, strict=True):
        assert report(scheduler, controller, trial, {"score": score, "training_iteration": step}) == "PAUSE"
    return scheduler.choose_trial_to_run(as_tune(controller))


def as_tune(controller: Controller) -> Any:
    return controller


def lines_of(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines()]
