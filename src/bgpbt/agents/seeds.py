"""Randomness of an order: one seed, and a stream of its own for each use, so that no key is used twice."""

from enum import IntEnum
from typing import TypeAlias

import jax
import numpy as np
import numpy.typing as npt

from bgpbt.streams import stream

__all__ = ["SeedWords", "Stream", "batch_seeds", "random_of", "seed_words", "stream_key"]

SeedWords: TypeAlias = npt.NDArray[np.uint32]
"""A seed as a raw threefry key: (2,), high word first."""


class Stream(IntEnum):
    """What an order's randomness is used for."""

    STARTS = 0
    INITIALISE = 1
    COLLECT = 2
    EVALUATE = 3
    LEARN = 4
    GROW = 5


def seed_words(seed: int) -> SeedWords:
    """Return a seed in [0, 2**64) as a key; different seeds are different keys."""
    return np.array([seed >> 32, seed & 0xFFFFFFFF], dtype=np.uint32)


def random_of(seed: SeedWords, use: Stream) -> np.random.Generator:
    """Return NumPy's generator for one use of a seed."""
    return stream(*map(int, seed), use)


def stream_key(seed: jax.Array, use: Stream, iteration: jax.Array | None = None) -> jax.Array:
    """Return JAX's key for one use of a seed, in one iteration if there are several."""
    key = jax.random.fold_in(seed, use)
    return key if iteration is None else jax.random.fold_in(key, iteration)


def batch_seeds(seed: int, batches: int) -> list[int]:
    """Return the seeds of so many batches of episodes.

    The number of a batch goes into the key's high word, so neighbouring seeds share no batch.
    """
    return [(seed + (batch << 32)) % 2**63 for batch in range(batches)]
