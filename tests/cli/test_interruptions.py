"""What can happen to a run from outside: it ends with one clear line, and goes on as if nothing had happened.

A signal that comes once is in `test_runs.py`.
"""

import csv
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from bgpbt.cli import main

NAME = "toy-plain-pbt-hpo-seed0"
FLAGS = ["-e", "toy:plain", "-tr", "10", "-mt", "400", "-ni", "4", "-ps", "4", "-qf", "0.25", "-o", "pbt"]
BAD_INPUT, INTERRUPTED = 2, 130
Rows = list[dict[str, str]]


def train(directory: Path) -> list[str]:
    return ["train", *FLAGS, "-sd", str(directory)]


def rows(run: Path, target: Path) -> Rows:
    """The rows of a run without the one column that two equal runs differ in."""
    assert main(["export", str(run), "-o", str(target)]) == 0
    with target.open(encoding="utf-8") as file:
        return [{name: row[name] for name in row if name != "seconds"} for row in csv.DictReader(file)]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    directory = tmp_path_factory.mktemp("undisturbed")
    assert main(train(directory)) == 0
    return rows(directory / NAME, directory / "rows.csv")


def start(directory: Path, *, prepare: Callable[[], object] | None = None) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "bgpbt", *train(directory)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=prepare,
    )


def goes_on_as_if_undisturbed(run: Path, target: Path, undisturbed: Rows) -> bool:
    assert len(rows(run, target)) < len(undisturbed)
    assert main(["resume", str(run)]) == 0
    return rows(run, target) == undisturbed


def test_a_full_disk_is_one_line_that_says_how_to_go_on(tmp_path: Path, undisturbed: Rows) -> None:
    # Files of this process cannot grow beyond this; the history wants to, some rounds later.
    largest = 150_000
    process = start(tmp_path, prepare=partial(resource.setrlimit, resource.RLIMIT_FSIZE, (largest, largest)))
    _, error = process.communicate()
    assert process.returncode == BAD_INPUT
    run = tmp_path / NAME
    assert error.startswith(f"bgpbt: {run / 'history.sqlite'}: ")
    assert error.endswith(f"; all finished members are kept. Go on with: bgpbt resume {run}\n")
    assert error.count("\n") == 1
    assert goes_on_as_if_undisturbed(run, tmp_path / "rows.csv", undisturbed)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[str], bool]]:
    """A file system of its own in a directory; call it with what to change of it."""
    if not shutil.which("mount") or not mounted("size=200k", tmp_path):
        pytest.skip("needs the right to mount a file system")
    try:
        yield lambda options: mounted(f"remount,{options}", tmp_path)
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def mounted(options: str, directory: Path) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", options, "none", str(directory)]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def test_a_run_goes_on_when_a_full_file_system_has_room_again(
    small_disk: Callable[[str], bool],
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    undisturbed: Rows,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run, target = tmp_path / NAME, tmp_path_factory.mktemp("elsewhere") / "rows.csv"
    assert main(train(tmp_path)) == BAD_INPUT
    assert main(["resume", str(run)]) == BAD_INPUT
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 2
    for error in errors:
        assert error.startswith(f"bgpbt: {run}")
        assert "No space left on device" in error or "disk is full" in error
        assert error.endswith(f"Go on with: bgpbt resume {run}")
    assert small_disk("size=8m")
    assert goes_on_as_if_undisturbed(run, target, undisturbed)


def test_a_read_only_file_system_is_one_line_and_still_read(
    small_disk: Callable[[str], bool],
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    undisturbed: Rows,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert small_disk("size=8m")
    assert main(train(tmp_path)) == 0
    assert small_disk("ro")
    capsys.readouterr()
    for command in (["resume", str(tmp_path / NAME)], ["train", *FLAGS, "-sd", str(tmp_path / "new")]):
        assert main(command) == BAD_INPUT
        error = capsys.readouterr().err
        assert error.startswith(f"bgpbt: {tmp_path}")
        assert error.endswith(": Read-only file system\n")
        assert error.count("\n") == 1
    target = tmp_path_factory.mktemp("elsewhere") / "rows.csv"
    assert rows(tmp_path / NAME, target) == undisturbed


def removed(run: Path) -> None:
    shutil.rmtree(run, ignore_errors=True)  # a checkpoint may be added meanwhile
    shutil.rmtree(run, ignore_errors=True)


def moved(run: Path) -> None:
    run.rename(run.with_name("elsewhere"))


def without_history(run: Path) -> None:
    (run / "history.sqlite").rename(run.parent / "history.sqlite")


def replaced_history(run: Path) -> None:
    without_history(run)
    shutil.copy(run.parent / "history.sqlite", run / "history.sqlite")


@pytest.mark.parametrize("change", [removed, moved, without_history, replaced_history])
def test_a_run_that_is_taken_away_ends_with_one_line(
    tmp_path: Path, change: Callable[[Path], None], undisturbed: Rows
) -> None:
    run = tmp_path / NAME
    process = start(tmp_path)
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("round 2/"):
            break
    change(run)
    _, error = process.communicate()
    assert process.returncode == BAD_INPUT
    assert error.startswith(f"bgpbt: {run}")
    assert error.count("\n") == 1
    if change is moved:
        elsewhere = tmp_path / "elsewhere"
        assert goes_on_as_if_undisturbed(elsewhere, tmp_path / "rows.csv", undisturbed)


SLOW = """
import sys, time
from bgpbt.cli import main
from bgpbt.toys import Toy
train = Toy.train
def slow(toy, order, checkpoints):
    if order.round == 2 and order.member == 1:
        print("training for long", flush=True)
        time.sleep(600)
    return train(toy, order, checkpoints)
Toy.train = slow
main(sys.argv[1:])
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_ends_at_once_what_the_first_cannot(
    tmp_path: Path, undisturbed: Rows, number: signal.Signals
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW, *train(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    awaited = iter(["training for long", "stopping after the running iteration; once more to stop at once"])
    expected = next(awaited)
    for line in process.stdout:
        if line.startswith(expected):
            process.send_signal(number)
            if (expected := next(awaited, "")) == "":
                break
    try:
        assert process.wait(timeout=60) == 128 + number
    finally:
        process.kill()
    assert goes_on_as_if_undisturbed(tmp_path / NAME, tmp_path / "rows.csv", undisturbed)


def test_neither_links_nor_a_steady_clock_are_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, undisturbed: Rows
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError("this file system has no links")

    jumps = random.Random(0)
    for name in ("link", "symlink"):
        monkeypatch.setattr(os, name, refuse)
    monkeypatch.setattr(time, "time", lambda: jumps.uniform(-1e9, 4e9))
    assert main(train(tmp_path)) == 0
    monkeypatch.undo()
    assert rows(tmp_path / NAME, tmp_path / "rows.csv") == undisturbed
