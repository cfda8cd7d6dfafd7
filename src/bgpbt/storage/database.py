"""SQLite databases: opened for keeps, their errors turned into ours."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bgpbt.errors import DamagedRunError
from bgpbt.storage.files import StorageError, naming_file

__all__ = ["connect", "empty_log", "identity", "naming_database"]

_BUSY_TIMEOUT_S = 30.0  # longer than any reader holds its lock
_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT})


def connect(path: Path, mode: str) -> sqlite3.Connection:
    """Open a database so that what is committed survives a power cut.

    Args:
        path: the file.
        mode: SQLite's: ro, rw, or rwc to make it.

    Raises:
        DamagedRunError: it is not a database.
        StorageError: it cannot be opened.
    """
    with naming_database(path):
        uri = f"{path.absolute().as_uri()}?mode={mode}"
        if mode == "ro" and _is_at_rest(path):
            uri += "&immutable=1"
        # Transactions are ours (isolation_level None), so that none begins or ends unseen.
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=_BUSY_TIMEOUT_S)
        connection.execute("PRAGMA synchronous = FULL")  # every commit is on the disk when it returns
        connection.execute("PRAGMA foreign_keys = ON")
        return connection


def empty_log(connection: sqlite3.Connection) -> None:
    """Move the write-ahead log into the main file, as far as no reader is in the middle of it."""
    connection.execute("PRAGMA busy_timeout = 0")  # a reader that was suspended would keep the run waiting
    try:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    finally:
        connection.execute(f"PRAGMA busy_timeout = {round(1000 * _BUSY_TIMEOUT_S)}")


def _is_at_rest(path: Path) -> bool:
    """Return whether a history is complete in its file, in a directory where SQLite cannot put its own.

    Otherwise SQLite refuses to read a history from a read-only file system.
    """
    return not path.with_name(f"{path.name}-wal").exists() and not os.access(path.parent, os.W_OK)


def identity(path: Path) -> tuple[int, int]:
    """Return what tells a file from another that has its name."""
    with naming_file(path):
        status = path.stat()
    return status.st_dev, status.st_ino


@contextmanager
def naming_database(path: Path) -> Iterator[None]:
    """Turn what SQLite raises into our errors, which name the file."""
    try:
        yield
    except sqlite3.IntegrityError:
        raise  # a round or an outcome committed twice is our own slip
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if code in _DAMAGE or "no such table" in str(error):
            raise DamagedRunError(f"{path}: the file is damaged: {error}") from error
        raise StorageError(f"{path}: {error}") from error
