"""Every file that a user names is written through `write_durably`."""

import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from bgpbt.encoding import json_text
from bgpbt.storage import StorageError
from bgpbt.storage.files import write_durably


def test_a_link_stays_and_what_it_leads_to_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    target, link = tmp_path / "there" / "target", tmp_path / "link"
    link.symlink_to("there/target")
    for content in (b"first", b"second"):  # the first finds a link that leads nowhere
        write_durably(link, content)
        assert link.is_symlink()
        assert target.read_bytes() == content
    assert [path.name for path in (tmp_path / "there").iterdir()] == ["target"]


def test_a_device_is_written_into_and_stays(tmp_path: Path) -> None:
    write_durably(Path("/dev/null"), b"x")
    assert Path("/dev/null").is_char_device()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()), daemon=True)
    reader.start()
    write_durably(pipe, b"through")
    reader.join(30)
    assert got == [b"through"]
    assert pipe.is_fifo()


@pytest.mark.parametrize("piped", [True, False])
def test_standard_output_can_be_named(tmp_path: Path, piped: bool) -> None:
    program = "from pathlib import Path; from bgpbt.storage.files import write_durably; "
    command = [sys.executable, "-c", program + "write_durably(Path('/dev/stdout'), b'out')"]
    if piped:
        assert subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout == b"out"
        return
    with (tmp_path / "file").open("wb") as file:
        subprocess.run(command, stdout=file, check=True)
    assert (tmp_path / "file").read_bytes() == b"out"


def test_the_permissions_of_a_file_stay(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_bytes(b"old")
    path.chmod(0o600)
    write_durably(path, b"new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_older_file_is_whole_until_the_new_one_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "rounds.csv"
    path.write_bytes(b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match=r"rounds\.csv: No space left on device"):
        write_durably(path, b"new")
    assert path.read_bytes() == b"old"
    assert [child.name for child in tmp_path.iterdir()] == ["rounds.csv"]


def test_a_directory_is_not_written_over(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="Is a directory"):
        write_durably(tmp_path, b"new")


def test_what_is_not_known_is_null_in_json() -> None:
    given = {"score": float("nan"), "all": [1.5, float("inf")], "inner": {"low": -float("inf"), "n": 3}}
    assert json.loads(json_text(given)) == {"score": None, "all": [1.5, None], "inner": {"low": None, "n": 3}}
