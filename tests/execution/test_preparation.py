"""Orders are prepared while those before them are carried out, by real threads."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from bgpbt.contracts import Checkpoints
from bgpbt.execution import preparation
from bgpbt.execution.local import LocalExecutor
from bgpbt.records import Fresh, Order, Outcome
from bgpbt.storage import CheckpointStore
from tests.execution.walkers import order

ORDERS = [order(0, 0, member, member, Fresh()) for member in range(12)]
PATIENCE_S = 30.0


@pytest.fixture
def checkpoints(tmp_path: Path) -> CheckpointStore:
    return CheckpointStore(tmp_path)


@pytest.fixture
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparation, "cores", lambda: 2)


class Preparing:
    """Notes what it prepares; does in `train` what a function says."""

    def __init__(self, act: Callable[["Preparing", Order], object]) -> None:
        self._act = act
        self.prepared: list[int] = []
        self.changed = threading.Condition()

    def prepare(self, order: Order) -> None:
        with self.changed:
            self.prepared.append(order.member)
            self.changed.notify_all()

    def train(self, order: Order, checkpoints: Checkpoints) -> Outcome:
        self._act(self, order)
        return Outcome(round=order.round, member=order.member, checkpoint=None, score=0.0, steps=order.steps)

    def await_prepared(self, member: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: member in self.prepared, PATIENCE_S)


def failures(trainer: Preparing, checkpoints: CheckpointStore, max_parallel: int = 1) -> set[str | None]:
    return {outcome.failure for outcome in LocalExecutor(trainer, checkpoints, max_parallel).run(ORDERS)}


@pytest.mark.usefixtures("two_cores")
def test_the_next_order_is_prepared_while_one_is_under_way(checkpoints: CheckpointStore) -> None:
    trainer = Preparing(lambda trainer, order: trainer.await_prepared(min(order.member + 1, 11)))
    assert failures(trainer, checkpoints) == {None}
    assert trainer.prepared == list(range(12))


@pytest.mark.usefixtures("two_cores")
def test_few_orders_are_prepared_ahead(checkpoints: CheckpointStore) -> None:
    ahead: list[int] = []

    def note(trainer: Preparing, order: Order) -> None:
        ahead.append(len(trainer.prepared) - order.member)

    assert failures(Preparing(note), checkpoints) == {None}
    assert max(ahead) <= 5  # itself, and four


@pytest.mark.usefixtures("two_cores")
def test_what_cannot_be_prepared_fails_no_order(checkpoints: CheckpointStore) -> None:
    tried = threading.Event()

    class Failing(Preparing):
        def prepare(self, order: Order) -> None:
            tried.set()
            raise ArithmeticError(order.member)

    assert failures(Failing(lambda trainer, order: tried.wait(PATIENCE_S)), checkpoints) == {None}
    assert tried.is_set()


@pytest.mark.usefixtures("two_cores")
def test_nothing_is_prepared_without_a_core_to_spare_or_after_the_end(checkpoints: CheckpointStore) -> None:
    busy = Preparing(lambda trainer, order: None)
    assert failures(busy, checkpoints, max_parallel=2) == {None}
    assert busy.prepared == []
    ended = Preparing(lambda trainer, order: trainer.await_prepared(order.member))
    outcomes = LocalExecutor(ended, checkpoints).run(ORDERS)
    next(outcomes)
    outcomes.close()  # type: ignore[attr-defined]
    assert not [thread for thread in threading.enumerate() if thread.name == "preparation"]
    assert len(ended.prepared) < 12
