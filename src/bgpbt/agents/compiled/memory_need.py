"""How much memory training takes, known before anything is compiled.

Buffers have the largest size that the space can propose. What a program needs beside its buffers is nearly
all activations of one slice of a minibatch; how many was read off XLA's own account of compiled programs.
"""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from bgpbt.agents.compiled.programs import member_shape
from bgpbt.agents.networks.architecture import Architectures
from bgpbt.agents.ppo.buffers import blank_buffers
from bgpbt.agents.ppo.learner import Learner

__all__ = ["MemoryNeed", "memory_need"]

FLOAT_BYTES = 4
COPIES_OF_A_UNIT = 3  # before and after its activation function, and the gradient
COPIES_OF_PARAMETERS = 3  # gradient of a slice, their sum, and the teacher's networks
COPIES_OF_START_STATES = 5  # those of the next episodes, and four in the middle of a step


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryNeed:
    """What one member takes while it trains, in bytes."""

    rollout: int  # the data of an iteration, and all of it side by side with what a teacher says
    slice: int  # activations of the largest slice of a minibatch
    networks: int  # parameters, Adam's moments and gradients
    environments: int  # running episodes, and those that begin next

    @property
    def total(self) -> int:
        """All of it."""
        return self.rollout + self.slice + self.networks + self.environments


def memory_need(learner: Learner, architectures: Architectures) -> MemoryNeed:
    """Return what it takes to train a member of these architectures."""
    vector = learner.environment
    member = member_shape(learner, architectures)
    starts = jax.eval_shape(vector.starts, jax.ShapeDtypeStruct((2,), jnp.uint32))
    buffers = jax.eval_shape(lambda: blank_buffers(vector, learner.longest_rollout))
    observation, action = vector.environment.observation_size, vector.environment.action_size
    units = sum(shape.depth * shape.width for shape in (architectures.policy, architectures.value))
    row = COPIES_OF_A_UNIT * units + 2 * observation + 8 * action + 16  # and some numbers for each loss
    last_row = units + 2 * observation  # a state that is only valued: no gradient
    size = learner.slice_sizes[-1]
    return MemoryNeed(
        rollout=_bytes_of(buffers),
        slice=FLOAT_BYTES * (row * size.steps + last_row * size.sequences),
        networks=_bytes_of((member.parameters, member.optimiser))
        + COPIES_OF_PARAMETERS * _bytes_of(member.parameters),
        environments=_bytes_of(member.environments) + COPIES_OF_START_STATES * _bytes_of(starts),
    )


def _bytes_of(tree: Any) -> int:
    return sum(int(np.prod(leaf.shape)) * np.dtype(leaf.dtype).itemsize for leaf in jax.tree.leaves(tree))
