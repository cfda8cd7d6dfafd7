"""A real strategy's run, killed at random instants; the places inside a commit are in `test_loop.py`."""

import subprocess
import sys
from pathlib import Path

HARNESS = Path(__file__).parents[2] / "benchmarks" / "kill.py"


def test_a_killed_run_ends_as_if_nobody_had_killed_it() -> None:
    command = [sys.executable, str(HARNESS), "--kills", "5", "--rounds", "5", "--strategy", "pb2-mix"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 of 5 equal" in done.stdout
