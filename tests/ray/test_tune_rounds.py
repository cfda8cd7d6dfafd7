"""The scheduler on Ray's own trials, asked as Tune asks it: no cluster, so the tests are fast."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("ray.tune")

from ray._private.dict import flatten_dict
from ray.tune import CheckpointConfig
from ray.tune.experiment import Trial
from ray.tune.schedulers import PopulationBasedTraining, PopulationBasedTrainingReplay
from ray.tune.schedulers.pb2 import PB2

from bgpbt.errors import InputError
from bgpbt.ray import BGPBTScheduler
from bgpbt.ray.scheduler import PATIENCE_S
from tests.ray.fake_tune import Search, as_tune, begin, lines_of, play_round, report, stored, trials_of

SCORES = [[4.0, 3.0, 2.0, 1.0], [1.0, 2.0, 3.0, 4.0], [5.0, 1.0, 2.0, 3.0]]


def scheduler_with(**changed: Any) -> BGPBTScheduler:
    arguments: dict[str, Any] = {
        "time_attr": "training_iteration",
        "metric": "score",
        "mode": "max",
        "perturbation_interval": 2,
        "hyperparam_bounds": {"rate": [0.0, 1.0], "units": [16, 64]},
        "strategy": "pbt",
        "seed": 3,
    }
    return BGPBTScheduler(**{**arguments, **changed})


def rates(trials: list[Trial]) -> list[float]:
    return [trial.config["rate"] for trial in trials]


def test_all_arguments_of_rays_schedulers_are_arguments() -> None:
    import inspect

    ours = set(inspect.signature(BGPBTScheduler).parameters)
    for theirs in (PopulationBasedTraining, PB2):
        assert set(inspect.signature(theirs).parameters) <= ours
    # the order in which PB2 takes what is given without a name
    first = list(inspect.signature(PB2).parameters)[:5]
    assert list(inspect.signature(BGPBTScheduler).parameters)[:5] == first


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"synch": False}, "synch = False: rounds are always synchronous; write synch=True or leave it out"),
        ({"quantile_fraction": 0.0}, "to copy no trial, leave the scheduler out"),
        ({"burn_in_period": -1.0}, "burn_in_period = -1.0 must be 0 or more"),
        ({"custom_explore_fn": 3}, "custom_explore_fn = 3 must be a function"),
        (
            {"strategy": "bgpbt", "resample_probability": 0.25},
            "resample_probability: strategy bgpbt does not",
        ),
        ({"strategy": "pb2", "perturbation_factors": (1.2, 0.8)}, "choose strategy pbt or mf-pbt"),
        ({"perturbation_factors": (1.2,)}, "perturbation_factors = .1.2,. must be two numbers"),
        ({"perturbation_factors": (1.2, -0.8)}, "must be above 0"),
        ({"resample_probability": 1.5}, "resample_probability = 1.5 must be from 0 to 1"),
        ({"strategy": "successive-halving"}, "no strategy 'successive-halving' here"),
    ],
)
def test_what_an_argument_cannot_be_is_said_in_one_line(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        scheduler_with(**arguments)
    assert "\n" not in str(caught.value)


def test_a_configuration_that_json_would_change_survives_a_restart(tmp_path: Path) -> None:
    def rest(slot: int) -> dict[str, Any]:
        return {
            "sizes": (64, slot),
            "by_round": {1: "a", 2: ("b",)},
            "path": Path("/data"),
            "names": {"x", "y"},
            "raw": b"x",
            "make": lambda: 7,
            "table": np.arange(3),
            "plain": [1, {"a": None}],
        }

    trials = trials_of(tmp_path, [rest(slot) for slot in range(4)])
    scheduler = scheduler_with()
    controller = begin(scheduler, trials)
    play_round(scheduler, controller, 2, SCORES[0])
    again, restored = stored(trials), scheduler_with()
    assert again[0].config["sizes"] == [64, 0]  # what Tune itself makes of it
    begin(restored, again)
    for before, after in zip(trials, again, strict=True):
        for name in ("sizes", "by_round", "path", "names", "raw", "plain", "rate", "units"):
            assert after.config[name] == before.config[name]
            assert type(after.config[name]) is type(before.config[name])
        assert after.config["make"]() == 7
        np.testing.assert_array_equal(after.config["table"], np.arange(3))
        assert after.latest_checkpoint_result is not None
        assert after.latest_checkpoint_result.metrics["training_iteration"] == 2


def test_a_trial_that_tune_stored_before_it_was_replaced_gets_its_donors_rest(tmp_path: Path) -> None:
    trials = trials_of(tmp_path, [{"width": slot} for slot in range(4)])
    scheduler = scheduler_with()
    controller = begin(scheduler, trials)
    early = stored(trials)
    play_round(scheduler, controller, 2, SCORES[0])
    assert [trial.config["width"] for trial in trials] == [0, 1, 2, 0]
    begin(scheduler_with(), early)
    assert [trial.config for trial in early] == [trial.config for trial in trials]


def test_no_trial_is_copied_before_the_burn_in_is_over(tmp_path: Path) -> None:
    scheduler = scheduler_with(burn_in_period=5)
    controller = begin(scheduler, trials_of(tmp_path, [{} for _ in range(4)]))
    for step in (2, 4):
        for trial in controller.trials:
            result = {"score": float(trial.trial_id[1:]), "training_iteration": step}
            assert report(scheduler, controller, trial, result) == "CONTINUE"
    play_round(scheduler, controller, 5, SCORES[0])
    assert len(lines_of(tmp_path / "climb" / "pbt_global.txt")) == 1
    play_round(scheduler, controller, 7, SCORES[0])  # and then after every interval
    assert len(lines_of(tmp_path / "climb" / "pbt_global.txt")) == 2


@pytest.mark.parametrize("lacking", ["score", "training_iteration"])
def test_results_may_lack_the_metric_if_that_is_said(tmp_path: Path, lacking: str) -> None:
    scheduler = scheduler_with(require_attrs=False)
    controller = begin(scheduler, trials_of(tmp_path, [{} for _ in range(2)]))
    for step, has_all, decision in ((1, False, "CONTINUE"), (2, False, "CONTINUE"), (3, True, "PAUSE")):
        result = {"score": 1.0, "training_iteration": step}
        if not has_all:
            del result[lacking]
        assert report(scheduler, controller, controller.trials[0], result) == decision
    strict = scheduler_with()
    controller = begin(strict, trials_of(tmp_path, [{} for _ in range(2)]))
    result = {"score": 1.0, "training_iteration": 1}
    del result[lacking]
    with pytest.raises(InputError, match=f"reported no '{lacking}'; .* write require_attrs=False"):
        report(strict, controller, controller.trials[0], result)


def test_a_metric_that_is_no_number_is_named(tmp_path: Path) -> None:
    scheduler = scheduler_with()
    controller = begin(scheduler, trials_of(tmp_path, [{} for _ in range(2)]))
    with pytest.raises(InputError, match="trial t0 reported score = 'high', which is no number"):
        report(scheduler, controller, controller.trials[0], {"score": "high", "training_iteration": 2})


def test_trials_that_are_held_back_are_not_waited_for_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheduler = scheduler_with()
    held_back = Search(finished=False, max_concurrent=2)
    controller = begin(scheduler, trials_of(tmp_path, [{} for _ in range(2)]), held_back)
    with pytest.raises(InputError, match=r"^max_concurrent_trials = 2 holds back .* leave"):
        play_round(scheduler, controller, 2, [1.0, 2.0])
    patient = scheduler_with()
    controller = begin(patient, trials_of(tmp_path, [{} for _ in range(2)]), Search(finished=False))
    now = 0.0
    monkeypatch.setattr("bgpbt.ray.scheduler.time.monotonic", lambda: now)
    assert play_round(patient, controller, 2, [1.0, 2.0]) is None
    now = PATIENCE_S + 1.0
    with pytest.raises(InputError, match=r"^the search algorithm holds back"):
        patient.choose_trial_to_run(as_tune(controller))


def test_the_users_function_has_the_last_word_and_the_strategy_sees_what_is_near(tmp_path: Path) -> None:
    seen: list[dict[str, Any]] = []

    def explore(config: dict[str, Any]) -> dict[str, Any]:
        seen.append(dict(config))
        config["units"], config["depth"] = np.int64(100), config["depth"] + 1
        return config

    trials = trials_of(tmp_path, [{"depth": 1} for _ in range(4)])
    scheduler = scheduler_with(custom_explore_fn=explore)
    controller = begin(scheduler, trials)
    play_round(scheduler, controller, 2, SCORES[0])
    assert [trial.config["depth"] for trial in trials] == [1, 1, 1, 2]
    assert type(trials[3].config["units"]) is int
    assert trials[3].config["units"] == 100  # beyond the bounds, as Ray's schedulers let it be
    assert len(seen) == 1
    again = stored(trials)
    begin(scheduler_with(custom_explore_fn=explore), again)
    assert [trial.config for trial in again] == [trial.config for trial in trials]
    play_round(scheduler, controller, 4, SCORES[1])
    assert [trial.config["depth"] for trial in trials] == [3, 1, 1, 2]


def test_a_function_that_returns_no_configuration_is_named(tmp_path: Path) -> None:
    scheduler = scheduler_with(custom_explore_fn=lambda config: None)
    controller = begin(scheduler, trials_of(tmp_path, [{} for _ in range(4)]))
    with pytest.raises(InputError, match="custom_explore_fn returned None; it must return the configuration"):
        play_round(scheduler, controller, 2, SCORES[0])


def test_perturbation_is_as_it_is_asked_for(tmp_path: Path) -> None:
    trials = trials_of(tmp_path, [{"rate": 0.1 * (slot + 1)} for slot in range(4)])
    scheduler = scheduler_with(resample_probability=0.0, perturbation_factors=(3.0, 3.0))
    play_round(scheduler, begin(scheduler, trials), 2, SCORES[0])
    assert rates(trials) == pytest.approx([0.1, 0.2, 0.3, 0.3])  # the last has three times the first's


def test_the_policy_files_hold_the_winners_schedule(tmp_path: Path) -> None:
    """What each trial trained with, as told by its lineage, is what Ray's replay makes of its file."""
    trials = trials_of(tmp_path, [{"width": slot} for slot in range(4)])
    scheduler = scheduler_with()
    controller = begin(scheduler, trials)
    schedules = {trial.trial_id: [dict(trial.config)] for trial in trials}
    for number, scores in enumerate(SCORES):
        play_round(scheduler, controller, 2 * (number + 1), scores)
        parents = {
            trial.trial_id: Path(trial.latest_checkpoint_result.checkpoint.path).parent.name  # type: ignore[union-attr]
            for trial in trials
        }
        schedules = {
            trial.trial_id: [*schedules[parents[trial.trial_id]], dict(trial.config)] for trial in trials
        }
    for trial in trials:
        path = tmp_path / "climb" / f"pbt_policy_{trial.trial_id}.txt"
        schedule = schedules[trial.trial_id]
        if not path.exists():
            assert all(config == schedule[0] for config in schedule)
            continue
        replay = PopulationBasedTrainingReplay(str(path))
        config, replayed = replay.config, []
        changes = dict(replay._policy)
        for step in (0, 2, 4, 6):
            config = changes.get(step, config)
            replayed.append(config)
        assert replayed == schedule
    assert len(lines_of(tmp_path / "climb" / "pbt_global.txt")) == len(SCORES)


