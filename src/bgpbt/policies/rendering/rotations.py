"""Quaternions, real part first, as matrices."""

from typing import Any

import numpy as np
import numpy.typing as npt

from bgpbt.arrays import Floats

__all__ = ["rotate", "to_matrix"]


def to_matrix(quaternion: npt.ArrayLike) -> Floats:
    """Return rotation matrices (..., 3, 3) of quaternions (..., 4), which need not be of unit length."""
    q = np.asarray(quaternion, np.float64)
    w, x, y, z = np.moveaxis(q / np.linalg.norm(q, axis=-1, keepdims=True), -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def rotate(matrix: Floats, vector: Any) -> Floats:
    """Return the vectors (..., 3) after rotations (..., 3, 3)."""
    rotated: Floats = np.einsum("...ij,...j->...i", matrix, vector)
    return rotated
