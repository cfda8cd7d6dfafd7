"""Rows of a history and their digests, and the checkpoints that stored text may name."""

import hashlib
import re
from collections.abc import Sequence

__all__ = ["digest_of", "hashes_in", "row_is_intact"]

_HASH = re.compile(r"[0-9a-f]{64}")


def hashes_in(value: object) -> set[str]:
    """Return the strings in plain values that are written as a checkpoint is."""
    if isinstance(value, str):
        return {value} if _HASH.fullmatch(value) else set()
    if isinstance(value, dict):
        value = [*value, *value.values()]
    if isinstance(value, list):
        return {found for part in value for found in hashes_in(part)}
    return set()


def row_is_intact(row: Sequence[object]) -> bool:
    """Return whether a row, whose last value is its digest, is as it was written."""
    *values, digest = row
    return digest_of(tuple(values)) == digest


def digest_of(row: tuple[object, ...]) -> str:
    """Return the SHA-256 of a row; `repr` keeps every bit of a float and tells None from text."""
    return hashlib.sha256(repr(row).encode()).hexdigest()
