"""Files that are there completely or not at all, whatever instant the process or the machine dies at.

The bytes go to a temporary file beside the target, to the disk (fsync), under their name (rename), and then
the directory goes to the disk, since a name is content of its directory.
"""

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bgpbt.errors import BgpbtError, DamagedRunError

__all__ = [
    "TEMPORARY_SUFFIX",
    "StorageError",
    "check_regular",
    "naming_file",
    "sync_directory",
    "write_durably",
]

TEMPORARY_SUFFIX = ".tmp"


class StorageError(BgpbtError):
    """The file system refused something; the text names the file and the reason. The run can be resumed."""


@contextmanager
def naming_file(path: Path) -> Iterator[None]:
    """Turn an OSError into a StorageError that names `path`."""
    try:
        yield
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror or error}") from error


def check_regular(path: Path) -> None:
    """Refuse what has a stored file's name and is no file: reading a pipe would wait for ever.

    Raises:
        DamagedRunError: something else is there.
        StorageError: the file system refuses.
    """
    with naming_file(path):
        if path.exists() and not path.is_file():
            raise DamagedRunError(f"{path} is not a regular file")


def write_durably(path: Path, content: bytes) -> None:
    """Write a file that is complete and on the disk when this returns, replacing what had its name.

    A symbolic link stays, and the file that it leads to is replaced. What is no regular file, such as
    /dev/null or a pipe, stays too, and is written into.

    Raises:
        StorageError: the file system refuses; nothing is left under `path` that was not there before.
    """
    with naming_file(path):
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        mode = path.stat().st_mode if path.exists() else None
        if mode is not None and (not stat.S_ISREG(mode) or _is_open_file(path)):
            with path.open("wb") as file:
                file.write(content)
            return
        target = path.resolve() if path.is_symlink() else path
        # A name of its own, so that threads writing the same file do not meet.
        temporary = target.with_name(f"{target.name}.{secrets.token_hex(4)}{TEMPORARY_SUFFIX}")
        try:
            with temporary.open("xb") as file:
                if mode is not None:
                    os.fchmod(file.fileno(), stat.S_IMODE(mode))
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        sync_directory(target.parent)


def _is_open_file(path: Path) -> bool:
    """Return whether a path is a system's link to an open file, such as /dev/stdout: its name is no place."""
    return path.is_symlink() and any(path.absolute().is_relative_to(root) for root in ("/dev", "/proc"))


def sync_directory(directory: Path) -> None:
    """Put the names in a directory on the disk."""
    with naming_file(directory):
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
