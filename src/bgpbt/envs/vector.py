"""Many environments stepped together, with a time limit and automatic resets.

An environment whose episode is over goes on from a start state of its own. Start states are drawn beforehand
and handed to every step, since drawing one costs as much as many steps; whoever trains draws new ones from
time to time. They are not part of what is saved: a `VectorState` is all that running episodes need.

Symbols: b environments, a actuators, o observation.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from bgpbt.envs.protocol import Environment, State
from bgpbt.errors import InputError

__all__ = ["StartStates", "VectorEnvironment", "VectorState"]


class StartStates(NamedTuple):
    """One start state for each environment."""

    physics: Any
    observation: jax.Array  # (b, o)


class VectorState(NamedTuple):
    """All environments between two steps, for going on and for saving.

    Where an episode has just ended, `physics` and `observation` are already those of the next one's start,
    while `reward`, `terminated` and `truncated` are those of the last step of the old one.
    """

    physics: Any
    observation: jax.Array  # (b, o)
    reward: jax.Array  # (b,)
    terminated: jax.Array  # (b,) bool: the episode ended by the task's own rules
    truncated: jax.Array  # (b,) bool: the time limit cut the episode, which had not terminated
    episode_step: jax.Array  # (b,) int32: steps done in the running episode


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorEnvironment:
    """`count` copies of an environment; all methods are pure and may be jit-compiled.

    Raises:
        InputError: `count` or `episode_length` is below 1.
    """

    environment: Environment
    count: int
    episode_length: int = 1000  # steps; the paper's

    def __post_init__(self) -> None:
        if self.count < 1:
            raise InputError(f"the number of environments must be 1 or more, got {self.count}")
        if self.episode_length < 1:
            raise InputError(f"episode_length must be 1 or more steps, got {self.episode_length}")

    def starts(self, key: jax.Array) -> StartStates:
        """Draw a start state for each environment."""
        state = jax.vmap(self.environment.reset)(jax.random.split(key, self.count))
        return StartStates(state.physics, state.observation)

    def reset(self, starts: StartStates) -> VectorState:
        """Begin an episode in each environment.

        What is new is of NumPy's arrays, so that beginning is no program to compile.
        """

        def nothing(kind: npt.DTypeLike) -> Any:
            return np.zeros(self.count, kind)

        return VectorState(
            physics=starts.physics,
            observation=starts.observation,
            reward=nothing(np.float32),
            terminated=nothing(bool),
            truncated=nothing(bool),
            episode_step=nothing(np.int32),
        )

    def step(self, state: VectorState, starts: StartStates, action_ba: jax.Array) -> VectorState:
        """Take one step in each environment; an episode that it ends is followed by the start of another."""
        before = State(state.physics, state.observation, state.reward, state.terminated)
        after = jax.vmap(self.environment.step)(before, action_ba)
        episode_step_b = state.episode_step + 1
        # The task's own end comes first: an episode that terminates in its last step has no future value.
        truncated_b = (episode_step_b >= self.episode_length) & ~after.terminated
        over_b = after.terminated | truncated_b
        physics, observation_bo = _where(over_b, starts, StartStates(after.physics, after.observation))
        return VectorState(
            physics=physics,
            observation=observation_bo,
            reward=after.reward,
            terminated=after.terminated,
            truncated=truncated_b,
            episode_step=jnp.where(over_b, 0, episode_step_b),
        )


def _where(over_b: jax.Array, starts: StartStates, running: StartStates) -> StartStates:
    """Choose between two trees of arrays (b, ...), environment by environment."""

    def choose(start: jax.Array, current: jax.Array) -> jax.Array:
        return jnp.where(over_b.reshape(-1, *[1] * (start.ndim - 1)), start, current)

    chosen: StartStates = jax.tree.map(choose, starts, running)
    return chosen
