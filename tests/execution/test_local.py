import _thread
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bgpbt.contracts import Checkpoints
from bgpbt.errors import DamagedRunError, InputError
from bgpbt.execution.local import LocalExecutor
from bgpbt.execution.stopping import StopRequested, StopSwitch
from bgpbt.records import Checkpoint, Fresh, From, Order, Outcome
from bgpbt.storage import CheckpointStore, History
from tests.execution.walkers import Walkers, WalkTrainer, go_on, order

ORDERS = [order(0, 0, member, member, Fresh()) for member in range(6)]


@pytest.fixture
def checkpoints(tmp_path: Path) -> CheckpointStore:
    return CheckpointStore(tmp_path)


class Scripted:
    """Does what a function says."""

    def __init__(self, act: Callable[[Order], object]) -> None:
        self._act = act

    def train(self, order: Order, checkpoints: Checkpoints) -> Outcome:
        self._act(order)
        return Outcome(round=order.round, member=order.member, checkpoint=None, score=0.0, steps=order.steps)


@pytest.mark.parametrize("max_parallel", [1, 2, 20])
def test_every_order_has_one_outcome(checkpoints: CheckpointStore, max_parallel: int) -> None:
    outcomes = list(LocalExecutor(WalkTrainer(), checkpoints, max_parallel).run(ORDERS))
    assert sorted(outcome.member for outcome in outcomes) == list(range(6))


def test_no_orders_no_outcomes(checkpoints: CheckpointStore) -> None:
    assert list(LocalExecutor(WalkTrainer(), checkpoints).run([])) == []


def test_orders_run_at_the_same_time_up_to_the_limit(checkpoints: CheckpointStore) -> None:
    barrier = threading.Barrier(3, timeout=30)  # breaks unless three meet
    running, most, lock = 0, 0, threading.Lock()

    def meet(_: Order) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        barrier.wait()
        with lock:
            running -= 1

    outcomes = list(LocalExecutor(Scripted(meet), checkpoints, 3).run(ORDERS))
    assert [outcome.failure for outcome in outcomes] == [None] * 6
    assert most == 3


def test_max_parallel_is_at_least_one(checkpoints: CheckpointStore) -> None:
    with pytest.raises(InputError, match="max_parallel = 0 must be 1 or more"):
        LocalExecutor(WalkTrainer(), checkpoints, 0)


def test_a_trainer_that_raises_fails_one_member_and_the_run_goes_on(tmp_path: Path) -> None:
    go_on(tmp_path, Walkers(population=3, rounds=4), WalkTrainer(failing=frozenset({(1, 2), (2, 0)})))
    with History.open(tmp_path / "history.sqlite") as history:
        failed = [outcome for outcome in history.outcomes() if outcome.failure is not None]
        assert [(outcome.round, outcome.member) for outcome in failed] == [(1, 2), (2, 0)]
        reasons = {str(outcome.failure).partition(" (")[0] for outcome in failed}
        assert reasons == {"ArithmeticError: the loss is not finite"}
        assert all(outcome.score != outcome.score and outcome.checkpoint is None for outcome in failed)
        assert len(history.outcomes()) == 12


@pytest.mark.parametrize("strange", ["a\udcff path", "nul \0 here", ""])
def test_any_message_can_be_stored(checkpoints: CheckpointStore, tmp_path: Path, strange: str) -> None:
    def fail(_: Order) -> None:
        raise ValueError(strange)

    (outcome,) = LocalExecutor(Scripted(fail), checkpoints).run(ORDERS[:1])
    state, plan = Walkers().start(0)
    with History.create(tmp_path / "history.sqlite") as history:
        history.open_round(state, plan)
        history.commit_outcome(outcome)
        assert history.outcomes()[0].failure == outcome.failure


def test_an_answer_to_another_order_is_a_failure(checkpoints: CheckpointStore) -> None:
    class Mistaken(WalkTrainer):
        def train(self, order: Order, checkpoints: Checkpoints) -> Outcome:
            return Outcome(round=order.round, member=99, checkpoint=None, score=0.0, steps=1)

    (outcome,) = LocalExecutor(Mistaken(), checkpoints).run(ORDERS[:1])
    assert outcome.member == 0
    assert outcome.failure is not None
    assert "member 99" in outcome.failure


def test_a_damaged_checkpoint_ends_the_run(checkpoints: CheckpointStore) -> None:
    missing = order(0, 1, 0, 0, From(checkpoint=Checkpoint("0" * 64)))
    with pytest.raises(DamagedRunError, match="0" * 64):
        list(LocalExecutor(WalkTrainer(), checkpoints, 2).run([missing, *ORDERS[1:]]))


def test_stopping_ends_at_the_next_progress_report(checkpoints: CheckpointStore) -> None:
    switch = StopSwitch()
    started = threading.Barrier(3, timeout=30)

    def train_until_stopped(given: Order) -> None:
        if given.member == 0:
            return
        started.wait()
        while True:
            switch.check(given, 1)
            time.sleep(0.001)

    executor = LocalExecutor(Scripted(train_until_stopped), checkpoints, 2, switch=switch)

    def stop_once_both_train() -> None:
        started.wait()
        executor.stop()

    threading.Thread(target=stop_once_both_train, daemon=True).start()
    outcomes: list[Outcome] = []
    with pytest.raises(StopRequested):
        outcomes.extend(executor.run(ORDERS))  # keeps what came before the exception
    assert [outcome.member for outcome in outcomes] == [0]  # what was ready is not lost
    with pytest.raises(StopRequested):
        list(executor.run(ORDERS))


def test_an_error_that_ends_the_run_stops_the_other_members(checkpoints: CheckpointStore) -> None:
    switch = StopSwitch()
    both = threading.Barrier(2, timeout=30)

    def act(given: Order) -> None:
        both.wait()
        if given.member == 0:
            raise DamagedRunError("checkpoint x")
        while True:
            switch.check(given, 1)
            time.sleep(0.001)

    with pytest.raises(DamagedRunError, match="checkpoint x"):
        list(LocalExecutor(Scripted(act), checkpoints, 2, switch=switch).run(ORDERS[:2]))


def test_an_interrupt_in_the_calling_thread_stops_the_members(checkpoints: CheckpointStore) -> None:
    switch = StopSwitch()
    ended = threading.Event()

    def act(given: Order) -> None:
        _thread.interrupt_main(signal.SIGINT)
        try:
            while True:
                switch.check(given, 1)
                time.sleep(0.001)
        finally:
            ended.set()

    with pytest.raises(KeyboardInterrupt):
        list(LocalExecutor(Scripted(act), checkpoints, 1, switch=switch).run(ORDERS))
    assert ended.is_set()


DEAF = """
import os, time
from pathlib import Path
import bgpbt.execution.local as local
from bgpbt.storage import CheckpointStore
from tests.execution.test_local import ORDERS, Scripted

local._GRACE_S = 0.2
def deaf(order):
    os.write(1, b"training\\n")  # in one piece, whatever the other thread prints
    time.sleep(1000)
list(local.LocalExecutor(Scripted(deaf), CheckpointStore(Path(".")), 2).run(ORDERS))
"""


def test_a_trainer_that_never_reports_does_not_keep_the_process_alive() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", DEAF], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "training\n"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert "KeyboardInterrupt" in errors
    assert process.returncode != 0
