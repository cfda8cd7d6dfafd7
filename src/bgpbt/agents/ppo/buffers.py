"""The memory that iterations write their data into, handed on instead of made anew.

It has room for the longest rollout that the space can propose, hundreds of megabytes in a large task: to get
them from the system and to clear them takes 23% of a rollout on humanoid. So whoever uses buffers
consumes them and returns them. What lies past an iteration's own data is stale, and be it another member's.
"""

import threading
from typing import NamedTuple

import jax
import numpy as np

from bgpbt.agents.networks.action_space import space_of
from bgpbt.agents.ppo import rollout
from bgpbt.agents.ppo.minibatch import Records, blank_records
from bgpbt.agents.ppo.rollout import Experience
from bgpbt.envs.vector import VectorEnvironment

__all__ = ["BufferPool", "Buffers", "blank_buffers"]


class Buffers(NamedTuple):
    """An iteration's data, time first; whatever lies past its length must not be looked at."""

    experience: Experience
    records: Records  # what `bgpbt.agents.ppo.minibatch.recorded` makes of it


def blank_buffers(environment: VectorEnvironment, longest: int) -> Buffers:
    """Return buffers for iterations of up to `longest` steps of every environment."""
    return Buffers(
        experience=rollout.empty(environment, longest),
        records=blank_records(longest, environment.count, space_of(environment.environment)),
    )


class BufferPool:
    """Buffers that nobody is using: as many as were ever in use at a time. Safe to use from several threads.

    Args:
        environment: whose steps they hold.
        longest: steps of every environment, at most.
    """

    def __init__(self, environment: VectorEnvironment, longest: int) -> None:
        self._shape = jax.eval_shape(lambda: blank_buffers(environment, longest))
        self._lock = threading.Lock()
        self._idle: list[Buffers] = []

    def take(self) -> Buffers:
        """Return buffers that are the caller's until they are given back, and lost if they never are."""
        with self._lock:
            if self._idle:
                return self._idle.pop()
        # NumPy's zeros, since making JAX's would be a program to compile.
        zeros: Buffers = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), self._shape)
        return zeros

    def give_back(self, buffers: Buffers) -> None:
        """Leave buffers to whoever needs some next."""
        with self._lock:
            self._idle.append(buffers)
