import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

pytest.importorskip("ray")

from bgpbt.contracts import Trainer
from bgpbt.errors import DamagedRunError, InputError
from bgpbt.execution import LocalExecutor, StopRequested, StopSwitch, run_loop
from bgpbt.ray import MemberResources, RayExecutor
from bgpbt.records import Checkpoint, Fresh, From, Outcome, Plan
from bgpbt.storage import CheckpointStore, create_run, open_run
from tests.execution.walkers import Walkers, WalkTrainer, order
from tests.ray.trainers import DyingTrainer, SlowTrainer
from tests.trainers.test_command import assert_dead

STRATEGY = Walkers(population=4, rounds=4)
History = tuple[list[Plan], list[Outcome], set[Checkpoint]]


def walk(
    path: Path, make_trainer: Callable[[], Trainer] | None, *, resources: MemberResources | None = None
) -> History:
    """Return the history of a run on Ray, or in this process if nothing makes trainers."""
    run = create_run(path, {}, seed=5)
    with run.locked(), run.open_history() as history:
        if make_trainer is None:
            run_loop(STRATEGY, LocalExecutor(WalkTrainer(), run.checkpoints), history, run.checkpoints, 5)
        else:
            with RayExecutor(make_trainer, run.checkpoints, resources=resources) as executor:
                run_loop(STRATEGY, executor, history, run.checkpoints, 5)
        outcomes = [replace(outcome, seconds=0.0) for outcome in history.outcomes()]
        return history.plans(), outcomes, run.checkpoints.stored()


@pytest.mark.usefixtures("cluster")
def test_the_history_is_that_of_one_process(tmp_path: Path) -> None:
    assert walk(tmp_path / "ray", WalkTrainer) == walk(tmp_path / "here", None)


@pytest.mark.usefixtures("cluster")
def test_a_worker_killed_in_a_round_changes_nothing(tmp_path: Path) -> None:
    trainer = DyingTrainer(at=(2, 1), marker=tmp_path / "killed")
    assert walk(tmp_path / "ray", lambda: trainer) == walk(tmp_path / "here", None)
    assert (tmp_path / "killed").exists()


@pytest.mark.usefixtures("cluster")
def test_an_order_that_kills_every_worker_fails_and_the_run_goes_on(tmp_path: Path) -> None:
    trainer = DyingTrainer(at=(1, 2), marker=tmp_path / "killed", always=True)
    _, outcomes, _ = walk(tmp_path / "ray", lambda: trainer)
    (failed,) = [outcome for outcome in outcomes if outcome.failure is not None]
    assert (failed.round, failed.member) == (1, 2)
    assert str(failed.failure).startswith("3 workers died of it, the last: ActorDiedError")
    assert len(outcomes) == 4 * 4


@pytest.mark.usefixtures("cluster")
def test_a_trainer_that_raises_fails_one_member(tmp_path: Path) -> None:
    _, outcomes, _ = walk(tmp_path / "ray", partial(WalkTrainer, failing=frozenset({(1, 0)})))
    failures = [outcome.failure for outcome in outcomes if outcome.failure is not None]
    assert [str(failure).partition(" (")[0] for failure in failures] == [
        "ArithmeticError: the loss is not finite"
    ]


@pytest.mark.usefixtures("cluster")
def test_a_straggler_does_not_keep_others_waiting(tmp_path: Path) -> None:
    marker = tmp_path / "done"
    marker.mkdir()
    orders = [order(0, 0, member, member, Fresh()) for member in range(4)]
    trainer = SlowTrainer(straggler=0, marker=marker)
    seen = []
    with RayExecutor(lambda: trainer, CheckpointStore(tmp_path)) as executor:
        for outcome in executor.run(orders):
            seen.append(outcome.member)
            (marker / f"{outcome.member}").touch()  # what was yielded is committed before the straggler ends
    assert sorted(seen) == [0, 1, 2, 3]
    assert seen[-1] == 0


@pytest.mark.usefixtures("cluster")
def test_members_beyond_the_cluster_take_turns(tmp_path: Path) -> None:
    resources = MemberResources(cpus=2.0)  # one at a time
    assert walk(tmp_path / "ray", WalkTrainer, resources=resources) == walk(tmp_path / "here", None)


@pytest.mark.usefixtures("cluster")
def test_a_damaged_checkpoint_ends_the_run(tmp_path: Path) -> None:
    missing = order(0, 1, 0, 0, From(checkpoint=Checkpoint("0" * 64)))
    with RayExecutor(WalkTrainer, CheckpointStore(tmp_path)) as executor, pytest.raises(DamagedRunError):
        list(executor.run([missing]))


