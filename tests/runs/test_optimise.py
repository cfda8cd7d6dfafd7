import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bgpbt.encoding import encode
from bgpbt.errors import InputError, RoundFailedError
from bgpbt.execution import Event, OutcomeCommitted
from bgpbt.runs import Optimised, Options, optimise
from bgpbt.space import Range, from_ranges, space_to_json
from bgpbt.storage import create_run, open_run
from bgpbt.strategies import PopulationSettings
from bgpbt.toys import make_toy
from bgpbt.trainers import BytesTrainer, Job, TrainerError

TOY = make_toy("mixed")
SETTINGS = PopulationSettings(t_ready=10, max_timesteps=60, population=4, initial=8, quantile_fraction=0.25)


def run(path: Path, options: Options | None = None) -> Optimised:
    return optimise(TOY, TOY.space, SETTINGS, path, options=options)


def test_a_run_in_one_call(tmp_path: Path) -> None:
    finished = run(tmp_path / "run")
    best = finished.best
    assert best is not None
    assert best.outcome.score == max(outcome.score for _, outcome in finished.trained)
    assert len(finished.trained) == 8 + 5 * 4
    assert best.outcome.checkpoint is not None
    assert finished.run.checkpoints.load(best.outcome.checkpoint)[0]["weights"].size == 1


def test_a_finished_run_is_read_and_not_repeated(tmp_path: Path) -> None:
    first = run(tmp_path / "run")
    began = time.perf_counter()
    assert run(tmp_path / "run").trained == first.trained  # seconds included
    assert time.perf_counter() - began < 5.0


def test_a_run_that_is_over_says_so_and_can_be_overwritten(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = run(tmp_path / "run")
    assert caplog.messages == []
    run(tmp_path / "run")
    (message,) = caplog.messages
    assert message.startswith(f"{tmp_path / 'run'} is over; nothing was trained")
    other = replace(SETTINGS, max_timesteps=20)
    anew = optimise(TOY, TOY.space, other, tmp_path / "run", exist="overwrite")
    assert len(anew.trained) < len(first.trained)
    with pytest.raises(InputError, match="exist = 'replace' must be resume or overwrite"):
        optimise(TOY, TOY.space, SETTINGS, tmp_path / "run", exist="replace")
    optimise(TOY, TOY.space, SETTINGS, tmp_path / "new", exist="overwrite")  # there need be nothing


def test_a_mistake_that_all_members_meet_ends_the_run_and_is_mended(tmp_path: Path) -> None:
    failing_from = 2

    def train(job: Job, weights: bytes | None) -> tuple[bytes, float]:
        if job.round >= failing_from:
            raise NameError("name 'lerning_rate' is not defined")
        return b"w", float(job.seed)

    def go() -> Optimised:
        return optimise(BytesTrainer(train), TOY.space, SETTINGS, tmp_path / "run")

    place = rf"{Path(__file__).name}:\d+ in train"
    for _ in range(2):  # trained again, and failed again
        with pytest.raises(
            RoundFailedError, match=rf"round 3: all 4 members failed, 4 of .* NameError: .*{place}"
        ) as told:
            go()
        assert "the run is not over" in str(told.value)
        with open_run(tmp_path / "run").open_history(read_only=True) as history:
            assert len(history.trained()) == 8 + 2 * 4  # what failed is on record until then
    failing_from = 99
    finished = go()
    assert finished.failures == {}
    assert len(finished.trained) == 8 + 5 * 4
    assert finished.best is not None


def test_a_round_with_one_sound_member_goes_on(tmp_path: Path) -> None:
    def train(job: Job, weights: bytes | None) -> tuple[bytes, float]:
        if job.member > 0:
            raise SystemExit(1)
        return b"w", 1.0

    finished = optimise(BytesTrainer(train), TOY.space, SETTINGS, tmp_path / "run")
    ((reason, count),) = finished.failures.items()
    assert reason.startswith("SystemExit: 1 (")
    assert count == 7 + 5 * 3


def test_an_interrupted_run_is_gone_on_with(tmp_path: Path) -> None:
    def interrupt(event: Event) -> None:
        if isinstance(event, OutcomeCommitted) and event.order.round == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "run", Options(observer=interrupt))
    resumed, whole = run(tmp_path / "run"), run(tmp_path / "whole")
    assert [(order, replace(outcome, seconds=0.0)) for order, outcome in resumed.trained] == [
        (order, replace(outcome, seconds=0.0)) for order, outcome in whole.trained
    ]


@pytest.mark.parametrize(
    ("options", "name"), [(Options(seed=1), "seed"), (Options(strategy="pbt"), "strategy")]
)
def test_another_run_at_the_same_place_is_refused(tmp_path: Path, options: Options, name: str) -> None:
    run(tmp_path / "run")
    with pytest.raises(InputError, match=f"holds a run with another {name}"):
        run(tmp_path / "run", options)


