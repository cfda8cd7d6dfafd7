"""Standard output that goes away, and processes that die, in real processes."""

import subprocess
import sys
from pathlib import Path

import pytest

from bgpbt.storage import open_run

TOY = ["-e", "toy:mixed", "-o", "random", "-tr", "10", "-mt", "100", "-ps", "4", "-ni", "4", "-qf", "0.25"]
ROUNDS = 10


def shell(command: str, directory: Path) -> subprocess.CompletedProcess[str]:
    program = f"{sys.executable} -m bgpbt"
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", command.replace("bgpbt", program, 1)],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("output", "said"),
    [("| head -n 1", "Broken pipe"), ("> /dev/full", "No space left on device")],
)
def test_a_run_goes_on_when_nothing_takes_its_lines(output: str, said: str, tmp_path: Path) -> None:
    done = shell(f"bgpbt train {' '.join(TOY)} {output}", tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == f"bgpbt: note: standard output: {said}; going on without it\n"
    with open_run(tmp_path / "runs" / "toy-mixed-random-hpo-seed0").open_history(read_only=True) as history:
        assert len(history.outcomes()) == 4 * ROUNDS


def test_a_list_that_cannot_be_printed_is_one_line(tmp_path: Path) -> None:
    done = shell("bgpbt envs > /dev/full", tmp_path)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1


DYING = """
import os, signal
from bgpbt.cli.last_words import last_words
with last_words("all is kept"):
    {end}
"""


@pytest.mark.parametrize(
    ("end", "said"), [("os.kill(os.getpid(), signal.SIGABRT)", "all is kept\n"), ("pass", "")]
)
def test_a_process_that_dies_has_last_words(end: str, said: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", DYING.format(end=end)], capture_output=True, text=True, check=False
    )
    assert done.stderr == said
