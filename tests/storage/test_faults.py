"""Every call that can fail below the storage fails once: nothing committed is lost, and the run goes on."""

import itertools
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, nullcontext
from pathlib import Path

import pytest

from bgpbt.execution.local import LocalExecutor
from bgpbt.execution.loop import Event, run_loop
from bgpbt.storage import StorageError, create_run, database
from tests.execution.walkers import Walkers, WalkTrainer
from tests.storage.faults import content, go_on

COMPILER = shutil.which("cc")


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Calls that fail when they are told to, for Python and SQLite alike."""
    if COMPILER is None or not sys.platform.startswith("linux"):
        pytest.skip("needs Linux and a C compiler")
    path = tmp_path_factory.mktemp("library") / "faults.so"
    source = Path(__file__).with_name("faults.c")
    subprocess.run([COMPILER, "-shared", "-fPIC", "-o", str(path), str(source), "-ldl"], check=True)
    return path


@pytest.fixture
def memory() -> Iterator[Path]:
    """A directory in memory where there is one, since a real disk takes its time for every fsync."""
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared if os.access(shared, os.W_OK) else None) as directory:
        yield Path(directory)


@pytest.mark.parametrize(
    ("fault", "hits", "ends"),
    [
        (["write", "ENOSPC"], 40, 30),
        (["write", "ENOSPC", "short"], 40, 30),  # half is written, then the disk is full
        (["sync", "EIO"], 20, 15),
        (["rename", "EIO"], 6, 6),  # of the directory, its description and four checkpoints
        (["unlink", "EIO"], 1, 1),  # of checkpoints; SQLite does without some of its own
        (["truncate", "EIO"], 1, 0),
        (["open", "EMFILE"], 15, 10),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else str(value),
)
def test_a_call_that_fails_loses_nothing_and_is_named(
    library: Path, memory: Path, fault: list[str], hits: int, ends: int
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.storage.faults", str(memory), *fault],
        env=os.environ | {"LD_PRELOAD": str(library)},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    tally = json.loads(done.stdout)
    assert tally["wrong"] == []
    assert tally["hit"] >= hits
    assert tally["ended"] >= ends


def test_a_database_that_stays_locked_is_named_at_every_commit(
    memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_BUSY_TIMEOUT_S", 0.01)
    go_on(memory / "undisturbed", [])
    expected = content(memory / "undisturbed")
    for at in range(7):  # events: the start of each of two rounds, two outcomes after each, and the end
        run = create_run(memory / f"at-{at}", {}, seed=0)
        executor = LocalExecutor(WalkTrainer(), run.checkpoints)
        events = itertools.count()
        with closing(sqlite3.connect(run.history_path, isolation_level=None)) as other:

            def lock(
                _: Event, at: int = at, events: Iterator[int] = events, other: sqlite3.Connection = other
            ) -> None:
                if next(events) == at:
                    other.execute("BEGIN IMMEDIATE")

            refused = f"{re.escape(str(run.history_path))}: database is locked"
            with (
                run.locked(),
                run.open_history() as history,
                # After the last commit nobody minds.
                nullcontext() if at == 6 else pytest.raises(StorageError, match=refused),
            ):
                run_loop(
                    Walkers(population=2, rounds=2), executor, history, run.checkpoints, 0, observer=lock
                )
        go_on(run.path, [])
        assert content(run.path) == expected
