import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


def run_example(name: str, path: Path, *arguments: str) -> str:
    command = [sys.executable, str(EXAMPLES / name), "--path", str(path), *arguments]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=250)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def test_digits_are_learnt(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    printed = run_example("digits.py", tmp_path / "run", "--passes", "8")
    (accuracy,) = re.findall(r"accuracy on validation images: ([0-9.]+)", printed)
    assert float(accuracy) > 0.9
    assert run_example("digits.py", tmp_path / "run", "--passes", "8") == printed  # it is over, and read


def test_a_program_is_tuned_through_files(tmp_path: Path) -> None:
    printed = run_example("program/tune.py", tmp_path / "run")
    (error,) = re.findall(r"mean squared error: (\S+)", printed)
    assert float(error) < 0.05


def test_a_loop_in_pytorch_is_tuned(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    printed = run_example("torch_loop.py", tmp_path / "run", "--passes", "12")
    (accuracy,) = re.findall(r"accuracy on unseen points: ([0-9.]+)", printed)
    assert float(accuracy) > 0.8


def test_ppo_learns_to_balance_a_pole(tmp_path: Path) -> None:
    pytest.importorskip("gymnax")
    printed = run_example("cartpole.py", tmp_path / "run", "--steps", "40_000")
    (score,) = re.findall(r"mean return: ([0-9.]+) of 500", printed)
    assert float(score) > 60.0  # chance is about 20