def not_to_be_made() -> Trainer:
    raise InputError("brax is not installed")


@pytest.mark.usefixtures("cluster")
def test_a_trainer_that_cannot_be_made_ends_the_run(tmp_path: Path) -> None:
    orders = [order(0, 0, 0, 0, Fresh())]
    with (
        RayExecutor(not_to_be_made, CheckpointStore(tmp_path)) as executor,
        pytest.raises(InputError, match="brax is not installed"),
    ):
        list(executor.run(orders))


@pytest.mark.usefixtures("cluster")
def test_a_thrown_switch_ends_the_run(tmp_path: Path) -> None:
    switch = StopSwitch()
    orders = [order(0, 0, member, member, Fresh()) for member in range(4)]
    with RayExecutor(WalkTrainer, CheckpointStore(tmp_path), switch=switch) as executor:
        outcomes = executor.run(orders)
        next(outcomes)
        switch.stop()
        with pytest.raises(StopRequested):
            list(outcomes)


@pytest.mark.usefixtures("cluster")
def test_a_member_too_large_for_the_cluster_is_refused(tmp_path: Path) -> None:
    with (
        RayExecutor(WalkTrainer, CheckpointStore(tmp_path), resources=MemberResources(gpus=1.0)) as executor,
        pytest.raises(InputError, match=r"a member needs cpu=1,gpu=1, but no machine is so large"),
    ):
        list(executor.run([order(0, 0, 0, 0, Fresh())]))


@pytest.mark.parametrize(
    ("text", "cpus", "gpus"), [("cpu=2", 2.0, 0.0), ("cpu=1, gpu=0.5", 1.0, 0.5), ("gpu=1", 0.0, 1.0)]
)
def test_resources_are_read(text: str, cpus: float, gpus: float) -> None:
    assert MemberResources.parse(text) == MemberResources(cpus=cpus, gpus=gpus)


@pytest.mark.parametrize("text", ["", "2", "cpu=two", "tpu=1", "cpu=-1", "cpu=0"])
def test_resources_that_cannot_be_are_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"cpu="):
        MemberResources.parse(text)


def test_a_quarter_of_a_gpu_fits_four_times() -> None:
    assert MemberResources(cpus=0.1, gpus=0.25).fitting({"CPU": 1.0, "GPU": 1.0}) == 4


INTERRUPTED = """
import os, sys
from pathlib import Path
from bgpbt.runs import Options, optimise
from bgpbt.ray import RayExecutor
from bgpbt.trainers import SubprocessTrainer
from tests.trainers.test_command import PROGRAM, SETTINGS, space

trainer = SubprocessTrainer([sys.executable, "-S", PROGRAM, "hang:0:0"], time_limit_s=1000.0)
def on_ray(trainer, checkpoints):
    return RayExecutor(lambda: trainer, checkpoints)
optimise(trainer, space(), SETTINGS, Path(sys.argv[1]), options=Options(strategy="pbt", executor=on_ray))
"""


def test_ctrl_c_leaves_no_process(tmp_path: Path) -> None:
    child_file = tmp_path / "child"
    environment = {**os.environ, "CHILD_PID_FILE": str(child_file)}
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, str(tmp_path / "run")],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        while not (child_file.exists() and child_file.read_text()):
            assert process.poll() is None
            time.sleep(0.05)
        family = descendants(process.pid)
        assert len(family) > 3  # Ray's own processes, workers, the program
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=120)
    assert "KeyboardInterrupt" in errors
    for pid in {*family, int(child_file.read_text())}:
        assert_dead(pid)


def descendants(pid: int) -> set[int]:
    """Return the processes below one, read from /proc."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue  # it has ended meanwhile
        parents[int(status.parent.name)] = int(fields[1])
    found: set[int] = set()
    while more := {child for child, parent in parents.items() if parent in {pid, *found}} - found:
        found |= more
    return found


def test_a_machine_lost_in_a_round_changes_nothing(tmp_path: Path) -> None:
    program = [sys.executable, "-m", "tests.ray.losing_a_machine", str(tmp_path)]
    finished = subprocess.run(program, capture_output=True, text=True, timeout=250, check=False)
    assert finished.returncode == 0, finished.stderr
    run = open_run(tmp_path / "run")
    with run.open_history(read_only=True) as history:
        outcomes = [replace(outcome, seconds=0.0) for outcome in history.outcomes()]
        assert (history.plans(), outcomes, run.checkpoints.stored()) == walk(tmp_path / "here", None)
    assert (tmp_path / "marker").exists()