def test_lines_of_a_round_that_was_not_closed_are_dropped(tmp_path: Path) -> None:
    trials = trials_of(tmp_path, [{} for _ in range(4)])
    scheduler = scheduler_with()
    controller = begin(scheduler, trials)
    play_round(scheduler, controller, 2, SCORES[0])
    journal = (tmp_path / "climb" / "bgpbt.journal").read_bytes()
    again = stored(trials)
    play_round(scheduler, controller, 4, SCORES[1])
    complete = (tmp_path / "climb" / "pbt_global.txt").read_bytes()
    (tmp_path / "climb" / "bgpbt.journal").write_bytes(journal)  # killed before the journal was written
    restored = scheduler_with()
    play_round(restored, begin(restored, again), 4, SCORES[1])
    assert (tmp_path / "climb" / "pbt_global.txt").read_bytes() == complete


def test_no_policy_is_written_if_it_is_not_wanted(tmp_path: Path) -> None:
    scheduler = scheduler_with(log_config=False)
    play_round(scheduler, begin(scheduler, trials_of(tmp_path, [{} for _ in range(4)])), 2, SCORES[0])
    assert not list((tmp_path / "climb").glob("pbt_*"))


def test_tables_of_tune_show_the_searched_values(tmp_path: Path) -> None:
    trials = trials_of(tmp_path, [{"fixed": 1} for _ in range(4)], evaluated_params={"sample": 2})
    scheduler = scheduler_with(hyperparam_mutations={"loop": {"kind": ["adam", "sgd"]}})
    controller = begin(scheduler, trials)
    for step, scores in ((0, None), (2, SCORES[0])):
        if scores is not None:
            play_round(scheduler, controller, step, scores)
        for trial in trials:
            flat = flatten_dict(trial.config)
            shown = {"sample": 2, **{name: flat[name] for name in ("rate", "units", "loop/kind")}}
            assert trial.evaluated_params == shown


