"""How far a history has come, in a file of its own, so that a history which went backwards is noticed.

What is committed stands in SQLite's write-ahead log until it is moved into the main file. SQLite takes a log
that does not match its checksums for one that was never finished: it drops the damaged part and all after it
without a word. So the number of rows is written down beside the history after each commit. A history that
holds fewer was damaged; one that holds more belongs to a process that died in between.

The file is a sequence of lines of equal length, of which the last counts. A process that dies while it
appends one leaves a part of a line, which is overwritten by the next.
"""

import hashlib
import os
from dataclasses import astuple, dataclass
from pathlib import Path

from bgpbt.errors import DamagedRunError
from bgpbt.storage.files import check_regular, naming_file, write_durably
from bgpbt.storage.write_ahead_log import log_path

__all__ = ["Counts", "Progress", "beside", "progress_path"]

_COUNT_DIGITS = 9
_DIGEST_LENGTH = 12  # hexadecimal digits
_MOST_LINES = 1000  # then the file begins anew
_LINE_BYTES = 3 * (_COUNT_DIGITS + 1) + _DIGEST_LENGTH + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many rows a history has."""

    plans: int = 0
    outcomes: int = 0
    pins: int = 0

    def __str__(self) -> str:
        return f"{self.plans} plans, {self.outcomes} outcomes and {self.pins} pins"

    def is_behind(self, other: "Counts") -> bool:
        """Return whether a table has fewer rows than in `other`."""
        return any(own < theirs for own, theirs in zip(astuple(self), astuple(other), strict=True))


class Progress:
    """The file that says how far a history has come; written by the process that writes the history.

    Raises:
        DamagedRunError: the file was changed from outside.
        StorageError: the file cannot be read or written.
    """

    def __init__(self, history: Path) -> None:
        self._path = progress_path(history)
        self._lines = 0  # of this file, all of them complete

    def read(self) -> Counts | None:
        """Return what was written last; None if there is no file, as in a run of an older version."""
        check_regular(self._path)
        with naming_file(self._path):
            if not self._path.exists():
                return None
            content = self._path.read_bytes()
        lines = [content[at : at + _LINE_BYTES] for at in range(0, len(content), _LINE_BYTES)]
        found = [_counts_of(line) for line in lines]
        if len(found) > 1 and found[-1] is None:
            found.pop()  # the process died while it wrote this line; the first line is never written so
        newest = found[-1] if found else None
        if newest is None or None in found:
            raise DamagedRunError(f"{self._path}: a line does not match its digest; the file is damaged")
        self._lines = len(found)
        return newest

    def start(self, counts: Counts) -> None:
        """Write the file anew, with one line."""
        write_durably(self._path, _line(counts))
        self._lines = 1

    def append(self, counts: Counts) -> None:
        """Write down how far the history has come; it is on the disk when this returns."""
        if not 0 < self._lines < _MOST_LINES:
            self.start(counts)
            return
        with naming_file(self._path):
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CLOEXEC)
            try:
                _write_all(descriptor, _line(counts), self._lines * _LINE_BYTES)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        self._lines += 1


def progress_path(history: Path) -> Path:
    """Return the file beside a history that says how far it has come."""
    return history.with_suffix(".progress")


def beside(path: Path) -> tuple[Path, ...]:
    """Return the files that belong to a history, there or not: its log, the log's index, its progress."""
    return log_path(path), path.with_name(f"{path.name}-shm"), progress_path(path)


def _write_all(descriptor: int, content: bytes, offset: int) -> None:
    while content:  # a disk that is nearly full takes a part
        written = os.pwrite(descriptor, content, offset)
        content, offset = content[written:], offset + written


def _line(counts: Counts) -> bytes:
    text = "".join(f"{count:{_COUNT_DIGITS}d} " for count in astuple(counts))
    return f"{text}{_digest(text)}\n".encode()


def _counts_of(line: bytes) -> Counts | None:
    """Return what a line says; None if it is not as it was written."""
    try:
        plans, outcomes, pins = (int(part) for part in line.split()[:-1])
    except ValueError:
        return None
    counts = Counts(plans=plans, outcomes=outcomes, pins=pins)
    return counts if _line(counts) == line else None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_LENGTH]
