"""Files that are there completely or not at all, whatever instant the process or the machine dies at.

The bytes go to a temporary file beside the target, to the disk (fsync), under their name (rename), and then
the directory goes to the disk, since a name is content of its directory.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bgpbt.errors import BgpbtError

__all__ = ["TEMPORARY_SUFFIX", "StorageError", "naming_file", "sync_directory", "write_durably"]

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


def write_durably(path: Path, content: bytes) -> None:
    """Write a file that is complete and on the disk when this returns, replacing what had its name.

    Raises:
        StorageError: the file system refuses; nothing is left under `path` that was not there before.
    """
    # A name of its own, so that threads writing the same file do not meet.
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}{TEMPORARY_SUFFIX}")
    with naming_file(path):
        try:
            with temporary.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """Put the names in a directory on the disk."""
    with naming_file(directory):
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
