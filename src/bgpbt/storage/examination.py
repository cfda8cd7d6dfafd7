"""What is intact in a run's directory and what is not; nothing is changed."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from bgpbt.encoding import decode
from bgpbt.errors import BgpbtError, InputError
from bgpbt.records import Checkpoint, Outcome, Plan
from bgpbt.storage.checkpoints import CheckpointStore
from bgpbt.storage.history import History
from bgpbt.storage.overwriting import finish_overwriting
from bgpbt.storage.rows import row_is_intact
from bgpbt.storage.run_directory import (
    CHECKPOINTS_DIRECTORY,
    DESCRIPTION_FILE,
    HISTORY_FILE,
    RunDescription,
    read_description,
)
from bgpbt.storage.write_ahead_log import log_path, log_problem

__all__ = ["Examination", "Finding", "examine", "salvage", "salvage_pins", "salvage_plans"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The state of one file."""

    path: Path
    problem: str | None  # None: intact
    is_needed: bool = True  # whether the run can still need it


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """Everything that was found."""

    description: RunDescription | None  # None: it cannot be read
    history_is_intact: bool
    findings: tuple[Finding, ...]

    @property
    def is_intact(self) -> bool:
        """Whether the run can go on as it is."""
        return not any(finding.problem and finding.is_needed for finding in self.findings)


def examine(path: Path | str) -> Examination:
    """Look at every file of a run: the description, the history with its log, and each checkpoint.

    Raises:
        InputError: there is no run.
    """
    path = Path(path)
    finish_overwriting(path)
    if not any((path / part).exists() for part in (DESCRIPTION_FILE, HISTORY_FILE)):
        raise InputError(f"{path}: there is no run")
    description, complaint = _attempt(lambda: read_description(path))
    findings = [Finding(path=path / DESCRIPTION_FILE, problem=complaint)]
    referenced, complaint = _attempt(lambda: _referenced(path / HISTORY_FILE))
    findings.append(Finding(path=path / HISTORY_FILE, problem=complaint))
    # Without a note of how far the history has come, a damaged log has made it unreadable already.
    log = log_path(path / HISTORY_FILE)
    if (complaint := log_problem(path / HISTORY_FILE)) is not None:
        findings.append(Finding(path=log, problem=complaint, is_needed=referenced is None))
    findings += _checkpoints(CheckpointStore(path / CHECKPOINTS_DIRECTORY), referenced)
    return Examination(
        description=description, history_is_intact=referenced is not None, findings=tuple(findings)
    )


def salvage(path: Path) -> dict[tuple[int, int], Outcome]:
    """Return the outcomes of a damaged history that match their digest, by round and member."""
    outcomes: dict[tuple[int, int], Outcome] = {}
    for row in _readable_rows(path, "outcomes"):
        if row_is_intact(row):
            outcome = decode(Outcome, row[-2])
            outcomes[outcome.round, outcome.member] = outcome
    return outcomes


def salvage_plans(path: Path) -> dict[int, Plan]:
    """Return the plans of a damaged history that match their digest, by round."""
    plans = (decode(Plan, row[-2]) for row in _readable_rows(path, "plans") if row_is_intact(row))
    return {plan.round: plan for plan in plans}


def salvage_pins(path: Path) -> dict[Checkpoint, str]:
    """Return the pins of a damaged history that match their digest, with their notes."""
    rows = (row for row in _readable_rows(path, "pins") if row_is_intact(row))
    return {Checkpoint(checkpoint): note for checkpoint, note, _ in rows}


def _readable_rows(path: Path, table: str) -> list[tuple[Any, ...]]:
    """Return the rows of a table up to the first page that cannot be read, from either end."""
    if not path.exists():
        return []
    rows: dict[object, tuple[Any, ...]] = {}
    for direction in ("ASC", "DESC"):
        try:
            connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        except sqlite3.Error:
            return []
        try:
            for rowid, *row in connection.execute(f"SELECT rowid, * FROM {table} ORDER BY rowid {direction}"):
                rows[rowid] = tuple(row)
        except sqlite3.Error:
            continue  # what came before it is kept
        finally:
            connection.close()
    return list(rows.values())


def _referenced(path: Path) -> set[Checkpoint]:
    with History.open(path, read_only=True) as history:
        return history.referenced()


def _checkpoints(store: CheckpointStore, referenced: set[Checkpoint] | None) -> list[Finding]:
    stored, complaint = _attempt(store.stored)
    if stored is None:
        return [Finding(path=store.directory, problem=complaint)]
    findings = []
    for checkpoint in sorted(stored | (referenced or set())):
        _, complaint = _attempt(partial(store.verify, checkpoint))
        needed = referenced is None or checkpoint in referenced
        findings.append(Finding(path=store.path(checkpoint), problem=complaint, is_needed=needed))
    return findings


def _attempt(read: Callable[[], T]) -> tuple[T | None, str | None]:
    """Return what was read, or None and what is wrong."""
    try:
        return read(), None
    except BgpbtError as error:
        return None, str(error)
