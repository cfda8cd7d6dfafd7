import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from ConfigSpace import ConfigurationSpace, Float

from bgpbt.errors import InputError, RoundFailedError
from bgpbt.records import From, Trained
from bgpbt.runs import Optimised, Options, optimise
from bgpbt.space import Space
from bgpbt.strategies import PopulationSettings
from bgpbt.trainers import SubprocessTrainer

PROGRAM = Path(__file__).with_name("program.py")
SETTINGS = PopulationSettings(t_ready=5, max_timesteps=20, population=3, initial=3, quantile_fraction=0.34)


def space() -> Space:
    configuration_space = ConfigurationSpace()
    configuration_space.add(Float("rate", (1e-3, 0.3), log=True))
    return Space.from_configspace(configuration_space)


def run(
    path: Path, *misdeeds: str, time_limit_s: float = 60.0, max_parallel: int = 2
) -> tuple[Optimised, Mapping[tuple[int, int], Trained]]:
    trainer = SubprocessTrainer([sys.executable, "-S", PROGRAM, *misdeeds], time_limit_s=time_limit_s)
    options = Options(strategy="pbt", max_parallel=max_parallel)
    finished = optimise(trainer, space(), SETTINGS, path, options=options)
    return finished, {(pair.order.round, pair.order.member): pair for pair in finished.trained}


def test_a_program_learns_through_files(tmp_path: Path) -> None:
    finished, trained = run(tmp_path / "run")
    assert len(trained) == 3 * 4
    assert all(outcome.failure is None for _, outcome in trained.values())
    best = finished.best
    assert best is not None
    assert best.total_steps == 20
    weight = 0.0
    for order, outcome in best.ancestry:  # the weights went from file to file without a loss
        for _ in range(order.steps):
            weight += float(order.configuration["rate"]) * (1.0 - weight)
        assert outcome.figures["weight"] == weight


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("raise", "exited with status 1: ZeroDivisionError: the loss is 1/0"),
        ("nan", "the score is nan"),
        ("nothing", "the program wrote no outcome.json"),
        ("score-only", "the trainer wrote no checkpoint"),
        ("signal", "was killed by SIGSEGV"),
        ("text", "outcome.json is not JSON"),
    ],
)
def test_a_program_that_fails_costs_one_member(tmp_path: Path, kind: str, reason: str) -> None:
    _, trained = run(tmp_path / "run", f"{kind}:1:2")
    _, failed = trained[1, 2]
    assert reason in str(failed.failure)
    assert failed.score != failed.score
    replacement, _ = trained[2, 2]
    assert isinstance(replacement.start, From)  # it goes on from another's weights
    assert replacement.proposal.parent in (0, 1)
    assert sum(outcome.failure is not None for _, outcome in trained.values()) == 1
    assert len(trained) == 3 * 4


def test_a_program_that_hangs_is_killed_with_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHILD_PID_FILE", str(tmp_path / "child"))
    _, trained = run(tmp_path / "run", "hang:1:0", time_limit_s=5.0)
    _, failed = trained[1, 0]
    assert "was killed at its time limit of 5 s" in str(failed.failure)
    assert_dead(int((tmp_path / "child").read_text()))
    assert len(trained) == 3 * 4


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    trainer = SubprocessTrainer(["no-such-program"], time_limit_s=1.0)
    settings = PopulationSettings(t_ready=5, max_timesteps=5, population=2, initial=2, quantile_fraction=0.5)
    with pytest.raises(RoundFailedError, match="no-such-program cannot be run: No such file or directory"):
        optimise(trainer, space(), settings, tmp_path / "run", options=Options(strategy="random"))


@pytest.mark.parametrize(("command", "limit"), [([], 1.0), ("python x.py", 1.0), (["true"], 0.0)])
def test_bad_arguments_are_refused(command: list[str], limit: float) -> None:
    with pytest.raises(InputError, match=r"command|time_limit_s"):
        SubprocessTrainer(command, time_limit_s=limit)


INTERRUPTED = """
import os, sys
from pathlib import Path
from tests.trainers.test_command import run
run(Path(sys.argv[1]), "hang:0:0", time_limit_s=1000.0, max_parallel=1)
"""


def test_ctrl_c_leaves_no_process(tmp_path: Path) -> None:
    child_file = tmp_path / "child"
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, str(tmp_path / "run")],
        env={**os.environ, "CHILD_PID_FILE": str(child_file)},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        while not (child_file.exists() and child_file.read_text()):
            assert process.poll() is None
            time.sleep(0.05)
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert "KeyboardInterrupt" in errors
    assert time.monotonic() - began < 8.0  # it does not wait for the program
    assert_dead(int(child_file.read_text()))


def assert_dead(pid: int) -> None:
    """Wait until a process is gone, or is a zombie that nobody has asked after yet."""
    for _ in range(100):
        status = Path(f"/proc/{pid}/stat")
        if not status.exists() or status.read_text().rsplit(")", 1)[1].split()[0] == "Z":
            return
        time.sleep(0.05)
    raise AssertionError(f"process {pid} is alive")
