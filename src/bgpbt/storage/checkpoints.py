"""Checkpoints on disk, named by what they hold.

Two members with the same content share one file, cloning a member costs nothing, and a file whose bytes
changed no longer fits its name.
"""

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy.typing as npt

from bgpbt.contracts import Arrays
from bgpbt.errors import DamagedRunError
from bgpbt.records import Checkpoint
from bgpbt.storage.files import TEMPORARY_SUFFIX, check_regular, naming_file, write_durably
from bgpbt.storage.safetensors_format import from_bytes, to_bytes

__all__ = ["CheckpointStore"]

_SUFFIX = ".safetensors"
_FILE_NAME = re.compile(rf"(?P<checkpoint>[0-9a-f]{{64}}){re.escape(_SUFFIX)}")
_TEMPORARY_NAME = re.compile(rf"{_FILE_NAME.pattern}\.[0-9a-f]+{re.escape(TEMPORARY_SUFFIX)}")


class CheckpointStore:
    """A directory of safetensors files named by the SHA-256 of their bytes. Safe to use from several threads.

    Args:
        directory: an existing directory; files in it that are not checkpoints are left alone.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    @property
    def directory(self) -> Path:
        """Where the files are."""
        return self._directory

    def path(self, checkpoint: Checkpoint) -> Path:
        """Return where the file of a checkpoint is or would be."""
        return self._directory / f"{checkpoint}{_SUFFIX}"

    def save(self, arrays: Arrays, metadata: Mapping[str, str]) -> Checkpoint:
        """Store arrays durably and return their hash; storing the same again changes nothing.

        Raises:
            StorageError: the file system refuses, for example since the disk is full.
        """
        content = to_bytes(arrays, metadata)
        checkpoint = _hash(content)
        path = self.path(checkpoint)
        if not self._holds(path, content):  # a damaged file is healed
            write_durably(path, content)
        return checkpoint

    def load(self, checkpoint: Checkpoint) -> tuple[dict[str, npt.NDArray[Any]], dict[str, str]]:
        """Return the arrays and metadata of a checkpoint.

        Raises:
            DamagedRunError: it is missing, or its content does not match its hash.
            StorageError: the file cannot be read.
        """
        return from_bytes(self._read_intact(checkpoint))

    def verify(self, checkpoint: Checkpoint) -> None:
        """Check that a checkpoint is there and intact.

        Raises:
            DamagedRunError: it is missing, or its content does not match its hash.
        """
        self._read_intact(checkpoint)

    def stored(self) -> set[Checkpoint]:
        """Return the checkpoints that have a file, intact or not."""
        return {Checkpoint(match["checkpoint"]) for _, match in self._files(_FILE_NAME)}

    def total_bytes(self) -> int:
        """Return the size of all checkpoints together."""
        with naming_file(self._directory):
            return sum(path.stat().st_size for path, _ in self._files(_FILE_NAME))

    def remove(self, checkpoint: Checkpoint) -> None:
        """Remove a checkpoint, if it is there.

        Raises:
            StorageError: its file cannot be removed.
        """
        _remove(self.path(checkpoint))

    def remove_all_but(self, referenced: Collection[Checkpoint]) -> None:
        """Remove the other checkpoints and what a killed process left half-written; nothing else.

        Not to be called while members are training: a checkpoint that nobody has named yet would go.

        Raises:
            StorageError: a file cannot be removed.
        """
        for path, match in self._files(_FILE_NAME):
            if match["checkpoint"] not in referenced:
                _remove(path)
        for path, _ in self._files(_TEMPORARY_NAME):
            _remove(path)

    def _read_intact(self, checkpoint: Checkpoint) -> bytes:
        path = self.path(checkpoint)
        content = self._read(path)
        if _hash(content) != checkpoint:
            raise DamagedRunError(
                f"{path}: the content does not match the hash in its name; the file is damaged"
            )
        return content

    def _holds(self, path: Path, content: bytes) -> bool:
        try:
            return path.exists() and self._read(path) == content
        except DamagedRunError:  # it has just been removed
            return False

    def _read(self, path: Path) -> bytes:
        check_regular(path)
        with naming_file(path):
            try:
                return path.read_bytes()
            except FileNotFoundError as error:
                raise DamagedRunError(f"{path}: this checkpoint is missing") from error

    def _files(self, pattern: re.Pattern[str]) -> Iterator[tuple[Path, re.Match[str]]]:
        with naming_file(self._directory):
            for path in sorted(self._directory.iterdir()):
                if (match := pattern.fullmatch(path.name)) is not None:
                    yield path, match


def _hash(content: bytes) -> Checkpoint:
    return Checkpoint(hashlib.sha256(content).hexdigest())


def _remove(path: Path) -> None:
    with naming_file(path):
        path.unlink(missing_ok=True)
