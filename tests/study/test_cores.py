"""All runs of a study have the same number of cores, unless a user mixes them."""

import os
from pathlib import Path
from typing import Any

import pytest

from bgpbt.errors import InputError
from bgpbt.runs import plain_settings
from bgpbt.storage import create_run
from bgpbt.study import RunResult, StudyRun, Workers, check_cores, plan_study
from bgpbt.study import cores as module
from tests.study.protocols import toy_protocol

RUNS = plan_study(toy_protocol(), "toys")


def result(machine: str) -> RunResult:
    fields: dict[str, Any] = dict.fromkeys(RunResult.__dataclass_fields__, 0)
    return RunResult(**{**fields, "machine": machine})


def check(
    place: Path, results: list[RunResult], left: tuple[StudyRun, ...], *, allow: bool = False
) -> str | None:
    return check_cores(results, left, place, 2, allow=allow)


@pytest.fixture(autouse=True)
def _four_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {2, 3, 6, 7})  # two for each of two runs


@pytest.mark.parametrize("machine", ["Linux, cores: 2, Python 3.11.7", "of a version that says nothing"])
def test_equal_numbers_are_fine(machine: str, tmp_path: Path) -> None:
    assert check(tmp_path, [result(machine)], RUNS) is None


@pytest.mark.parametrize("label", ["1", "4", "2 then 1", "1 then 2"])
def test_another_number_is_refused_unless_asked_for(label: str, tmp_path: Path) -> None:
    over = [result(f"Linux, cores: {label}, Python 3.11.7")]
    found = f"the runs of this study differ in cores: 1 over on {label}; {len(RUNS)} to do on 2"
    with pytest.raises(InputError, match=f"^{found}; trained agents depend on it"):
        check(tmp_path, over, RUNS)
    assert check(tmp_path, over, RUNS, allow=True) == found
    assert check(tmp_path, over, ()) is None  # nothing to mix them with


def test_a_run_that_began_elsewhere_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bgpbt.storage.run_directory.cores", lambda: 8)
    create_run(tmp_path / RUNS[0].name, plain_settings(RUNS[0].settings), seed=RUNS[0].seed)
    with pytest.raises(InputError, match=f"1 begun on 8; {len(RUNS)} to do on 2"):
        check(tmp_path, [], RUNS)


def test_the_last_run_has_no_more_cores_than_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[set[int] | None] = []
    monkeypatch.setattr(Workers, "_process", lambda self, context, directory, cores: given.append(cores))
    Workers(RUNS[:1], tmp_path, jobs=2)
    assert given == [{2, 3}]


def test_a_result_says_where_its_run_began_and_ended() -> None:
    assert [module.cores_label(began) for began in (None, 4, 2)] == ["4", "4", "2 then 4"]
