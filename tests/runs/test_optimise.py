import time
from dataclasses import replace
from pathlib import Path

import pytest

from bgpbt.errors import InputError, RoundFailedError
from bgpbt.execution import Event, OutcomeCommitted
from bgpbt.runs import Optimised, Options, optimise
from bgpbt.storage import open_run
from bgpbt.strategies import PopulationSettings
from bgpbt.toys import make_toy
from bgpbt.trainers import BytesTrainer, Job

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


def test_a_start_that_cannot_be_trained_is_refused_before_a_run_is_made(tmp_path: Path) -> None:
    settings = replace(SETTINGS, start=[{"moment": 0.1}])
    with pytest.raises(
        InputError, match=r"start\[0\]: moment is not in the space \(did you mean momentum\?\)"
    ):
        optimise(TOY, TOY.space, settings, tmp_path / "run")
    assert list(tmp_path.iterdir()) == []
