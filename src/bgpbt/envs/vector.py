"""Many environments stepped together, with a time limit and automatic resets.

An environment whose episode is over goes on from a start state of its own. Start states are drawn beforehand
and handed to every step, since drawing one costs as much as many steps; whoever trains draws new ones from
time to time. They are not part of what is saved: a `VectorState` is all that running episodes need.

Symbols: b environments, a actuators, o observation.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from bgpbt import checks
from bgpbt.envs import many
from bgpbt.envs.protocol import Environment, State

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


States = TypeVar("States", StartStates, VectorState)


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
        checks.at_least("the number of environments", self.count, 1)
        checks.at_least("episode_length", self.episode_length, 1)

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
        return self.at_rest(self.advance(self.running(state), self.running(starts), action_ba))

    def running(self, state: States) -> States:
        """Return states as a loop of `advance` takes them; their physics may have the environments last."""
        return state._replace(physics=many.running(self.environment, state.physics))

    def at_rest(self, state: States) -> States:
        """Return states that were `running` with the environments first."""
        return state._replace(physics=many.at_rest(self.environment, state.physics))

    def advance(self, state: VectorState, starts: StartStates, action_ba: jax.Array) -> VectorState:
        """Take one step as `step` does, from `running` states to `running` ones."""
        before = State(state.physics, state.observation, state.reward, state.terminated)
        after = many.step(self.environment, before, action_ba)
        episode_step_b = state.episode_step + 1
        # The task's own end comes first: an episode that terminates in its last step has no future value.
        truncated_b = (episode_step_b >= self.episode_length) & ~after.terminated
        over_b = after.terminated | truncated_b
        return VectorState(
            physics=many.where(self.environment, over_b, starts.physics, after.physics),
            observation=jnp.where(over_b[:, None], starts.observation, after.observation),
            reward=after.reward,
            terminated=after.terminated,
            truncated=truncated_b,
            episode_step=jnp.where(over_b, 0, episode_step_b),
        )
