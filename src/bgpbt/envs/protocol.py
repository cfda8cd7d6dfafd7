"""What an environment is: two pure functions of one episode, to be mapped over many by the caller.

It knows no time limit and never resets itself; `bgpbt.envs.vector` does both, alike for all environments.
This module imports JAX for its types alone, so that names can be listed without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    import jax

__all__ = ["Environment", "State"]


class State(NamedTuple):
    """One environment between two steps; a pytree of arrays and of nothing else.

    Random keys in it are raw `uint32` words, so that all of it can be stored as plain arrays.
    """

    physics: Any  # whatever the environment needs to go on
    observation: jax.Array  # (observation_size,)
    reward: jax.Array  # (), of the step that led here; 0 at a start
    terminated: jax.Array  # () bool: the episode ended here by the task's own rules, not by a time limit


class Environment(Protocol):
    """A task for an agent. Both functions are pure, jit-compiled, and may be mapped with `jax.vmap`.

    One that has an attribute `batch_last`, which is true, is stepped on a CPU by
    `bgpbt.envs.batch_last.vmap_last` instead: the same, and faster where it works on short vectors.

    One that has an attribute `discrete_actions`, which is true, takes one of `action_size` choices: `step`
    gets the number of the choice, an int32 of shape () from 0 on. Agents then act with a categorical
    distribution; without the attribute, with a normal distribution squashed by tanh.
    """

    @property
    def name(self) -> str:
        """The name that `bgpbt.envs.make` takes."""
        ...

    @property
    def observation_size(self) -> int:
        """Length of an observation."""
        ...

    @property
    def action_size(self) -> int:
        """Length of an action, whose entries are in [-1, 1], or the number of choices."""
        ...

    def reset(self, key: jax.Array) -> State:
        """Draw a start state."""
        ...

    def step(self, state: State, action: jax.Array) -> State:
        """Go on by one control step with an action: (action_size,), or () where actions are discrete."""
        ...
