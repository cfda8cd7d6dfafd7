import inspect
import json
import math
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ray.tune")

from ray import tune
from ray.train._internal.checkpoint_manager import _CheckpointManager
from ray.train._internal.session import _TrainingResult
from ray.train._internal.storage import StorageContext
from ray.tune.execution.tune_controller import TuneController
from ray.tune.experiment import Trial
from ray.tune.schedulers import TrialScheduler

from bgpbt.errors import InputError
from bgpbt.ray import BGPBTScheduler
from tests.ray.tuning import INTERVAL, ROUNDS, TRIALS, journal_of, proposals, tuner


@pytest.fixture(scope="module")
def undisturbed(cluster: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, dict[str, Any]]:
    """The results and the journal of an experiment that nothing happens to."""
    storage = tmp_path_factory.mktemp("undisturbed")
    results = tuner(storage).fit()
    journal = journal_of(storage)
    assert journal is not None
    return results, journal


def test_mixed_inputs_of_a_real_trainable_are_tuned(undisturbed: tuple[Any, dict[str, Any]]) -> None:
    results, journal = undisturbed
    assert not results.errors
    assert len(results) == TRIALS
    assert all(result.metrics["training_iteration"] == ROUNDS * INTERVAL for result in results)
    for result in results:
        assert 1e-4 <= result.config["rate"] <= 1.0
        assert result.config["layers"] in range(1, 9)
        assert result.config["kind"] in ("good", "fair", "poor")
    state = json.loads(journal["state"])
    sources = [order["proposal"]["source"] for order in state["plan"]["orders"]]
    assert sources.count("inherited") == TRIALS - 1
    assert len(journal["scores"]) == ROUNDS - 1  # Tune's stopping rule ends the last round
    finals = sorted(result.metrics["height"] for result in results)
    assert finals[0] > min(journal["scores"][0])


def test_what_a_trial_reports_goes_on_from_its_donors_checkpoint(
    undisturbed: tuple[Any, dict[str, Any]],
) -> None:
    results, journal = undisturbed
    for slot, standing in enumerate(journal["standings"]):
        (result,) = [r for r in results if r.metrics["trial_id"] == standing["trial_id"]]
        given = standing["configuration"]
        rate = {"good": 1.0, "fair": 0.6, "poor": 0.2}[given["kind"]]
        rate *= math.exp(-((math.log10(given["rate"]) + 2.0) ** 2)) * given["layers"] / 8.0
        order = json.loads(journal["state"])["plan"]["orders"][slot]
        donor = int(order["start"]["checkpoint"])
        assert result.metrics["height"] == pytest.approx(journal["scores"][-1][donor] + INTERVAL * rate)


