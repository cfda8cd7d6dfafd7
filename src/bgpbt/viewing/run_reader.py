"""A run read again and again while another process writes it: only what is new is read.

A round is complete before the next one begins, so that only the newest rounds are asked for. Whatever cannot
be read is told as one line beside what was read before.
"""

import hashlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from bgpbt.encoding import decode
from bgpbt.errors import BgpbtError, one_line
from bgpbt.records import Order, Outcome, Plan, Trained
from bgpbt.storage import History, RunDirectory, open_run
from bgpbt.viewing.run_view import Json, head, hyperparameter_names, rows, summary

__all__ = ["RunReader", "read_document"]

T = TypeVar("T")


class RunReader:
    """Reads one run directory. To be used from one thread; nothing is ever written."""

    def __init__(self, path: Path, name: str) -> None:
        self._path = path
        self._name = name
        self._run: RunDirectory | None = None
        self._history: History | None = None
        self._identity = ""
        self._problem: str | None = None
        self._orders: dict[tuple[int, int], Order] = {}
        self._outcomes: dict[tuple[int, int], Outcome] = {}
        self._round = 0  # the newest that has been planned
        self._finished = False
        self._state: object = None
        self._changes = 0
        self._head: Json = {}

    @property
    def name(self) -> str:
        """How people call the run."""
        return self._name

    @property
    def changes(self) -> int:
        """Grows by one whenever `poll` has seen something new."""
        return self._changes

    @property
    def version(self) -> str:
        """Changes if rows that were given before no longer hold, as when a run is overwritten."""
        names = "/".join(hyperparameter_names(self._head)) if self._head else ""
        return hashlib.sha256(f"{self._identity}/{names}".encode()).hexdigest()[:12]

    @property
    def last_round(self) -> int:
        """The newest round with an outcome; rows of earlier rounds will not change."""
        return max((round_index for round_index, _ in self._outcomes), default=0)

    def close(self) -> None:
        """Close the history."""
        if self._history is not None:
            self._history.close()
        self._history = None

    def poll(self) -> None:
        """Read what is new. A run that cannot be read is no error; the document says why."""
        before = (len(self._outcomes), self._finished, self._round, self._problem, self._identity)
        try:
            self._open_if_replaced()
            self._read()
            self._problem = None
        except BgpbtError as error:
            self.close()
            self._problem = " ".join(str(error).split())  # what SQLite says of damage has several lines
            self._salvage()
        except Exception as error:  # whatever a file may hold, other runs are still shown
            self.close()
            self._problem = f"{self._path} cannot be read: {one_line(error)}"
        after = (len(self._outcomes), self._finished, self._round, self._problem, self._identity)
        if after != before:
            self._changes += 1
            try:
                self._refresh_head()
            except Exception as error:
                self._head, self._problem = {}, f"{self._path} cannot be shown: {one_line(error)}"

    def document(self, first_round: int = 0) -> Json:
        """Return the run with the rows from a round on; with the problem alone if it cannot be shown."""
        try:
            return self._document(first_round)
        except Exception as error:  # whatever a file may hold, other runs are still shown
            problem = self._problem or f"{self._path} cannot be shown: {one_line(error)}"
            return {"version": self.version, "problem": problem, "head": None, "rows": [], "summary": None}

    def _document(self, first_round: int) -> Json:
        trained = self.trained()
        names = hyperparameter_names(self._head) if self._head else []
        newest = self.last_round  # looked for once, not for every order
        orders = sum(order.round == newest for order in self._orders.values())
        return {
            "version": self.version,
            "problem": self._problem,
            "head": self._head or None,
            "rows": rows(trained, names, first_round=first_round),
            "summary": summary(trained, orders_of_round=orders, finished=self._finished, state=self._state),
        }

    def trained(self) -> list[Trained]:
        """Return every order that has an outcome, with it, by round and member."""
        return [Trained(self._orders[key], self._outcomes[key]) for key in sorted(self._outcomes)]

    def _open_if_replaced(self) -> None:
        identity = _identity(self._path)
        if self._history is not None and identity == self._identity and not self._history.is_old:
            return
        self.close()
        if identity != self._identity:
            self._orders, self._outcomes, self._round, self._finished = {}, {}, 0, False
            self._state, self._head = None, {}
        self._identity = identity
        self._run = None  # so that a description that cannot be read is not the old one
        self._run = open_run(self._path)
        self._history = self._run.open_history(read_only=True)

    def _read(self) -> None:
        assert self._history is not None
        if self._finished:
            return
        position = self._history.position(dict)
        if position is None:
            return
        if position.plan is not None:
            planned = position.plan.round
            if planned > self._round + 1 or not self._orders:
                self._take_plans(self._history.plans())
            else:
                self._take_plans([position.plan])
        else:
            self._take_plans(self._history.plans())
            planned = max((key[0] for key in self._orders), default=0)
        for round_index in range(self._round, planned + 1):
            for outcome in self._history.outcomes(round_index):
                self._outcomes[outcome.round, outcome.member] = outcome
        self._round, self._state, self._finished = planned, position.state, position.plan is None

    def _take_plans(self, plans: Sequence[Plan]) -> None:
        self._orders.update({(plan.round, order.member): order for plan in plans for order in plan.orders})

    def _refresh_head(self) -> None:
        if self._run is not None:
            self._head = head(self._run.description, name=self._name, trained=self.trained())

    def _salvage(self) -> None:
        """Take whatever rows of a damaged history still read, each on its own."""
        path = self._path / "history.sqlite"
        if self._run is None or not path.exists():
            return
        for plan in _readable(path, "SELECT record FROM plans ORDER BY round", Plan):
            self._take_plans([plan])
        for outcome in _readable(path, "SELECT record FROM outcomes ORDER BY round, member", Outcome):
            if (outcome.round, outcome.member) in self._orders:
                self._outcomes[outcome.round, outcome.member] = outcome


def read_document(path: Path, name: str) -> Json:
    """Return a run as one document, with whatever can be read of it."""
    reader = RunReader(path, name)
    try:
        reader.poll()
        return reader.document()
    finally:
        reader.close()


def _identity(path: Path) -> str:
    """Return what tells a run from another that was put in its place."""
    try:
        stat = (path / "run.json").stat()
    except OSError:
        return ""
    return f"{stat.st_ino}-{stat.st_mtime_ns}-{stat.st_size}"


def _readable(path: Path, query: str, kind: type[T]) -> list[T]:
    found: list[T] = []
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    except sqlite3.Error:
        return found
    try:
        for (text,) in connection.execute(query):
            try:
                found.append(decode(kind, text))
            except Exception:  # the converter raises groups of whatever went wrong inside
                continue
    except sqlite3.Error:
        pass  # the file breaks off here; what came before stands
    finally:
        connection.close()
    return found
