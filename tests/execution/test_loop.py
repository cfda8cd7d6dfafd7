import contextlib
import errno
import itertools
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bgpbt.encoding import encode
from bgpbt.execution.local import LocalExecutor
from bgpbt.execution.loop import Event, OutcomeCommitted, RoundPlanned, RunFinished, run_loop
from bgpbt.records import From, Order, Outcome
from bgpbt.storage import CheckpointStore, History, StorageError, create_run
from bgpbt.storage import checkpoints as checkpoints_module
from tests.execution.walkers import Walkers, WalkersState, WalkTrainer, go_on

Content = tuple[list[str], list[str], str, dict[str, bytes]]


def content(directory: Path) -> Content:
    """Return all that a run has stored, as text and bytes, without the seconds."""
    with History.open(directory / "history.sqlite", read_only=True) as history:
        position = history.position(WalkersState)
        assert position is not None
        return (
            [encode(plan) for plan in history.plans()],
            [encode(replace(outcome, seconds=0.0)) for outcome in history.outcomes()],
            encode(position.state),
            {path.name: path.read_bytes() for path in (directory / "checkpoints").iterdir()},
        )


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Content:
    directory = tmp_path_factory.mktemp("undisturbed")
    go_on(directory, Walkers(), WalkTrainer())
    return content(directory)


def test_a_run_holds_every_round(undisturbed: Content) -> None:
    plans, outcomes, state, _ = undisturbed
    assert len(plans) == 5
    assert len(outcomes) == 20
    assert state.count("best_scores") == 1


def test_a_finished_run_trains_nothing_more(tmp_path: Path, undisturbed: Content) -> None:
    go_on(tmp_path, Walkers(), WalkTrainer())
    trainer = WalkTrainer()
    go_on(tmp_path, Walkers(), trainer)
    assert trainer.trained == []
    assert content(tmp_path) == undisturbed


@pytest.mark.parametrize("max_parallel", [2, 4])
def test_parallel_training_gives_the_same_run(
    tmp_path: Path, undisturbed: Content, max_parallel: int
) -> None:
    go_on(tmp_path, Walkers(), WalkTrainer(), max_parallel=max_parallel)
    assert content(tmp_path) == undisturbed


def test_another_seed_gives_another_run(tmp_path: Path, undisturbed: Content) -> None:
    go_on(tmp_path, Walkers(), WalkTrainer(), seed=1)
    assert content(tmp_path)[1] != undisturbed[1]


class Crash(KeyboardInterrupt):
    """The process is gone: nothing may catch this, and what else a trainer raises is caught."""


def crash_at(monkeypatch: pytest.MonkeyPatch, instant: int) -> Callable[[], bool]:
    """Raise before the `instant`-th step of any commit; return whether it came to that.

    The steps: every SQL statement, and every write, fsync, rename, unlink of a file.
    """
    passed = 0

    def hook() -> None:
        nonlocal passed
        passed += 1
        if passed == instant:
            raise Crash

    def before(module: Any, name: str) -> None:
        original = getattr(module, name)

        def wrapper(*arguments: Any, **named: Any) -> Any:
            hook()
            return original(*arguments, **named)

        monkeypatch.setattr(module, name, wrapper)

    before(os, "fsync")
    before(Path, "replace")
    before(Path, "unlink")
    before(checkpoints_module, "write_durably")
    before(History, "open_round")
    before(History, "commit_outcome")
    before(History, "_statement")
    return lambda: passed >= instant


def test_a_crash_between_any_two_steps_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    strategy = Walkers(population=2, rounds=2)
    whole = tmp_path_factory.mktemp("whole")
    go_on(whole, strategy, WalkTrainer())
    expected = content(whole)
    instant, crashed = 0, True
    while crashed:
        instant += 1
        directory = tmp_path_factory.mktemp("crashed")
        with monkeypatch.context() as patch:
            happened = crash_at(patch, instant)
            with contextlib.suppress(Crash):
                go_on(directory, strategy, WalkTrainer())
            crashed = happened()
        go_on(directory, strategy, WalkTrainer())
        assert content(directory) == expected, f"crash before step {instant}"
    assert instant > 40


