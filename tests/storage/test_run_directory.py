import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bgpbt.errors import DamagedRunError, InputError
from bgpbt.storage import (
    History,
    StorageError,
    create_run,
    examine,
    is_run,
    open_run,
    runs_in,
    there_is_something,
)

CONFIGURATION = {"environment": "ant", "rate": 0.1, "nothing": None, "policy": [4, 32], "unicode": "é"}


def entries(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_a_run_comes_back_as_it_was_made(tmp_path: Path) -> None:
    made = create_run(tmp_path / "deep" / "run", CONFIGURATION, seed=7, device="NVIDIA H100")
    found = open_run(tmp_path / "deep" / "run")
    assert found == made
    assert found.description.configuration == CONFIGURATION
    assert (found.description.seed, found.description.device) == (7, "NVIDIA H100")
    assert found.description.versions["numpy"] == np.__version__
    assert entries(tmp_path / "deep") == ["run"]
    checkpoint = found.checkpoints.save({"a": np.ones(2)}, {})
    found.checkpoints.verify(checkpoint)
    with found.open_history(read_only=True) as history:
        assert history.outcomes() == []


def test_an_empty_directory_is_a_place_for_a_run(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    create_run(tmp_path / "run", {}, seed=0)
    open_run(tmp_path / "run")


def test_a_run_is_not_replaced_unless_asked_for(tmp_path: Path) -> None:
    create_run(tmp_path / "run", {"first": True}, seed=0)
    with pytest.raises(InputError, match="holds a run already"):
        create_run(tmp_path / "run", {"first": False}, seed=0)
    assert open_run(tmp_path / "run").description.configuration == {"first": True}
    create_run(tmp_path / "run", {"first": False}, seed=0, overwrite=True)
    assert open_run(tmp_path / "run").description.configuration == {"first": False}
    assert entries(tmp_path) == ["run"]


@pytest.mark.parametrize("name", ["thesis.tex", "run.json"])
def test_what_is_not_a_run_is_never_overwritten(tmp_path: Path, name: str) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / name).write_text("{}")
    with pytest.raises(InputError, match="not the directory of a run"):
        create_run(tmp_path / "run", {}, seed=0, overwrite=True)
    with pytest.raises(InputError, match="not the directory of a run"):
        open_run(tmp_path / "run")
    assert not is_run(tmp_path / "run")
    assert entries(tmp_path / "run") == [name]


def test_a_file_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("mine")
    with pytest.raises(InputError, match="not the directory of a run"):
        create_run(tmp_path / "run", {}, seed=0, overwrite=True)
    assert (tmp_path / "run").read_text() == "mine"


def test_a_run_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no run"):
        open_run(tmp_path / "run")
    assert entries(tmp_path) == []


def test_a_configuration_that_is_not_plain_touches_nothing(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="plain values"):
        create_run(tmp_path / "deep" / "run", {"rate": object()}, seed=0)
    assert entries(tmp_path) == []


@pytest.mark.parametrize("failing", ["mkdir", "create", "fsync", "rename"])
def test_a_failure_leaves_everything_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    create_run(tmp_path / "run", {"first": True}, seed=0)
    original = Path.rename

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    def full_for_the_new(path: Path, target: Path) -> Path:
        if ".new-" in path.name:
            raise OSError(28, "No space left on device")
        return original(path, target)

    with monkeypatch.context() as patch:
        if failing == "rename":
            patch.setattr(Path, "rename", full_for_the_new)
        else:
            owner: object = {"mkdir": Path, "create": History, "fsync": os}[failing]
            patch.setattr(owner, failing, full)
        with pytest.raises(StorageError, match="No space left on device"):
            create_run(tmp_path / "run", {"first": False}, seed=0, overwrite=True)
    assert open_run(tmp_path / "run").description.configuration == {"first": True}
    assert entries(tmp_path) == ["run"]


OVERWRITER = """
import os, shutil, sys
from pathlib import Path
from bgpbt.storage import create_run
path, left = Path(sys.argv[1]), int(sys.argv[2])
def dies(call):
    def step(*arguments, **named):
        global left
        left -= 1
        if left < 0:
            os._exit(9)
        return call(*arguments, **named)
    return step
Path.rename, shutil.rmtree = dies(Path.rename), dies(shutil.rmtree)
create_run(path, {"first": False}, seed=0, overwrite=True)
"""


@pytest.mark.parametrize(("renames", "is_old"), [(0, True), (1, True), (2, False)])
@pytest.mark.parametrize("command", ["open", "create", "examine", "list"])
def test_an_overwriting_that_was_killed_is_finished_or_undone(
    tmp_path: Path, renames: int, is_old: bool, command: str
) -> None:
    path = tmp_path / "run"
    create_run(path, {"first": True}, seed=0)
    create_run(tmp_path / "another", {}, seed=0)
    killed = subprocess.run([sys.executable, "-c", OVERWRITER, str(path), str(renames)], check=False)
    assert killed.returncode == 9
    assert len(entries(tmp_path)) > 2
    match command:
        case "open":
            open_run(path)
        case "examine":
            assert examine(path).is_intact
        case "list":
            assert runs_in(tmp_path) == [tmp_path / "another", path]
        case _:
            with pytest.raises(InputError, match="holds a run already"):
                create_run(path, {}, seed=0)
    assert open_run(path).description.configuration == {"first": is_old}
    assert entries(tmp_path) == ["another", "run"]


def test_an_overwriting_under_way_is_left_alone(tmp_path: Path) -> None:
    run = create_run(tmp_path / "run", {"first": True}, seed=0)
    aside = tmp_path / ".run.old-00000000"
    with run.locked():
        run.path.rename(aside)
        assert not there_is_something(run.path)
        assert entries(tmp_path) == [aside.name]
    assert there_is_something(run.path)


@pytest.mark.parametrize("missing", ["history.sqlite", "checkpoints"])
def test_a_missing_part_is_named(tmp_path: Path, missing: str) -> None:
    run = create_run(tmp_path / "run", {}, seed=0)
    (run.path / missing).rename(tmp_path / "elsewhere")
    with pytest.raises(DamagedRunError, match=missing):
        open_run(run.path)


def test_every_flipped_byte_of_the_description_is_detected(tmp_path: Path) -> None:
    run = create_run(tmp_path / "run", CONFIGURATION, seed=0)
    path = run.path / "run.json"
    intact = path.read_bytes()
    blank = {position for position, byte in enumerate(intact) if byte in b" \n"}
    for position in sorted(set(range(len(intact))) - blank):
        damaged = bytearray(intact)
        damaged[position] ^= 1
        path.write_bytes(damaged)
        with pytest.raises((DamagedRunError, StorageError, InputError), match=str(run.path)):
            open_run(run.path)


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    run = create_run(tmp_path / "run", {}, seed=0)
    path = run.path / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format_version": 99}))
    with pytest.raises(StorageError, match="format 99"):
        open_run(run.path)


PARTS = ("run.json", "history.sqlite", "history.sqlite-wal", "history.progress", "lock")


@pytest.mark.timeout(20)
@pytest.mark.parametrize("part", PARTS)
def test_a_pipe_in_the_place_of_a_file_is_refused_and_not_waited_for(part: str, tmp_path: Path) -> None:
    run = create_run(tmp_path / "run", CONFIGURATION, seed=0)
    (run.path / part).unlink(missing_ok=True)
    os.mkfifo(run.path / part)
    with pytest.raises((DamagedRunError, InputError), match=part), open_run(run.path).locked():
        run.open_history()
    examine(run.path)
    assert is_run(run.path) == (part != "run.json")


@pytest.mark.timeout(20)
def test_a_pipe_in_the_place_of_a_checkpoint_is_found(tmp_path: Path) -> None:
    run = create_run(tmp_path / "run", CONFIGURATION, seed=0)
    checkpoint = run.checkpoints.save({"a": np.ones(2)}, {})
    run.checkpoints.path(checkpoint).unlink()
    os.mkfifo(run.checkpoints.path(checkpoint))
    with pytest.raises(DamagedRunError, match=f"{checkpoint}.* is not a regular file"):
        run.checkpoints.load(checkpoint)
    assert not examine(run.path).findings[-1].is_needed


HOLDER = """
import sys
from pathlib import Path
from bgpbt.storage import open_run
with open_run(Path(sys.argv[1])).locked():
    print("locked", flush=True)
    sys.stdin.read()
"""


def test_a_living_process_keeps_others_out_and_a_dead_one_does_not(tmp_path: Path) -> None:
    run = create_run(tmp_path / "run", {}, seed=0)
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(run.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "locked\n"
        with pytest.raises(InputError, match=f"process {holder.pid} is writing this run"), run.locked():
            pass
        with pytest.raises(InputError, match=f"process {holder.pid} is writing this run"):
            create_run(run.path, {"first": False}, seed=0, overwrite=True)
        assert open_run(run.path) == run
        holder.send_signal(signal.SIGKILL)
    with run.locked():
        assert (run.path / "lock").read_text() == f"{os.getpid()}\n"
    with run.locked():  # released at the end of the block
        pass


def test_an_error_of_whoever_holds_the_lock_is_not_renamed(tmp_path: Path) -> None:
    run = create_run(tmp_path / "run", {}, seed=0)
    with pytest.raises(OSError, match="mine"), run.locked():
        raise OSError("mine")
