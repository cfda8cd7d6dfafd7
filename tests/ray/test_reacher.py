"""A small run of the paper's reacher on two Ray workers: what one process makes, to the last byte."""

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("ray")
pytest.importorskip("brax")

from bgpbt.records import Checkpoint, Order, Outcome
from bgpbt.storage import open_run

# The sizes are those of the command's own test, so that its compiled programs serve here.
TINY = [
    *["-e", "reacher", "-o", "pbt", "-ps", "2", "-ni", "2", "-qf", "0.5", "-tr", "480", "-mt", "960"],
    *["--num-envs", "32", "--num-minibatches", "4", "--episode-length", "50", "--eval-episodes", "8"],
    *["--test-episodes", "8", "--policy", "1", "8", "--value", "1", "8"],
]
TOKEN = secrets.token_hex(32)
ENVIRONMENT = {
    **os.environ,
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AUTH_MODE": "token",  # the cluster listens on the network
    "RAY_AUTH_TOKEN": TOKEN,
}
RUN = "reacher-pbt-hpo-seed0"


History = tuple[list[tuple[Order, Outcome]], set[Checkpoint]]


@pytest.fixture(scope="module")
def head(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A cluster of its own, as `ray start --head` makes one, with two cores; its address."""
    ray, port = str(Path(sys.executable).with_name("ray")), free_port()
    command = [
        ray,
        "start",
        "--head",
        f"--port={port}",
        "--num-cpus=2",
        "--include-dashboard=false",
        "--block",
    ]
    log = (tmp_path_factory.mktemp("head") / "log").open("wb")
    with log, subprocess.Popen(command, env=ENVIRONMENT, stdout=log, stderr=log) as process:
        yield f"127.0.0.1:{port}"
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> History:
    """The history that one process makes."""
    directory = tmp_path_factory.mktemp("alone")
    with training(directory):
        pass
    return history_of(directory)


def test_a_run_of_reacher_on_ray_is_that_of_one_process(head: str, alone: History, tmp_path: Path) -> None:
    with training(tmp_path, "--executor", "ray", "--address", head):
        pass
    assert history_of(tmp_path) == alone
    assert [outcome.failure for _, outcome in alone[0]] == [None] * 4


def test_a_worker_killed_in_the_middle_of_a_round_changes_nothing(
    head: str, alone: History, tmp_path: Path
) -> None:
    with training(tmp_path, "--executor", "ray", "--address", head) as process:
        kill_a_worker(process)
    assert history_of(tmp_path) == alone


@contextmanager
def training(directory: Path, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "bgpbt", "train", *TINY, "-sd", str(directory), *arguments]
    with subprocess.Popen(
        command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as p:
        yield p
        printed, _ = p.communicate(timeout=280)
    assert p.returncode == 0, printed


def history_of(directory: Path) -> History:
    run = open_run(directory / RUN)
    with run.open_history(read_only=True) as history:
        trained = [(order, replace(outcome, seconds=0.0)) for order, outcome in history.trained()]
    return trained, run.checkpoints.stored()


def kill_a_worker(process: "subprocess.Popen[str]") -> None:
    """Kill the first worker that is seen at training, half a second later."""
    while process.poll() is None:
        for status in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):  # it has ended meanwhile
                is_ours = TOKEN.encode() in status.with_name("environ").read_bytes()
                if is_ours and status.read_bytes().startswith(b"ray::_Worker.train"):
                    time.sleep(0.5)
                    os.kill(int(status.parent.name), signal.SIGKILL)
                    return
        time.sleep(0.05)
    raise AssertionError("no worker was seen")
