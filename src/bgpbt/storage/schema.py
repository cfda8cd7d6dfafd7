"""The tables of a history, their versions, and whether a file has just these."""

import sqlite3
from functools import cache
from pathlib import Path

from bgpbt.errors import DamagedRunError
from bgpbt.storage.database import FORMATS, WITH_LOG, WITHOUT_LOG
from bgpbt.storage.files import StorageError, naming_file

__all__ = ["SCHEMA", "SCHEMA_VERSION", "check_schema", "migrate", "schema_version"]

SCHEMA_VERSION = 2
_APPLICATION_ID = int.from_bytes(b"bgpb", "big")  # marks the file as ours

_PINS = """
CREATE TABLE pins (
    checkpoint TEXT PRIMARY KEY,
    note TEXT NOT NULL,
    digest TEXT NOT NULL
) STRICT;
"""

_MIGRATIONS = {1: _PINS}  # from a schema's version to the next

_FIRST = f"""
CREATE TABLE plans (
    round INTEGER PRIMARY KEY,
    record TEXT NOT NULL,
    digest TEXT NOT NULL
) STRICT;
CREATE TABLE outcomes (
    round INTEGER NOT NULL REFERENCES plans (round),
    member INTEGER NOT NULL,
    checkpoint TEXT,
    score REAL,
    failure TEXT,
    record TEXT NOT NULL,
    digest TEXT NOT NULL,
    PRIMARY KEY (round, member)
) STRICT;
CREATE TABLE position (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    round INTEGER,
    state TEXT NOT NULL,
    digest TEXT NOT NULL
) STRICT;
PRAGMA application_id = {_APPLICATION_ID};
"""

SCHEMA = f"{_FIRST}{''.join(_MIGRATIONS.values())}PRAGMA user_version = {SCHEMA_VERSION};"
"""Makes an empty history of the newest version."""


def schema_version(connection: sqlite3.Connection) -> int:
    """Return the version that a file says it has."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def check_schema(connection: sqlite3.Connection, path: Path) -> None:
    """Check that a file is a history that can be written, and whose tables are those of its version.

    SQLite's integrity check takes any version, and any tables that fit each other. It takes a format that
    only a newer SQLite may write, too.

    Raises:
        DamagedRunError: it is not a history, or its version, its format or a table was changed.
        StorageError: a newer version wrote it.
    """
    (application_id,) = connection.execute("PRAGMA application_id").fetchone()
    if application_id != _APPLICATION_ID:
        raise DamagedRunError(f"{path}: this is not the history of a run")
    version, tables = schema_version(connection), _tables(connection)
    known = [tables == _tables_of(number) for number in range(1, SCHEMA_VERSION + 1)]
    if version > SCHEMA_VERSION and not any(known):
        raise StorageError(f"{path}: schema version {version}; this bgpbt reads up to {SCHEMA_VERSION}")
    if not 1 <= version <= SCHEMA_VERSION or not known[version - 1]:
        raise DamagedRunError(
            f"{path}: the file is damaged: its tables are not those of schema version {version}"
        )
    with naming_file(path), path.open("rb") as file:
        # A new file's header is in its log; a full disk can keep SQLite from having a log.
        if file.read(FORMATS.stop)[FORMATS] not in (WITH_LOG, WITHOUT_LOG, b""):
            raise DamagedRunError(f"{path}: the file is damaged: its header names another file format")


def migrate(connection: sqlite3.Connection) -> None:
    """Bring a file to the newest schema, one version after the other; each is one transaction."""
    for version in range(schema_version(connection), SCHEMA_VERSION):
        connection.executescript(
            f"BEGIN IMMEDIATE; {_MIGRATIONS[version]} PRAGMA user_version = {version + 1}; COMMIT;"
        )


def _tables(connection: sqlite3.Connection) -> frozenset[tuple[object, ...]]:
    return frozenset(connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master"))


@cache
def _tables_of(version: int) -> frozenset[tuple[object, ...]]:
    connection = sqlite3.connect(":memory:")
    try:
        connection.executescript(_FIRST)
        for earlier in range(1, version):
            connection.executescript(_MIGRATIONS[earlier])
        return _tables(connection)
    finally:
        connection.close()
