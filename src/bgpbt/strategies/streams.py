"""Randomness by address: one stream for each (run seed, round, purpose), so a state needs to hold none."""

import zlib

import numpy as np

__all__ = ["order_seed", "stream", "stream_seed"]


def stream(seed: int, round_index: int, purpose: str) -> np.random.Generator:
    """Return the generator of one purpose in one round; equal addresses give equal numbers."""
    tag = zlib.crc32(purpose.encode())  # hash() of a str differs between processes
    return np.random.default_rng([seed, round_index, tag])


def stream_seed(seed: int, round_index: int, purpose: str) -> int:
    """Return a seed in [0, 2**63) for one purpose in one round."""
    return int(stream(seed, round_index, purpose).integers(2**63))


def order_seed(seed: int, round_index: int, member: int) -> int:
    """Return the seed of one member's training in one round, in [0, 2**63)."""
    return stream_seed(seed, round_index, f"order {member}")
