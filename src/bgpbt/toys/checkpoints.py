"""Checkpoints kept in memory, for toy tasks and for trying a trainer out.

They are named as those on disk are: by the SHA-256 of their content.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from bgpbt.contracts import Arrays
from bgpbt.errors import DamagedRunError
from bgpbt.records import Checkpoint

__all__ = ["MemoryCheckpoints"]


class MemoryCheckpoints:
    """A content-addressed store that ends with the process."""

    def __init__(self) -> None:
        self._stored: dict[Checkpoint, tuple[dict[str, npt.NDArray[Any]], dict[str, str]]] = {}

    def save(self, arrays: Arrays, metadata: Mapping[str, str]) -> Checkpoint:
        """Store copies of the arrays and return their hash; storing the same again changes nothing."""
        checkpoint = content_hash(arrays, metadata)
        copies = {name: np.array(array) for name, array in arrays.items()}
        self._stored.setdefault(checkpoint, (copies, dict(metadata)))
        return checkpoint

    def load(self, checkpoint: Checkpoint) -> tuple[dict[str, npt.NDArray[Any]], dict[str, str]]:
        """Return copies of the arrays and the metadata of a checkpoint.

        Raises:
            DamagedRunError: nothing of that hash was saved here.
        """
        if checkpoint not in self._stored:
            raise DamagedRunError(f"checkpoint {checkpoint} is not in memory")
        arrays, metadata = self._stored[checkpoint]
        return {name: array.copy() for name, array in arrays.items()}, dict(metadata)

    def __len__(self) -> int:
        return len(self._stored)


def content_hash(arrays: Arrays, metadata: Mapping[str, str]) -> Checkpoint:
    """Return the SHA-256 of names, types, shapes, bytes and metadata, in a fixed order."""
    digest = hashlib.sha256(json.dumps(dict(metadata), sort_keys=True).encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(json.dumps([name, array.dtype.str, array.shape]).encode())
        digest.update(array.tobytes())
    return Checkpoint(digest.hexdigest())
