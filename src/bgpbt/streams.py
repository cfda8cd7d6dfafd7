"""Randomness by address: a stream of numbers for each seed and use, so that no state needs to hold one.

An address is a run's seed and what tells its uses apart: whole numbers, such as a round, and the name of a
purpose. Equal addresses give equal numbers; different addresses give independent streams.
"""

import zlib

import numpy as np

__all__ = ["order_seed", "stream", "stream_seed"]


def stream(*address: int | str) -> np.random.Generator:
    """Return the generator of an address, such as `stream(seed, round_index, "exploit")`.

    Numbers are 0 or more.
    """
    # hash() of a str differs between processes
    parts = [zlib.crc32(part.encode()) if isinstance(part, str) else int(part) for part in address]
    return np.random.default_rng(parts)


def stream_seed(*address: int | str) -> int:
    """Return a seed in [0, 2**63) for an address."""
    return int(stream(*address).integers(2**63))


def order_seed(seed: int, round_index: int, member: int) -> int:
    """Return the seed of one member's training in one round, in [0, 2**63)."""
    return stream_seed(seed, round_index, f"order {member}")
