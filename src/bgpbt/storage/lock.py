"""The lock of a run: one of the operating system, which vanishes with the process that holds it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from bgpbt.errors import InputError
from bgpbt.storage.files import check_regular, naming_file

__all__ = ["lock_holder", "lock_run"]

_LOCK = "lock"


@contextmanager
def lock_run(directory: Path) -> Iterator[None]:
    """Keep other processes from writing a run, intact or not; `RunDirectory.locked` is the same.

    Raises:
        InputError: a living process holds it; the text has its number.
        DamagedRunError: something else has its name.
        StorageError: the lock's file cannot be written.
    """
    # The file is never removed: a process that waits on a removed one would hold a lock that no other sees.
    path = directory / _LOCK
    check_regular(path)
    with naming_file(path):
        file = path.open("a+", encoding="utf-8")
    with file:  # closing it releases the lock
        with naming_file(path):
            _take(file, directory)
        yield


def lock_holder(directory: Path) -> str | None:
    """Return the process that writes a run, for people; None if no living process does.

    The run is locked for a moment, as readers lock it, but no file is made or written.
    """
    try:
        with (directory / _LOCK).open(encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return file.read().strip() or "of unknown number"
    except OSError:  # there is none, or it may not be read
        pass
    return None


def _take(file: TextIO, directory: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.seek(0)
        holder = file.read().strip() or "of unknown number"
        raise InputError(f"{directory}: process {holder} is writing this run") from error
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
