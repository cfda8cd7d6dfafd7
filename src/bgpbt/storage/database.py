"""SQLite databases: opened for keeps, their errors turned into ours."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bgpbt.errors import DamagedRunError
from bgpbt.storage.files import StorageError, naming_file

__all__ = [
    "FORMATS",
    "WITHOUT_LOG",
    "WITH_LOG",
    "Stamp",
    "connect",
    "empty_log",
    "identity",
    "naming_database",
    "stamp_at_rest",
]

Stamp = tuple[int, int, int]  # of a file: its number, time in nanoseconds, bytes

FORMATS = slice(18, 20)
"""Where SQLite's header has its formats for writing and reading ("Database File Format", 1.3.3)."""
WITH_LOG, WITHOUT_LOG = b"\x02\x02", b"\x01\x01"

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
        if mode == "ro" and (copy := _copy_in_memory(path)) is not None:
            return copy
        uri = f"{path.absolute().as_uri()}?mode={mode}"
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


def stamp_at_rest(path: Path) -> Stamp | None:
    """Return what changes with a database's file; None while a process writes it, or has died doing so."""
    with naming_file(path):
        status = path.stat()
    is_at_rest = not path.with_name(f"{path.name}-wal").exists()
    return (status.st_ino, status.st_mtime_ns, status.st_size) if is_at_rest else None


def _copy_in_memory(path: Path) -> sqlite3.Connection | None:
    """Return a database as it is in its file; None if it is not complete there.

    SQLite makes files beside a database that it only reads, and refuses to read one where it cannot.
    """
    stamp = stamp_at_rest(path)
    if stamp is None:
        return None
    with naming_file(path):
        content = bytearray(path.read_bytes())
    if not content or stamp_at_rest(path) != stamp:  # a process began to write meanwhile
        return None
    if content[FORMATS] == WITH_LOG:
        content[FORMATS] = WITHOUT_LOG  # memory has no place for a log
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.deserialize(bytes(content))
    connection.execute("PRAGMA query_only = ON")
    return connection


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
