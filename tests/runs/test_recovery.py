"""Damage of every kind is found and named, and a recovered run ends as an undisturbed one."""

import contextlib
import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bgpbt.contracts import Checkpoints, Strategy
from bgpbt.errors import DamagedRunError
from bgpbt.execution import Event, LocalExecutor, Observer, OutcomeCommitted, run_loop
from bgpbt.records import Order, Outcome, Trained
from bgpbt.runs import recover
from bgpbt.space import with_architectures
from bgpbt.storage import CheckpointStore, History, create_run, examine, open_run
from bgpbt.strategies import GenerationSettings, PopulationSettings, make_strategy
from bgpbt.toys import Toy, make_toy

SEED = 5
POPULATION = PopulationSettings(
    population=4, initial=6, quantile_fraction=0.25, t_ready=10, max_timesteps=120
)
GENERATIONS = GenerationSettings(t_distillation=20, distill_every=40, max_distillation=1)


def toy() -> Toy:
    shapes = make_toy("shapes")
    return replace(shapes, space=with_architectures(shapes.space))


def strategy() -> Strategy[Any]:
    return make_strategy("bgpbt", space=toy().space, settings=POPULATION, generations=GENERATIONS)


class Stopping:
    """A toy that ends the process's patience after some orders."""

    def __init__(self, orders: int) -> None:
        self.left = orders

    def train(self, order: Order, checkpoints: Checkpoints) -> Outcome:
        if self.left == 0:
            raise KeyboardInterrupt
        self.left -= 1
        return toy().train(order, checkpoints)


def train(path: Path, orders: int = 10**6, observer: Observer = lambda event: None) -> None:
    run = open_run(path)
    with run.open_history() as history:
        executor = LocalExecutor(Stopping(orders), run.checkpoints)
        with contextlib.suppress(KeyboardInterrupt):
            run_loop(strategy(), executor, history, run.checkpoints, SEED, observer=observer)


def content(path: Path) -> tuple[list[Trained], set[str]]:
    run = open_run(path)
    with run.open_history(read_only=True) as history:
        trained = [Trained(order, replace(outcome, seconds=0.0)) for order, outcome in history.trained()]
    return trained, {str(checkpoint) for checkpoint in run.checkpoints.stored()}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("undisturbed") / "run"
    create_run(path, {}, seed=SEED)
    train(path)
    return path


