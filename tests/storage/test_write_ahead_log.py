"""A history whose newest commits stand in SQLite's write-ahead log alone, as a killed run leaves it."""

import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bgpbt.errors import DamagedRunError
from bgpbt.records import Checkpoint
from bgpbt.storage import Examination, History, StorageError, create_run, examine, open_run
from bgpbt.storage.progress import progress_path
from bgpbt.storage.write_ahead_log import log_path, log_problem
from tests.storage.test_history import State, outcome, plan

FLIPS = 300
LOG, INDEX, PROGRESS = "history.sqlite-wal", "history.sqlite-shm", "history.progress"


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run as SIGKILL leaves it: one round is closed, of the second all outcomes are in the log."""
    path: Path = tmp_path_factory.mktemp("killed") / "run"
    run = create_run(path / "writing", {}, seed=0)
    with run.open_history() as history:
        history.open_round(State(value=0.1), plan(0, 3))
        for member in range(3):
            history.commit_outcome(outcome(member))
        history.open_round(State(value=0.2), plan(1, 4))
        assert log_path(run.history_path).stat().st_size == 0  # a round's end empties it
        for member in range(4):
            history.commit_outcome(outcome(member, 1))
        history.pin(Checkpoint("0" * 64), "kept")
        shutil.copytree(run.path, path / "killed")
    (path / "killed" / INDEX).unlink()
    return path / "killed"


def content(path: Path) -> Any:
    with open_run(path).open_history(read_only=True) as history:
        return history.trained(), history.position(State), history.plans(), history.pins()


def flipped(path: Path, file: str, bit: int) -> None:
    damaged = bytearray((path / file).read_bytes())
    damaged[bit // 8] ^= 1 << bit % 8
    (path / file).write_bytes(damaged)


def problems(examination: Examination) -> list[str]:
    """Return what is wrong, checkpoints aside: these histories name some that nobody wrote."""
    return [f.problem for f in examination.findings if f.problem and f.path.suffix != ".safetensors"]


def test_a_killed_run_is_intact(killed: Path, tmp_path: Path) -> None:
    shutil.copytree(killed, tmp_path / "run")
    assert problems(examine(tmp_path / "run")) == []
    with open_run(tmp_path / "run").open_history() as history:
        assert len(history.trained()) == 7


@pytest.mark.parametrize("file", [LOG, PROGRESS, "history.sqlite"])
def test_no_flipped_bit_loses_a_commit_unnoticed(killed: Path, tmp_path: Path, file: str) -> None:
    expected = content(shutil.copytree(killed, tmp_path / "whole"))
    bits = 8 * (killed / file).stat().st_size
    noticed = 0
    for number, bit in enumerate(np.random.default_rng(0).choice(bits, min(FLIPS, bits), replace=False)):
        path = shutil.copytree(killed, tmp_path / f"{number}")
        flipped(path, file, int(bit))
        try:
            assert content(path) == expected  # a bit that nothing depends on
        except (DamagedRunError, StorageError):
            noticed += 1
            assert problems(examine(path))
            before = (path / LOG).read_bytes()
            with pytest.raises((DamagedRunError, StorageError), match=str(path)):
                open_run(path).open_history()
            assert (path / LOG).read_bytes() == before  # not even the attempt to write takes it away
        shutil.rmtree(path)
    assert noticed > FLIPS // 20  # most of the main file is free, or stands anew in the log


@pytest.mark.parametrize("byte", [0, 9, 20, 30])
def test_a_flip_in_the_header_of_the_log_is_named(killed: Path, tmp_path: Path, byte: int) -> None:
    path = shutil.copytree(killed, tmp_path / "run")
    flipped(path, LOG, 8 * byte)
    history, log = problems(examine(path))
    assert "2 plans, 3 outcomes and 0 pins of 2 plans, 7 outcomes and 1 pins are there" in history
    assert f"{path / LOG}: its header does not match its checksum" in log


def test_a_log_that_breaks_off_where_the_process_died_is_intact(killed: Path, tmp_path: Path) -> None:
    path = shutil.copytree(killed, tmp_path / "run")
    with (path / LOG).open("ab") as file:
        file.write(bytes(1000))  # a frame that was never finished
    assert problems(examine(path)) == []
    whole = (killed / LOG).read_bytes()
    (path / LOG).write_bytes(whole[:-100])  # the last frame, of a commit that was noted
    assert log_problem(path / "history.sqlite") is None
    with pytest.raises(DamagedRunError, match="7 outcomes and 0 pins of 2 plans, 7 outcomes and 1 pins"):
        content(path)


def test_without_a_note_a_damaged_frame_of_the_log_is_named(killed: Path, tmp_path: Path) -> None:
    path = shutil.copytree(killed, tmp_path / "run")
    (path / PROGRESS).unlink()
    assert len(content(path)[0]) == 7  # a run of an older version
    flipped(path, LOG, 8 * 200)
    with pytest.raises(DamagedRunError, match="a frame does not match its checksum"):
        content(path)
    assert not examine(path).history_is_intact


def test_a_history_that_went_backwards_is_named(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    with History.create(path) as history:
        history.open_round(State(), plan(0, 2))
        history.commit_outcome(outcome(0))
        history.commit_outcome(outcome(1))
    connection = sqlite3.connect(path)
    connection.execute("DELETE FROM outcomes WHERE member = 1")
    connection.commit()
    connection.close()
    for read_only in (True, False):
        with pytest.raises(DamagedRunError, match="1 outcomes and 0 pins of 1 plans, 2 outcomes"):
            History.open(path, read_only=read_only)


def test_a_note_that_lags_behind_is_no_damage(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    with History.create(path) as history:
        history.open_round(State(), plan(0, 2))
        behind = progress_path(path).read_bytes()
        history.commit_outcome(outcome(0))
    for torn in (behind, behind + b"        1  "):
        progress_path(path).write_bytes(torn)
        with History.open(path) as history:
            assert history.outcomes() == [outcome(0)]
    with History.open(path) as history:
        history.commit_outcome(replace(outcome(1), score=2.0))
    with History.open(path, read_only=True) as history:
        assert len(history.outcomes()) == 2


def test_a_round_that_is_forgotten_is_not_missed(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    with History.create(path) as history:
        history.open_round(State(), plan(0, 2))
        history.commit_outcome(outcome(0))
        history.forget_outcomes(0)
    with History.open(path) as history:
        assert history.outcomes() == []
        history.commit_outcome(outcome(0))
    with History.open(path) as history:
        assert history.outcomes() == [outcome(0)]


def test_an_unpinned_checkpoint_is_not_missed(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    checkpoint = outcome(0).checkpoint
    assert checkpoint is not None
    with History.create(path) as history:
        history.pin(checkpoint, "kept")
        history.unpin(checkpoint)
        history.unpin(checkpoint)
    with History.open(path) as history:
        assert history.pins() == {}


@pytest.mark.parametrize("version", [0, 1, 3, 2**31 - 1, -1])
def test_a_version_that_does_not_fit_the_tables_is_damage(tmp_path: Path, version: int) -> None:
    path = tmp_path / "history.sqlite"
    History.create(path).close()
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {version}")
    connection.close()
    with pytest.raises(DamagedRunError, match=f"its tables are not those of schema version {version}"):
        History.open(path)


@pytest.mark.parametrize("bit", range(8 * 18, 8 * 20))
def test_a_history_that_sqlite_would_not_write_is_damage(tmp_path: Path, bit: int) -> None:
    run = create_run(tmp_path / "run", {}, seed=0)
    flipped(run.path, "history.sqlite", bit)
    assert not examine(run.path).is_intact