def test_one_trial_alone_is_told_to_train_untuned(tmp_path: Path) -> None:
    scheduler = scheduler_with()
    controller = begin(scheduler, trials_of(tmp_path, [{}]))
    with pytest.warns(UserWarning, match="one trial has no other to learn from, so it trains untuned"):
        scheduler.choose_trial_to_run(as_tune(controller))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        play_round(scheduler, controller, 2, [1.0])  # said once
        pair = begin(scheduler_with(), trials_of(tmp_path, [{}, {}]))
        scheduler_with().choose_trial_to_run(as_tune(pair))


def test_a_trial_that_fails_for_good_is_said_to_be_missing(tmp_path: Path) -> None:
    scheduler = scheduler_with()
    controller = begin(scheduler, trials_of(tmp_path, [{} for _ in range(4)], max_failures=1))
    failing = controller.trials[1]
    failing.run_metadata.num_failures = 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scheduler.on_trial_error(as_tune(controller), failing)  # Tune tries it again
    failing.run_metadata.num_failures = 2
    with pytest.warns(UserWarning, match="t1 has failed for good, .* continues with 3 trials; FailureConfig"):
        scheduler.on_trial_error(as_tune(controller), failing)


def test_too_few_checkpoints_to_keep_are_warned_of(tmp_path: Path) -> None:
    options = {"checkpoint_config": CheckpointConfig(num_to_keep=2)}
    with pytest.warns(UserWarning, match="num_to_keep=2. may delete .* keep 3 or more"):
        begin(scheduler_with(), trials_of(tmp_path, [{}, {}], **options))