@pytest.fixture(params=[3, 20, 36])
def interrupted(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "run"
    create_run(path, {}, seed=SEED)
    train(path, request.param)
    return path


def check_recovery(path: Path, undisturbed: Path) -> list[str]:
    said: list[str] = []
    assert not examine(path).is_intact
    recover(path, strategy(), toy(), SEED, said.append)
    assert examine(path).is_intact
    train(path)
    assert content(path) == content(undisturbed)
    return said


def test_an_intact_run_is_said_to_be(interrupted: Path) -> None:
    examination = examine(interrupted)
    assert examination.is_intact
    assert all(finding.problem is None for finding in examination.findings)


def test_every_lost_or_changed_checkpoint_is_made_again(interrupted: Path, undisturbed: Path) -> None:
    store = CheckpointStore(interrupted / "checkpoints")
    for place, checkpoint in enumerate(sorted(store.stored())):
        if place % 2:
            store.path(checkpoint).unlink()
        else:
            whole = store.path(checkpoint).read_bytes()
            store.path(checkpoint).write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    said = check_recovery(interrupted, undisturbed)
    assert any("trained again, same bytes" in line for line in said)
    assert list((interrupted / "damaged").rglob("*.safetensors"))  # nothing is removed


@pytest.mark.parametrize("byte", [9, 5000])  # of the log's header, of a frame
def test_outcomes_lost_with_the_write_ahead_log_are_trained_again(
    undisturbed: Path, tmp_path: Path, byte: int
) -> None:
    path, killed = tmp_path / "run", tmp_path / "killed"
    create_run(path, {}, seed=SEED)

    def copy(event: Event) -> None:
        if isinstance(event, OutcomeCommitted) and (event.order.round, event.order.member) == (2, 2):
            shutil.copytree(path, killed)  # as SIGKILL would leave it

    train(path, observer=copy)
    (killed / "history.sqlite-shm").unlink()
    log = bytearray((killed / "history.sqlite-wal").read_bytes())
    log[byte] ^= 1
    (killed / "history.sqlite-wal").write_bytes(log)
    before = {file: file.read_bytes() for file in (killed / "checkpoints").iterdir()}
    with pytest.raises(DamagedRunError, match="outcomes and 0 pins are there"):
        train(killed)
    assert {file: file.read_bytes() for file in (killed / "checkpoints").iterdir()} == before
    check_recovery(killed, undisturbed)


@pytest.mark.parametrize("table", ["plans", "outcomes", "position"])
def test_a_history_with_a_changed_row_is_written_again(
    interrupted: Path, undisturbed: Path, table: str
) -> None:
    connection = sqlite3.connect(interrupted / "history.sqlite")
    column = "state" if table == "position" else "record"
    newest = f"SELECT max(rowid) FROM {table}"
    connection.execute(f"UPDATE {table} SET {column} = {column} || ' ' WHERE rowid IN ({newest})")
    connection.commit()
    connection.close()
    said = check_recovery(interrupted, undisturbed)
    assert any("history.sqlite: written again" in line for line in said)
    assert list((interrupted / "damaged").rglob("history.sqlite"))


def test_a_history_with_a_hole_keeps_what_is_intact(undisturbed: Path, tmp_path: Path) -> None:
    path = tmp_path / "run"
    shutil.copytree(undisturbed, path)
    file = path / "history.sqlite"
    whole = bytearray(file.read_bytes())
    middle = len(whole) // 2 // 4096 * 4096
    whole[middle : middle + 4096] = bytes(4096)
    file.write_bytes(bytes(whole))
    check_recovery(path, undisturbed)


def test_a_history_that_is_no_database_any_more_is_trained_again(
    interrupted: Path, undisturbed: Path
) -> None:
    for file in interrupted.glob("history.sqlite*"):
        file.write_bytes(b"not a database" * 100)
    check_recovery(interrupted, undisturbed)


def test_a_run_of_another_strategy_is_not_recovered(interrupted: Path) -> None:
    connection = sqlite3.connect(interrupted / "history.sqlite")
    connection.execute("UPDATE position SET state = ''")
    connection.commit()
    connection.close()
    with pytest.raises(DamagedRunError, match="the strategy does not plan round 1 as it did"):
        recover(interrupted, strategy(), toy(), SEED + 1, lambda _: None)
    assert (interrupted / "history.sqlite").exists()


def test_pins_and_the_best_of_each_generation_are_kept(undisturbed: Path, tmp_path: Path) -> None:
    path = tmp_path / "run"
    create_run(path, {}, seed=SEED)
    train(path, 6)
    run = open_run(path)
    with run.open_history() as history:
        pinned = history.outcomes(0)[-1].checkpoint
        assert pinned is not None
        history.pin(pinned, "the first round's last")
    train(path)
    with run.open_history() as history:
        trained = history.trained()
        for generation in (0, 1):
            own = [outcome for order, outcome in trained if order.generation == generation]
            best = max(own, key=lambda outcome: outcome.score)
            assert best.checkpoint in run.checkpoints.stored()
        assert pinned in run.checkpoints.stored()
        assert run.checkpoints.stored() == history.referenced()
        history.unpin(pinned)
        assert pinned not in history.referenced()


def test_a_history_of_the_first_schema_is_brought_to_the_newest(undisturbed: Path, tmp_path: Path) -> None:
    path = tmp_path / "run"
    shutil.copytree(undisturbed, path)
    connection = sqlite3.connect(path / "history.sqlite")
    connection.executescript("DROP TABLE pins; PRAGMA user_version = 1;")
    connection.close()
    with History.open(path / "history.sqlite", read_only=True) as history:
        assert history.pins() == {}
    with History.open(path / "history.sqlite") as history:
        history.pin(next(iter(history.referenced())), "kept")
        assert len(history.pins()) == 1
    assert content(path) == content(undisturbed)


class OtherToy:
    """A trainer that does not do what it did."""

    def train(self, order: Order, checkpoints: Checkpoints) -> Outcome:
        other = checkpoints.save({"weight": np.ones(1)}, {})
        return replace(toy().train(order, checkpoints), checkpoint=other)


@pytest.mark.parametrize(
    ("cores", "reason"),
    [
        (77, "results depend on what has changed since the run began: cores: {began} then, 77 now"),
        (None, "cores, machine and versions are those that the run began with"),
    ],
)
def test_what_does_not_repeat_is_told_with_what_has_changed(
    undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cores: int | None, reason: str
) -> None:
    path = tmp_path / "run"
    shutil.copytree(undisturbed, path)
    began = open_run(path).description.cores
    if cores is not None:
        monkeypatch.setattr("bgpbt.storage.conditions.cores", lambda: cores)
    next((path / "checkpoints").iterdir()).unlink()
    said: list[str] = []
    with pytest.raises(DamagedRunError, match=reason.format(began=began)) as failure:
        recover(path, strategy(), OtherToy(), SEED, said.append)
    assert "does not repeat: its checkpoint is now " in str(failure.value)
    assert any("began under other conditions" in line for line in said) == (cores is not None)