def test_killed_and_restored_it_proposes_the_same(
    undisturbed: tuple[Any, dict[str, Any]], tmp_path: Path
) -> None:
    program = [sys.executable, "-m", "tests.ray.tuning", str(tmp_path)]
    with subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while (journal := journal_of(tmp_path)) is None or len(journal["scores"]) < 2:
            assert process.poll() is None
            time.sleep(0.02)
        time.sleep(0.5)  # into the round that follows
        process.kill()
    journal = journal_of(tmp_path)
    assert journal is not None
    assert len(journal["scores"]) < ROUNDS - 1
    finished = subprocess.run([*program, "restore"], capture_output=True, text=True, timeout=250, check=False)
    assert finished.returncode == 0, finished.stderr
    restored = journal_of(tmp_path)
    assert restored is not None
    assert proposals(restored) == proposals(undisturbed[1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "must name what is searched"),
        ({"hyperparam_bounds": {"x": [0, 1]}, "mode": "best"}, "must be min or max"),
        ({"hyperparam_bounds": {"x": [0, 1, 2]}}, "must be \\[low, high\\]"),
        ({"hyperparam_bounds": {"x": [0, 1]}, "strategy": "magic"}, "no strategy 'magic'"),
        ({"hyperparam_bounds": {"x": [0, 1]}, "perturbation_interval": 0}, "must be above 0"),
        ({"hyperparam_bounds": {"x": [0, 1]}, "quantile_fraction": 0.7}, "at most 0.5"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        BGPBTScheduler(**arguments)


@pytest.mark.parametrize(
    ("owner", "name", "parameters"),
    [
        (TrialScheduler, "set_search_properties", ["self", "metric", "mode", "spec"]),
        (TrialScheduler, "on_trial_add", ["self", "tune_controller", "trial"]),
        (TrialScheduler, "on_trial_error", ["self", "tune_controller", "trial"]),
        (TrialScheduler, "on_trial_complete", ["self", "tune_controller", "trial", "result"]),
        (TrialScheduler, "on_trial_remove", ["self", "tune_controller", "trial"]),
        (TrialScheduler, "on_trial_result", ["self", "tune_controller", "trial", "result"]),
        (TrialScheduler, "choose_trial_to_run", ["self", "tune_controller"]),
        (TrialScheduler, "debug_string", ["self"]),
        (TuneController, "get_trials", ["self"]),
        (Trial, "set_config", ["self", "config"]),
        (Trial, "is_finished", ["self"]),
        (_TrainingResult, "__init__", ["self", "checkpoint", "metrics"]),
    ],
)
def test_tune_calls_what_the_scheduler_answers(owner: type, name: str, parameters: list[str]) -> None:
    assert list(inspect.signature(getattr(owner, name)).parameters) == parameters


def test_tune_has_what_the_scheduler_reads() -> None:
    assert (TrialScheduler.CONTINUE, TrialScheduler.PAUSE) == ("CONTINUE", "PAUSE")
    assert (Trial.PENDING, Trial.PAUSED) == ("PENDING", "PAUSED")
    assert isinstance(inspect.getattr_static(TuneController, "search_alg"), property)
    assert isinstance(inspect.getattr_static(Trial, "latest_checkpoint_result"), property)
    assert "_latest_checkpoint_result" in vars(_CheckpointManager(None))
    parameters = inspect.signature(StorageContext.__init__).parameters
    assert "current_checkpoint_index" in parameters
    assert {"experiment_fs_path"} <= {name for name, _ in inspect.getmembers(StorageContext)}
    assert callable(tune.Tuner.restore)


def walk(config: dict[str, Any]) -> None:
    """A function trainable: it reports a checkpoint with every result; one of the trials breaks."""
    checkpoint = tune.get_checkpoint()
    height, done = 0.0, 0
    if checkpoint is not None:
        with checkpoint.as_directory() as directory:
            height, done = json.loads((Path(directory) / "height").read_text())
    while True:
        done, height = done + 1, height + float(config["rate"])
        if done == 2 and config["breaks"]:
            raise RuntimeError("the loss is not finite")
        with tempfile.TemporaryDirectory() as name:
            (Path(name) / "height").write_text(json.dumps([height, done]))
            metrics = {"height": height, "done_steps": done}
            tune.report(metrics, checkpoint=tune.Checkpoint.from_directory(name))


@pytest.mark.usefixtures("cluster")
def test_a_trial_that_fails_leaves_the_population_and_the_others_go_on(tmp_path: Path) -> None:
    scheduler = BGPBTScheduler(
        time_attr="done_steps",
        perturbation_interval=1,
        hyperparam_bounds={"rate": [0.0, 1.0]},
        strategy="pbt",
    )
    results = tune.Tuner(
        walk,
        param_space={"breaks": tune.grid_search([False, True, False])},
        tune_config=tune.TuneConfig(metric="height", mode="max", scheduler=scheduler),
        run_config=tune.RunConfig(
            name="climb", storage_path=str(tmp_path), stop={"done_steps": 4}, verbose=0
        ),
    ).fit()
    assert len(results.errors) == 1
    journal = journal_of(tmp_path)
    assert journal is not None
    assert [len(scores) for scores in journal["scores"]] == [3, 2, 2]
    finished = [results[index] for index in range(3) if results[index].error is None]
    assert [result.metrics["done_steps"] for result in finished if result.metrics] == [4, 4]
