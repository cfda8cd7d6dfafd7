"""Runs of a study are done once, gone on with, and equal to those of `bgpbt train`."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from bgpbt.errors import DamagedRunError, InputError
from bgpbt.execution import StopRequested, StopSwitch
from bgpbt.storage import open_run
from bgpbt.study import Finished, Result, StudyRun, WorkerError, Workers, carry_out, finished, plan_study
from tests.study.protocols import toy_protocol


def done(run: StudyRun, directory: Path) -> Result:
    result, _ = carry_out(run, directory, switch=StopSwitch(), on_steps=lambda steps: None)
    return result


def without_seconds_and_cores(result: Result) -> Result:
    machine = re.sub(r"cores: \d+", "", result.run.machine)
    assert machine != result.run.machine
    return replace(result, run=replace(result.run, seconds=0.0, machine=machine))


@pytest.fixture(scope="module")
def runs() -> tuple[StudyRun, ...]:
    return plan_study(toy_protocol(), "toys")


def test_a_run_is_what_its_history_says(tmp_path: Path, runs: tuple[StudyRun, ...]) -> None:
    run = runs[1]
    assert finished(run, tmp_path) is None
    result = done(run, tmp_path)
    assert finished(run, tmp_path) == result
    with open_run(tmp_path / run.name).open_history(read_only=True) as history:
        trained = history.trained()
    assert result.run.steps == sum(outcome.steps for _, outcome in trained) <= 400
    assert result.run.score == max(outcome.score for _, outcome in trained)
    assert [row.best for row in result.rounds] == [
        max(outcome.score for order, outcome in trained if order.round == number)
        for number in range(result.run.rounds)
    ]
    assert result.rounds[-1].steps == result.run.steps


def test_a_run_that_was_ended_goes_on_to_the_same_result(tmp_path: Path, runs: tuple[StudyRun, ...]) -> None:
    run = runs[1]
    whole = done(run, tmp_path / "whole")
    switch = StopSwitch()
    switch.stop()
    with pytest.raises(StopRequested):
        carry_out(run, tmp_path / "cut", switch=switch, on_steps=lambda steps: None)
    assert finished(run, tmp_path / "cut") is None
    assert without_seconds_and_cores(done(run, tmp_path / "cut")) == without_seconds_and_cores(whole)


def test_another_protocols_run_is_left_alone(tmp_path: Path, runs: tuple[StudyRun, ...]) -> None:
    done(runs[0], tmp_path)
    other = replace(runs[0], settings=replace(runs[0].settings, initial=7))
    for look in (done, finished):
        with pytest.raises(InputError, match="was made with another protocol: initial = 6 there and 7 here"):
            look(other, tmp_path)


def test_a_damaged_result_is_named(tmp_path: Path, runs: tuple[StudyRun, ...]) -> None:
    done(runs[0], tmp_path)
    (tmp_path / runs[0].name / "result.json").write_text("{", encoding="utf-8")
    with pytest.raises(DamagedRunError, match=r"result\.json cannot be read; remove it"):
        finished(runs[0], tmp_path)


def test_workers_do_all_runs_and_equal_ones(tmp_path: Path, runs: tuple[StudyRun, ...]) -> None:
    with Workers(runs, tmp_path / "workers", jobs=2) as workers:
        results = {e.run.name: e.result for e in workers.events() if isinstance(e, Finished)}
    assert set(results) == {run.name for run in runs}
    assert without_seconds_and_cores(results[runs[0].name]) == without_seconds_and_cores(
        done(runs[0], tmp_path / "here")
    )


def test_a_mistake_in_a_worker_is_one_line(tmp_path: Path, runs: tuple[StudyRun, ...]) -> None:
    broken = replace(runs[0], settings=replace(runs[0].settings, quantile_fraction=0.9))
    with Workers([broken], tmp_path, jobs=1) as workers, pytest.raises(WorkerError) as failure:
        list(workers.events())
    assert str(failure.value) == (
        "mixed-random-seed100: quantile_fraction = 0.9 must be above 0 and at most 0.5"
    )