def test_a_race_stops_the_worst_trials_and_copies_none_before_its_time(tmp_path: Path) -> None:
    scheduler = scheduler_with(rungs={2: 4, 3: 2}, burn_in_rounds=3, perturbation_interval=1)
    controller = begin(scheduler, trials_of(tmp_path, [{} for _ in range(8)]))
    begun = rates(controller.trials)
    for step, left in ((1, 8), (2, 4), (3, 2)):
        scores = [float(-abs(slot - 5)) for slot, _ in enumerate(controller.trials)]
        for trial, score in zip(controller.trials, scores, strict=True):
            if trial.status != Trial.TERMINATED:
                report(scheduler, controller, trial, {"score": score, "training_iteration": step})
        scheduler.choose_trial_to_run(as_tune(controller))
        alive = [slot for slot, trial in enumerate(controller.trials) if trial.status != Trial.TERMINATED]
        assert len(alive) == left
        assert rates(controller.trials) == begun  # the burn-in: each goes on with its own values
    assert alive == [4, 5]
    for trial, score in zip((controller.trials[4], controller.trials[5]), (0.0, 1.0), strict=True):
        report(scheduler, controller, trial, {"score": score, "training_iteration": 4})
    scheduler.choose_trial_to_run(as_tune(controller))
    assert controller.trials[4].config["rate"] != begun[4]  # the loser of the two learns from the winner


@pytest.mark.parametrize(
    ("rungs", "message"),
    [
        ({2: 4, 3: 4}, "trials must fall as rounds rise"),
        ({0: 4}, "rounds must be whole numbers, 1 or more"),
        ({2: 0}, "trials must be whole numbers, 1 or more"),
    ],
)
def test_rungs_that_are_none_are_one_line(rungs: dict[int, int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        scheduler_with(rungs=rungs)
