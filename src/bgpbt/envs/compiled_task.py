"""What the adapters of libraries of environments have in common: reset and step are compiled."""

from abc import ABC, abstractmethod

import jax

from bgpbt.envs.keys import KEY_SHAPE
from bgpbt.envs.protocol import State

__all__ = ["CompiledTask"]


class CompiledTask(ABC):
    """An environment whose `_reset` and `_step` are compiled.

    They are compiled always: outside `jit` the engine of 2022 would loop over bodies in Python. A subclass
    calls `__init__` at the end of its own, since that asks `_reset` for the length of an observation.

    Args:
        name: the name given by the user.
        action_size: length of an action, or the number of choices.
    """

    def __init__(self, name: str, *, action_size: int) -> None:
        self.name = name
        self.action_size = action_size
        self._jit_reset = jax.jit(self._reset)
        self._jit_step = jax.jit(self._step)
        self.observation_size = int(jax.eval_shape(self.reset, KEY_SHAPE).observation.shape[-1])

    def reset(self, key: jax.Array) -> State:
        """Draw a start state."""
        state: State = self._jit_reset(key)
        return state

    def step(self, state: State, action: jax.Array) -> State:
        """Go on by one control step."""
        following: State = self._jit_step(state, action)
        return following

    @abstractmethod
    def _reset(self, key: jax.Array) -> State:
        """Draw a start state."""

    @abstractmethod
    def _step(self, state: State, action: jax.Array) -> State:
        """Go on by one control step."""
