"""`bgpbt study`: the smoke scale as a user runs it, and studies that are interrupted."""

import csv
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bgpbt.cli import main
from bgpbt.storage.machine import cores

PROTOCOL = Path(__file__).parents[2] / "benchmarks" / "protocol.toml"
BAD_INPUT, INTERRUPTED = 2, 130
Rows = list[dict[str, str]]


def rows(directory: Path) -> Rows:
    """The table of runs without what two equal studies differ in."""
    with (directory / "runs.csv").open(encoding="utf-8") as file:
        return [
            {name: cell for name, cell in row.items() if name not in ("seconds", "compilations")}
            for row in csv.DictReader(file)
        ]


def toys(directory: Path) -> list[str]:
    return ["study", str(PROTOCOL), "-d", str(directory), "--only", "mixed/*", "--jobs", "1"]


def started(directory: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "bgpbt", *toys(directory)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    while " seed 1" not in (line := process.stdout.readline()):
        assert line, process.communicate()[1]  # it has ended
    return process


def writers(directory: Path) -> list[int]:
    """The processes that work in a directory."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(f"{directory}" in str(entry.readlink()) for entry in (process / "fd").iterdir()):
                found.append(int(process.name))
        except OSError:
            continue
    return found


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    directory = tmp_path_factory.mktemp("undisturbed")
    assert main(toys(directory)) == 0
    return rows(directory)


@pytest.mark.timeout(600)  # on a busy machine
def test_the_smoke_scale_compares_everything_it_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["study", str(PROTOCOL), "--jobs", "1", "-d", str(tmp_path / "runs"), "-o", str(tmp_path)]
    assert main(command) == 0
    said = capsys.readouterr().out
    assert "12 of 12 runs" in said
    assert "| `bgpbt` |" in said
    found = rows(tmp_path)
    assert {(row["task"], row["contender"]) for row in found} == {
        (task, contender) for task in ("pendulum", "mixed") for contender in ("random", "pbt", "bgpbt")
    }
    for row in found:
        budget = 20_000 if row["task"] == "pendulum" else 2_000
        assert 0.9 * budget <= int(row["steps"]) <= budget
    for name in ("study.png", "profiles.png"):
        assert (tmp_path / name).stat().st_size > 10_000
    # The tables alone are enough to know what is done.
    assert main([*command[:-4], "-d", str(tmp_path / "elsewhere"), "-o", str(tmp_path)]) == 0
    assert "12 runs, 12 of them done" in capsys.readouterr().out
    assert not (tmp_path / "elsewhere").exists()
    table = tmp_path / "runs.csv"
    table.write_text(
        table.read_text(encoding="utf-8").replace(found[0]["source"], "0" * 16), encoding="utf-8"
    )
    assert main([*command[:-4], "-d", str(tmp_path / "elsewhere"), "-o", str(tmp_path)]) == 0
    assert "12 of these with another version of bgpbt" in capsys.readouterr().out
    table.write_text(
        re.sub(r"cores: \d+", "cores: 77", table.read_text(encoding="utf-8"), count=1), encoding="utf-8"
    )
    mixed = [*command[:-4], "-d", str(tmp_path / "elsewhere"), "-o", str(tmp_path)]
    assert main(mixed) == BAD_INPUT
    differs = f"the runs of this study differ in cores: 11 over on {cores()}, 1 over on 77"
    assert capsys.readouterr().err.startswith(f"bgpbt: {differs}; trained agents depend on it")
    assert main([*mixed, "--any-cores"]) == 0
    assert f"note: {differs}\n" in capsys.readouterr().out
    assert main([*command, "--against", str(tmp_path)]) == 0
    assert "6 more have too few runs" in capsys.readouterr().out


def test_a_study_that_is_interrupted_goes_on_as_if_undisturbed(tmp_path: Path, undisturbed: Rows) -> None:
    process = started(tmp_path)
    process.send_signal(signal.SIGINT)
    said, errors = process.communicate(timeout=60)
    assert process.returncode == INTERRUPTED, errors
    assert "The same command goes on" in said
    assert 0 < len(rows(tmp_path)) < len(undisturbed)
    assert main(toys(tmp_path)) == 0
    assert rows(tmp_path) == undisturbed


def test_a_study_that_is_killed_leaves_no_worker_and_goes_on(tmp_path: Path, undisturbed: Rows) -> None:
    process = started(tmp_path)
    process.kill()
    process.communicate()
    deadline = time.monotonic() + 60
    while writers(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert writers(tmp_path) == []
    assert main(toys(tmp_path)) == 0
    assert rows(tmp_path) == undisturbed


def test_a_dry_run_touches_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["study", str(PROTOCOL), "--scale", "gpu", "-d", str(tmp_path / "runs"), "--dry-run"]
    assert main(command) == 0
    assert "US dollars" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--scale", "huge"], "--scale 'huge': there is no such scale"),
        (["--jobs", "0"], "--jobs 0 must be 1 or more"),
        (["--only", "ant/*"], "--only 'ant/*' fits no TASK/CONTENDER of scale smoke"),
    ],
)
def test_a_mistake_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: list[str], said: str
) -> None:
    assert main(["study", str(PROTOCOL), "-d", str(tmp_path / "runs"), *flags]) == BAD_INPUT
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