def test_a_run_begins_with_given_configurations_and_says_what_it_leaves_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    start = [{"momentum": 0.1 * index} for index in range(1, 7)]
    settings = replace(SETTINGS, start=start)
    finished = optimise(TOY, TOY.space, settings, tmp_path / "run")
    design = [order for order, _ in finished.trained if order.round == 0]
    assert [order.configuration["momentum"] for order in design[:4]] == [own["momentum"] for own in start[:4]]
    assert [order.proposal.source for order in design] == ["given"] * 4 + ["random"] * 4
    first, second = caplog.messages
    assert first.startswith("start: the first 4 of 6 configurations are used; given ones fill")
    assert second.startswith("start: configuration 1, 2, 3, 4 of 6 takes defaults: ")
    caplog.clear()
    optimise(TOY, TOY.space, settings, tmp_path / "run")
    assert [message for message in caplog.messages if message.startswith("start")] == []
    with pytest.raises(InputError, match="holds a run with another settings"):
        run(tmp_path / "run")


def test_a_run_that_an_earlier_version_began_is_continued(tmp_path: Path) -> None:
    settings = json.loads(encode(SETTINGS))
    for recent in ("rungs", "copy_after", "agreement"):
        del settings[recent]
    space = json.loads(space_to_json(TOY.space))
    stored = {"strategy": "pbt", "seed": 0, "settings": settings, "space": space}
    create_run(tmp_path / "run", stored, seed=0)
    assert run(tmp_path / "run", Options(strategy="pbt")).best is not None
    create_run(tmp_path / "other", {**stored, "settings": {**settings, "initial": 9}}, seed=0)
    create_run(tmp_path / "newer", {**stored, "settings": {**settings, "unheard_of": 3}}, seed=0)
    for name, said in (("other", "another settings"), ("newer", "another kind")):
        with pytest.raises(InputError, match=said):
            run(tmp_path / name, Options(strategy="pbt"))


def test_a_start_that_cannot_be_trained_is_refused_before_a_run_is_made(tmp_path: Path) -> None:
    settings = replace(SETTINGS, start=[{"moment": 0.1}])
    with pytest.raises(
        InputError, match=r"start\[0\]: moment is not in the space \(did you mean momentum\?\)"
    ):
        optimise(TOY, TOY.space, settings, tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def climb(config: dict[str, Any], steps: int, state: Any, seed: int) -> tuple[Any, float]:
    position = np.zeros(1) if state is None else state["position"]
    for _ in range(steps):
        position = position + config["rate"] * (1.0 - position)
    return {"position": position, "seed": seed}, -float(abs(1.0 - position[0]))


RANGES: dict[str, Range] = {"rate": (1e-3, 0.5, "log"), "unused": ["a", "b"]}


def test_a_plain_function_and_a_dictionary_of_ranges(tmp_path: Path) -> None:
    finished = optimise(climb, RANGES, SETTINGS, tmp_path / "run")
    assert finished.failures == {}
    best = finished.best
    assert best is not None
    assert 1e-3 <= float(best.configuration["rate"]) <= 0.5
    position = finished.best_state["position"]
    assert -float(abs(1.0 - position[0])) == best.outcome.score
    away = 1.0  # from the goal, along the best member's own schedule
    for order, _ in best.ancestry:
        away *= (1.0 - float(order.configuration["rate"])) ** order.steps
    assert best.outcome.score == pytest.approx(-away, rel=1e-9)
    assert (
        optimise(climb, RANGES, SETTINGS, tmp_path / "run").trained == finished.trained
    )  # read, not trained


def test_a_run_of_a_function_that_was_interrupted_is_continued(tmp_path: Path) -> None:
    def interrupt(event: Event) -> None:
        if isinstance(event, OutcomeCommitted) and event.order.round == 2:
            raise KeyboardInterrupt

    options = Options(observer=interrupt)
    with pytest.raises(KeyboardInterrupt):
        optimise(climb, RANGES, SETTINGS, tmp_path / "run", options=options)
    resumed = optimise(climb, RANGES, SETTINGS, tmp_path / "run")
    whole = optimise(climb, from_ranges(RANGES), SETTINGS, tmp_path / "whole")
    assert [outcome.checkpoint for _, outcome in resumed.trained] == [
        outcome.checkpoint for _, outcome in whole.trained
    ]


def test_a_space_of_configspace_is_taken_as_it_is(tmp_path: Path) -> None:
    space: Any = TOY.space.configuration_space
    finished = optimise(TOY, space, SETTINGS, tmp_path / "run")
    assert finished.trained == run(tmp_path / "other").trained
    with pytest.raises(TrainerError, match="holds no state of a function"):
        _ = finished.best_state


@pytest.mark.parametrize(
    ("trainer", "space", "message"),
    [
        (3, RANGES, "trainer = 3 must be a function train"),
        (BytesTrainer, RANGES, "trainer = <class .*BytesTrainer.*> must be a function train"),
        (lambda job, weights: (b"", 0.0), RANGES, "must take four arguments"),
        (climb, {"rate": (0.5, 1e-3)}, "rate goes from 0.5 to 0.001"),
        (climb, [("rate", 1, 2)], "space = .* must be a space, or a dictionary of ranges by name"),
    ],
)
def test_what_is_no_trainer_or_no_space_is_refused_before_a_run_is_made(
    trainer: Any, space: Any, message: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=message):
        optimise(trainer, space, SETTINGS, tmp_path / "run")
    assert list(tmp_path.iterdir()) == []
