"""The history of a run in SQLite: every plan, every outcome, and the strategy's last state.

A round is opened by one transaction (the strategy's state and the plan made with it) and every outcome is one
transaction, so that a process killed anywhere has lost the orders under way and nothing else. Earlier states
are not kept: a strategy is pure, so the outcomes give them again.

Records are stored as the text of `bgpbt.encoding`, which keeps every bit of every float; the few columns
beside it serve queries (SQLite turns a NaN there into NULL). Each row carries a digest, because SQLite's own
integrity check does not see a changed value. The journal is a write-ahead log, so that others can read
meanwhile; a round's end moves it into the main file, and `bgpbt.storage.progress` says how far it goes.
"""

import json
import math
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

from bgpbt.encoding import decode, encode, encode_readable
from bgpbt.errors import DamagedRunError
from bgpbt.records import Checkpoint, Outcome, Plan, Trained
from bgpbt.storage.database import Stamp, connect, empty_log, identity, naming_database, stamp_at_rest
from bgpbt.storage.files import StorageError, check_regular
from bgpbt.storage.progress import Counts, Progress, beside
from bgpbt.storage.rows import digest_of, hashes_in, row_is_intact
from bgpbt.storage.schema import SCHEMA, check_schema, migrate, schema_version
from bgpbt.storage.write_ahead_log import log_problem

__all__ = ["History", "Position", "supersedes_start"]

State = TypeVar("State")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Position(Generic[State]):
    """Where a run stands."""

    state: State  # the strategy's
    plan: Plan | None  # the round under way; None: the run is over