@pytest.mark.parametrize("step", ["fsync", "replace", "unlink"])
def test_a_file_system_that_refuses_ends_the_run_with_one_line_and_loses_nothing(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    strategy = Walkers(population=2, rounds=2)
    whole = tmp_path_factory.mktemp("whole")
    go_on(whole, strategy, WalkTrainer())
    expected = content(whole)
    owner: Any = os if step == "fsync" else Path
    original = getattr(owner, step)
    refusals = 0
    for instant in itertools.count():
        directory = tmp_path_factory.mktemp("full")
        create_run(directory, {}, seed=0)
        calls = itertools.count()

        def refuse(*given: Any, at: int = instant, calls: Iterator[int] = calls, **named: Any) -> Any:
            if next(calls) == at:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return original(*given, **named)

        with monkeypatch.context() as patch:
            patch.setattr(owner, step, refuse)
            try:
                go_on(directory, strategy, WalkTrainer())
            except StorageError as error:
                refusals += f"{directory}" in str(error) and "No space left" in str(error)
            else:
                break
        go_on(directory, strategy, WalkTrainer())
        assert content(directory) == expected
    assert refusals == instant > 0


def test_outcomes_from_before_a_crash_are_not_trained_again(tmp_path: Path) -> None:
    def crash_after_three(event: Event) -> None:
        if isinstance(event, OutcomeCommitted) and event.outcome.member == 2:
            raise Crash

    run = create_run(tmp_path, {}, seed=0)
    executor = LocalExecutor(WalkTrainer(), run.checkpoints)
    with run.open_history() as history:
        with pytest.raises(Crash):
            run_loop(Walkers(), executor, history, run.checkpoints, 0, observer=crash_after_three)
        assert len(history.outcomes()) == 3
    trainer = WalkTrainer()
    go_on(tmp_path, Walkers(rounds=1), trainer)
    assert trainer.trained == [(0, 3)]


def test_the_observer_hears_of_everything_in_order(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    checkpoints = CheckpointStore(tmp_path / "checkpoints")
    events: list[Event] = []
    with History.create(tmp_path / "history.sqlite") as history:
        executor = LocalExecutor(WalkTrainer(), checkpoints)
        run_loop(Walkers(population=2, rounds=2), executor, history, checkpoints, 0, observer=events.append)
        kinds = [type(event) for event in events]
        assert kinds == [*[RoundPlanned, OutcomeCommitted, OutcomeCommitted] * 2, RunFinished]
        assert [
            event.outcome for event in events if isinstance(event, OutcomeCommitted)
        ] == history.outcomes()


class Forgetful:
    """Loses the last order."""

    def __init__(self, executor: LocalExecutor) -> None:
        self._executor = executor

    def run(self, orders: Sequence[Order]) -> Iterator[Outcome]:
        return self._executor.run(orders[:-1])


def test_an_executor_that_loses_orders_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    checkpoints = CheckpointStore(tmp_path / "checkpoints")
    executor = Forgetful(LocalExecutor(WalkTrainer(), checkpoints))
    with (
        History.create(tmp_path / "history.sqlite") as history,
        pytest.raises(RuntimeError, match="round 0: 1 orders"),
    ):
        run_loop(Walkers(), executor, history, checkpoints, 0)


def test_a_run_keeps_no_more_checkpoints_than_it_needs(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    checkpoints = CheckpointStore(tmp_path / "checkpoints")
    most = 0

    def count(event: Event) -> None:
        nonlocal most
        most = max(most, len(checkpoints.stored()))
        if isinstance(event, RoundPlanned):
            best = history.best_outcome()
            starts = {order.start.checkpoint for order in event.plan.orders if isinstance(order.start, From)}
            kept = starts if best is None else starts | {best.checkpoint}
            assert checkpoints.stored() == kept

    with History.create(tmp_path / "history.sqlite") as history:
        executor = LocalExecutor(WalkTrainer(), checkpoints)
        run_loop(Walkers(population=6, rounds=12), executor, history, checkpoints, 0, observer=count)
        for checkpoint in checkpoints.stored():
            checkpoints.verify(checkpoint)
        assert {outcome.checkpoint for outcome in history.outcomes(11)} <= checkpoints.stored()
        best = history.best_outcome()
        assert best is not None
        assert best.checkpoint in checkpoints.stored()
    assert most <= 2 * 6 + 1  # starts and outcomes of the round under way, and the best


@pytest.mark.parametrize("kill", range(5))
def test_a_killed_process_loses_nothing(tmp_path: Path, killable: Content, kill: int) -> None:
    command = [sys.executable, "-m", "tests.execution.walkers", str(tmp_path), "200"]
    with subprocess.Popen(command) as process:
        _wait_for(lambda: _rounds(tmp_path) > 3 + 25 * kill, process)
        time.sleep(0.003 * kill)  # not always at the same step of a round
        os.kill(process.pid, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    before = _rounds(tmp_path)
    assert before < 200
    subprocess.run(command, check=True)
    assert content(tmp_path) == killable


@pytest.fixture(scope="module")
def killable(tmp_path_factory: pytest.TempPathFactory) -> Content:
    directory = tmp_path_factory.mktemp("killable")
    go_on(directory, Walkers(population=4, rounds=200), WalkTrainer(size=4096))
    return content(directory)


def _rounds(directory: Path) -> int:
    """Count without decoding, or a short run is over before its plans are read."""
    path = directory / "history.sqlite"
    if not path.exists():
        return 0
    try:
        with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as history:
            return int(history.execute("SELECT COUNT(*) FROM plans").fetchone()[0])
    except sqlite3.Error:  # it is just being made
        return 0


def _wait_for(condition: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    while not condition():
        assert process.poll() is None, "the run ended before it could be killed"
        time.sleep(0.005)
