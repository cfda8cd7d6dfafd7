"""Types of arrays."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["Floats", "Floats32"]

Floats: TypeAlias = npt.NDArray[np.float64]
"""Numbers in double precision."""

Floats32: TypeAlias = npt.NDArray[np.float32]
"""Numbers in single precision."""