class History:
    """What happened in a run. To be used from the thread that opened it; close it at the end.

    Raises:
        DamagedRunError: what is stored was changed from outside; the text names the file.
        StorageError: the file cannot be read or written; the text names it.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._path = path
        self._connection = connection
        self._identity: tuple[int, int] | None = None  # of the file, once it is known to be ours
        self._progress = Progress(path)
        self._counts = Counts()
        self._stamp: Stamp | None = None  # of the file, where this is a copy of it

    @classmethod
    def create(cls, path: Path) -> "History":
        """Make the file of a new run.

        Raises:
            StorageError: the file is there already or cannot be written.
        """
        if path.exists():
            raise StorageError(f"{path}: there is a history already")
        history = cls(path, connect(path, "rwc"))
        with naming_database(path):
            history._connection.execute("PRAGMA journal_mode = WAL")
            history._connection.executescript(f"BEGIN; {SCHEMA} COMMIT;")
        history._identity = identity(path)
        history._progress.start(history._counts)
        return history

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False) -> "History":
        """Open an existing history and check all of it.

        Raises:
            DamagedRunError: the file is missing, damaged, not a history, or holds less than was committed.
            StorageError: it was written by a newer version, or cannot be read.
        """
        if not path.exists():
            raise DamagedRunError(f"{path}: the history is missing")
        for file in (path, *beside(path)):  # SQLite would wait for a pipe
            check_regular(file)
        try:
            history = cls._checked(path)
        except DamagedRunError:
            if stamp_at_rest(path) is not None:
                raise
            history = cls._checked(path)  # a process began to write after the file was read
        try:
            if not read_only:
                history.close()  # only now: a writer that closes a damaged file removes its log
                history._connection, history._stamp = connect(path, "rw"), None
                with naming_database(path):
                    migrate(history._connection)
            history._identity = identity(path)
        except BaseException:
            history.close()
            raise
        return history

    @classmethod
    def _checked(cls, path: Path) -> "History":
        stamp = stamp_at_rest(path)
        history = cls(path, connect(path, "ro"))
        history._stamp = stamp
        try:
            history._check()
        except BaseException:
            history.close()
            raise
        return history

    @property
    def is_old(self) -> bool:
        """Whether a history that is only read was changed since, and has to be opened again to see it."""
        return self._stamp is not None and stamp_at_rest(self._path) != self._stamp

    def close(self) -> None:
        """Close the file; closing twice is fine."""
        self._connection.close()

    def __enter__(self) -> "History":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def position(self, state_type: type[State]) -> Position[State] | None:
        """Return where the run stands, or None before `open_round` was called."""
        rows = self._rows("SELECT round, state, digest FROM position")
        if not rows:
            return None
        round_index, state = rows[0]
        plan = None if round_index is None else self._plan(round_index)
        return Position(state=self._decode(state_type, state), plan=plan)

    def open_round(self, state: Any, plan: Plan | None) -> None:
        """Commit a strategy's state and the plan it made; the plan None ends the run."""
        text = encode(state)
        round_index = None if plan is None else plan.round
        with self._transaction():
            if plan is not None:
                row = (plan.round, encode_readable(plan))
                self._statement("INSERT INTO plans VALUES (?, ?, ?)", (*row, digest_of(row)))
            self._statement(
                "INSERT OR REPLACE INTO position VALUES (1, ?, ?, ?)",
                (round_index, text, digest_of((round_index, text))),
            )
        if plan is not None:
            self._note(replace(self._counts, plans=self._counts.plans + 1))
        with naming_database(self._path):
            empty_log(self._connection)

    def commit_outcome(self, outcome: Outcome) -> None:
        """Commit an outcome of a planned order.

        Raises:
            InputError: a field has a value of another type than its own.
        """
        # The digest is to be that of what is read back: SQLite stores NaN as NULL and -0.0 as 0.0.
        score = None if math.isnan(outcome.score) else float(outcome.score) + 0.0
        row = (
            outcome.round,
            outcome.member,
            outcome.checkpoint,
            score,
            outcome.failure,
            encode_readable(outcome),
        )
        with self._transaction():
            self._statement("INSERT INTO outcomes VALUES (?, ?, ?, ?, ?, ?, ?)", (*row, digest_of(row)))
        self._note(replace(self._counts, outcomes=self._counts.outcomes + 1))

    def forget_outcomes(self, round_index: int) -> None:
        """Remove the outcomes of a round, so that its orders are carried out again."""
        left = self._counts.outcomes - len(self.outcomes(round_index))
        self._note(replace(self._counts, outcomes=left))  # before, since fewer than noted would be damage
        with self._transaction():
            self._statement("DELETE FROM outcomes WHERE round = ?", (round_index,))

    def outcomes(self, round_index: int | None = None) -> list[Outcome]:
        """Return the outcomes of a round by member, or of all rounds by round and member."""
        where, arguments = ("", ()) if round_index is None else ("WHERE round = ?", (round_index,))
        rows = self._rows(f"SELECT * FROM outcomes {where} ORDER BY round, member", arguments)
        return [self._decode(Outcome, row[-1]) for row in rows]

    def plans(self) -> list[Plan]:
        """Return the plans of all rounds so far, the one under way included."""
        return [
            self._decode(Plan, record)
            for _, record in self._rows("SELECT round, record, digest FROM plans ORDER BY round")
        ]

    def trained(self) -> list[Trained]:
        """Return every order that has an outcome, with it, by round and member."""
        with self._snapshot():
            orders = {(plan.round, order.member): order for plan in self.plans() for order in plan.orders}
            return [Trained(orders[outcome.round, outcome.member], outcome) for outcome in self.outcomes()]

    def best_outcome(self) -> Outcome | None:
        """Return the outcome with the highest finite score that left a checkpoint; of equals the first."""
        rows = self._rows(
            "SELECT * FROM outcomes WHERE checkpoint IS NOT NULL AND failure IS NULL AND abs(score) < 9e999 "
            "ORDER BY score DESC, round, member LIMIT 1"
        )
        return self._decode(Outcome, rows[0][-1]) if rows else None

    def best_outcomes(self) -> list[Outcome]:
        """Return the best outcome of each generation that left a checkpoint; of equals the first."""
        newest = self._newest_plan()
        if not newest or self._decode(Plan, newest[0][1]).orders[0].generation == 0:
            best = self.best_outcome()
            return [] if best is None else [best]
        rows = self._rows(
            "SELECT round, member, checkpoint, score, failure, record, digest FROM ("
            "  SELECT outcomes.*, ROW_NUMBER() OVER ("
            "    PARTITION BY json_extract("
            "      plans.record, '$.orders[' || outcomes.member || '].generation')"
            "    ORDER BY score DESC, outcomes.round, member) AS place "
            "  FROM outcomes JOIN plans ON plans.round = outcomes.round"
            "  WHERE checkpoint IS NOT NULL AND failure IS NULL AND abs(score) < 9e999"
            ") WHERE place = 1 ORDER BY round, member"
        )
        return [self._decode(Outcome, row[-1]) for row in rows]

    def pin(self, checkpoint: Checkpoint, note: str) -> None:
        """Keep a checkpoint until it is unpinned; pinning again changes the note."""
        row = (str(checkpoint), note)
        with self._transaction():
            self._statement("INSERT OR REPLACE INTO pins VALUES (?, ?, ?)", (*row, digest_of(row)))
        self._note(replace(self._counts, pins=len(self.pins())))

    def unpin(self, checkpoint: Checkpoint) -> None:
        """Let a checkpoint go when nothing else needs it; one that is not pinned stays as it is."""
        left = self.pins().keys() - {checkpoint}
        self._note(replace(self._counts, pins=len(left)))  # before, since fewer than noted would be damage
        with self._transaction():
            self._statement("DELETE FROM pins WHERE checkpoint = ?", (str(checkpoint),))

    def pins(self) -> dict[Checkpoint, str]:
        """Return the pinned checkpoints with their notes."""
        if schema_version(self._connection) < 2:  # read only, so not migrated
            return {}
        rows = self._rows("SELECT checkpoint, note, digest FROM pins ORDER BY checkpoint")
        return {Checkpoint(checkpoint): note for checkpoint, note in rows}

    def referenced(self) -> set[Checkpoint]:
        """Return the checkpoints that the run can still need.

        Those that it needs beyond the newest round (under way, or the last of a run that is over), that
        round's outcomes, and the starts of its orders, but for those whose outcome took their place.
        """
        named = self.kept_beyond_round()
        for round_index, text in self._newest_plan():
            outcomes = {outcome.member: outcome for outcome in self.outcomes(round_index)}
            for order in self._decode(Plan, text).orders:
                outcome = outcomes.get(order.member)
                if outcome is not None and outcome.checkpoint is not None:
                    named.add(outcome.checkpoint)
                if outcome is None or not supersedes_start(outcome):
                    named.update(order.start.reads)
        return named

    def kept_beyond_round(self) -> set[Checkpoint]:
        """Return the checkpoints that the run needs whatever comes of the orders under way.

        Those that the strategy's state names outside the plan it may hold, the best of each generation, and
        what is pinned.
        """
        plans = [plan for _, plan in self._newest_plan()]
        named = set(self.pins())
        for _, state in self._rows("SELECT round, state, digest FROM position"):
            without_plan = state.replace(plans[0], "null") if plans else state
            named |= self._left_by_outcomes(hashes_in(json.loads(without_plan)))
        named |= {best.checkpoint for best in self.best_outcomes() if best.checkpoint is not None}
        return named

    def _left_by_outcomes(self, hashes: set[str]) -> set[Checkpoint]:
        """Return those hashes that are checkpoints of this run; others are a user's values or notes."""
        query = "SELECT * FROM outcomes WHERE checkpoint IN (SELECT value FROM json_each(?))"
        return {Checkpoint(row[2]) for row in self._rows(query, (json.dumps(sorted(hashes)),))}

    def _newest_plan(self) -> list[tuple[int, str]]:
        rows = self._rows("SELECT round, record, digest FROM plans ORDER BY round DESC LIMIT 1")
        return [(round_index, plan) for round_index, plan in rows]

    def _plan(self, round_index: int) -> Plan:
        rows = self._rows("SELECT round, record, digest FROM plans WHERE round = ?", (round_index,))
        if not rows:
            raise DamagedRunError(f"{self._path}: the plan of round {round_index} is missing")
        return self._decode(Plan, rows[0][1])

    def _rows(self, query: str, arguments: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a query without their last column, which must be their digest."""
        with naming_database(self._path):
            rows = self._connection.execute(query, arguments).fetchall()
        for row in rows:
            if not row_is_intact(row):
                raise DamagedRunError(f"{self._path}: a row does not match its digest; the file is damaged")
        return [tuple(values) for *values, _ in rows]

    def _decode(self, record_type: type[T], text: str) -> T:
        try:
            return decode(record_type, text)
        except Exception as error:  # the converter raises groups of whatever went wrong inside
            raise DamagedRunError(
                f"{self._path}: what is stored does not read as {record_type.__name__}; "
                f"it is of another version or of another strategy"
            ) from error

    def _check(self) -> None:
        with naming_database(self._path):
            check_schema(self._connection, self._path)
            (verdict,) = self._connection.execute("PRAGMA integrity_check(1)").fetchone()
            orphans = self._connection.execute("PRAGMA foreign_key_check").fetchall()
        if verdict != "ok" or orphans:
            raise DamagedRunError(
                f"{self._path}: the file is damaged: {verdict if verdict != 'ok' else orphans}"
            )
        for query in (
            "SELECT round, record, digest FROM plans",
            "SELECT * FROM outcomes",
            "SELECT round, state, digest FROM position",
        ):
            self._rows(query)
        self._check_progress()

    def _check_progress(self) -> None:
        """Check that the history holds all that was committed; another process may write it meanwhile."""
        noted = self._progress.read()  # before the rows are counted, of which there can be more by then
        while True:
            self._counts = self._count()
            if noted is None:  # a run of an older version, which only its log can tell about
                if (problem := log_problem(self._path)) is not None:
                    raise DamagedRunError(problem)
                return
            if not self._counts.is_behind(noted):
                return
            before, noted = noted, self._progress.read()
            if noted == before:
                raise DamagedRunError(
                    f"{self._path}: {self._counts} of {noted} are there; the file is damaged"
                )

    def _count(self) -> Counts:
        with self._snapshot():
            plans, outcomes = (
                self._connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
                for table in ("plans", "outcomes")
            )
            return Counts(plans=plans, outcomes=outcomes, pins=len(self.pins()))

    def _note(self, counts: Counts) -> None:
        self._counts = counts
        self._progress.append(counts)

    def _statement(self, statement: str, arguments: tuple[object, ...] = ()) -> None:
        self._connection.execute(statement, arguments)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        if identity(self._path) != self._identity:  # SQLite would write a file that has no name any more
            raise StorageError(
                f"{self._path}: the history was removed or replaced while the run was under way"
            )
        with naming_database(self._path):
            self._statement("BEGIN IMMEDIATE")
            try:
                yield
                self._statement("COMMIT")
            except BaseException:
                if self._connection.in_transaction:  # SQLite has rolled back by itself when the disk is full
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _snapshot(self) -> Iterator[None]:
        """See one state of the file in several queries while another process writes it."""
        with naming_database(self._path):
            self._connection.execute("BEGIN")
            try:
                yield
            finally:
                self._connection.execute("ROLLBACK")


def supersedes_start(outcome: Outcome) -> bool:
    """Return whether an outcome left a checkpoint to go on from, so that nobody needs its order's start."""
    return outcome.checkpoint is not None and outcome.failure is None and math.isfinite(outcome.score)
