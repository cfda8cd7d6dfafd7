"""Damage to a large checkpoint; every byte of a small one is flipped in `test_checkpoints.py`."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bgpbt.errors import DamagedRunError
from bgpbt.records import Checkpoint
from bgpbt.storage import CheckpointStore, create_run
from tests.storage.faults import content, go_on

PAGE = 4096
SIZE = 1_000_000  # items of four bytes


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> tuple[CheckpointStore, Checkpoint]:
    store = CheckpointStore(tmp_path_factory.mktemp("checkpoints"))
    weight_d = np.random.default_rng(0).normal(size=SIZE).astype(np.float32)
    return store, store.save({"weight": weight_d, "step": np.array(3)}, {"agent": "ppo"})


def test_flipped_bytes_of_a_large_checkpoint_are_detected(
    stored: tuple[CheckpointStore, Checkpoint],
) -> None:
    store, checkpoint = stored
    path = store.path(checkpoint)
    size = path.stat().st_size
    rng = np.random.default_rng(1)
    drawn = {int(position) for position in rng.integers(size, size=60)}
    ends = {0, 1, 7, 8, 9, size // 2, size - 2, size - 1}  # of the header's length, its text, the arrays
    with path.open("r+b") as file:
        for position in sorted(drawn | ends):
            intact = os.pread(file.fileno(), 1, position)[0]
            os.pwrite(file.fileno(), bytes([intact ^ int(rng.integers(1, 256))]), position)
            with pytest.raises(DamagedRunError, match=path.name):
                store.verify(checkpoint)
            os.pwrite(file.fileno(), bytes([intact]), position)
    store.verify(checkpoint)


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "a page of zeros": lambda whole: whole[:PAGE] + bytes(PAGE) + whole[2 * PAGE :],
    "two pages swapped": lambda whole: (
        whole[:PAGE] + whole[2 * PAGE : 3 * PAGE] + whole[PAGE : 2 * PAGE] + whole[3 * PAGE :]
    ),
    "a page missing": lambda whole: whole[:PAGE] + whole[2 * PAGE :],
    "the last page missing": lambda whole: whole[:-PAGE],
    "a byte too many": lambda whole: whole + b"\0",
    "empty": lambda _: b"",
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_what_a_failing_disk_does_is_detected(
    stored: tuple[CheckpointStore, Checkpoint], tmp_path: Path, damage: str
) -> None:
    store, checkpoint = stored
    damaged = CheckpointStore(tmp_path)
    damaged.path(checkpoint).write_bytes(DAMAGE[damage](store.path(checkpoint).read_bytes()))
    with pytest.raises(DamagedRunError, match=f"{checkpoint}.*the file is damaged"):
        damaged.load(checkpoint)


def test_a_run_does_not_go_on_from_a_damaged_checkpoint(tmp_path: Path) -> None:
    go_on(tmp_path / "undisturbed", [])
    run = create_run(tmp_path / "run", {}, seed=0)
    with pytest.raises(KeyboardInterrupt):
        go_on(run.path, StopsAt(2))
    (first, second) = (run.checkpoints.path(checkpoint) for checkpoint in sorted(run.checkpoints.stored()))
    intact = {path: path.read_bytes() for path in (first, second)}
    for path in intact:
        path.write_bytes(b"\0" + intact[path][1:])
    with pytest.raises(DamagedRunError, match="the file is damaged"):
        go_on(run.path, [])
    for path, whole in intact.items():
        path.write_bytes(whole)
    go_on(run.path, [])
    assert content(run.path) == content(tmp_path / "undisturbed")


class StopsAt(list[str]):
    """Interrupts the run when so many outcomes are committed."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self._count = count

    def append(self, outcome: str) -> None:
        super().append(outcome)
        if len(self) == self._count:
            raise KeyboardInterrupt
