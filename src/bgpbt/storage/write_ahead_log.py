"""Whether SQLite's write-ahead log matches its checksums; SQLite drops what does not without a word.

The format is that of https://www.sqlite.org/fileformat2.html#the_write_ahead_log: a header of 32 bytes, then
frames of 24 bytes and one page. Each checksum goes over all before it. After the log was moved into the main
file it is written again from its beginning, with another salt, so frames of an earlier log may follow.
"""

from pathlib import Path

import numpy as np

from bgpbt.errors import DamagedRunError
from bgpbt.storage.files import check_regular, naming_file

__all__ = ["log_path", "log_problem"]

_HEADER_BYTES, _FRAME_HEADER_BYTES = 32, 24
_MAGIC = 0x377F0682  # its lowest bit says whether the checksums' words are big-endian
_VERSION = 3007000
_WORD = 2**32

Checksum = tuple[int, int]


def log_path(history: Path) -> Path:
    """Return where SQLite keeps the write-ahead log of a history."""
    return history.with_name(f"{history.name}-wal")


def log_problem(history: Path) -> str | None:
    """Return what is wrong with a write-ahead log, in one line; None: it is intact, empty or not there."""
    path = log_path(history)
    try:
        check_regular(path)
    except DamagedRunError as error:
        return str(error)
    while True:
        content = _read(path)
        problem = _problem(path, content)
        if problem is None or _read(path) == content:  # else a process is writing it
            return problem


def _read(path: Path) -> bytes:
    with naming_file(path):
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return b""


def _problem(path: Path, content: bytes) -> str | None:
    if len(content) < _HEADER_BYTES:  # shorter than a header: nothing was ever committed to it
        return None
    magic, version, page_bytes = (_number(content, at) for at in (0, 4, 8))
    order = ">u4" if magic & 1 else "<u4"
    checksum = _checksum(content[:24], order, (0, 0))
    if magic >> 1 != _MAGIC >> 1 or version != _VERSION or checksum != _stored(content, 24):
        return f"{path}: its header does not match its checksum; the file is damaged"
    salt, size = content[16:24], _FRAME_HEADER_BYTES + page_bytes
    for at in range(_HEADER_BYTES, len(content) - size + 1, size):
        frame = content[at : at + size]
        checksum = _checksum(frame[:8] + frame[_FRAME_HEADER_BYTES:], order, checksum)
        if frame[8:16] != salt or checksum != _stored(frame, 16):
            return _verdict(path, content, at, size)
    return None


def _verdict(path: Path, content: bytes, at: int, size: int) -> str | None:
    """Tell damage from the end of the log: a frame that was committed after this one has its salt."""
    salt = content[16:24]
    following = range(at + size, len(content) - size + 1, size)
    if any(content[start + 8 : start + 16] == salt for start in following):
        return f"{path}: a frame does not match its checksum; the file is damaged"
    return None


def _checksum(content: bytes, order: str, before: Checksum) -> Checksum:
    """Return SQLite's checksum: s0 += x[i] + s1, s1 += x[i+1] + s0, over pairs of words, modulo 2**32."""
    s0, s1 = before
    words = np.frombuffer(content, dtype=order).tolist()
    for even, odd in zip(words[::2], words[1::2], strict=True):
        s0 = (s0 + even + s1) % _WORD
        s1 = (s1 + odd + s0) % _WORD
    return s0, s1


def _stored(content: bytes, at: int) -> Checksum:
    return _number(content, at), _number(content, at + 4)


def _number(content: bytes, at: int) -> int:
    return int.from_bytes(content[at : at + 4], "big")
