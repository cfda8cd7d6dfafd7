"""Tasks of gymnax 1.x, as ours: classic control and MinAtar.

A task with a box of actions takes ours, in [-1, 1], stretched to the box. A task with choices takes their
numbers. Images are flattened. gymnax's own time limits and resets stay unused: `bgpbt.envs.vector` does both.
"""

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from bgpbt.envs.compiled_task import CompiledTask
from bgpbt.envs.keys import raw_key
from bgpbt.envs.protocol import Environment, State
from bgpbt.errors import InputError

__all__ = ["make_gymnax"]


class GymnaxPhysics(NamedTuple):
    """What a task needs to go on."""

    task: Any  # gymnax's own state
    key: jax.Array  # uint32 words; draws whatever is random in a step


def make_gymnax(task: str, *, name: str) -> Environment:
    """Make a task of gymnax by its name there.

    Raises:
        InputError: the gymnax that is installed is older than 1.0, or lacks a package.
    """
    try:
        import gymnax
    except ModuleNotFoundError as error:  # gymnax does not name all packages that it imports
        raise InputError(
            f"environment {name!r} needs {error.name}: run `pip install bgpbt[gymnax]`"
        ) from error
    environment, parameters = gymnax.make(task)
    if not hasattr(environment, "is_truncated"):
        raise InputError(f"environment {name!r} needs gymnax 1.0 or newer: run `pip install bgpbt[gymnax]`")
    return GymnaxTask(name, environment, parameters)


class GymnaxTask(CompiledTask):
    """A task of gymnax.

    Args:
        name: the name given by the user.
        task: gymnax's environment.
        parameters: that go with it.
    """

    def __init__(self, name: str, task: Any, parameters: Any) -> None:
        self._task = task
        self._parameters = parameters
        self._actions = task.action_space(parameters)
        self.discrete_actions = hasattr(self._actions, "n")
        size = int(self._actions.n) if self.discrete_actions else math.prod(self._actions.shape)
        super().__init__(name, action_size=size)

    def _reset(self, key: jax.Array) -> State:
        reset_key, later_key = jax.random.split(key)
        observation, task = self._task.reset_env(reset_key, self._parameters)
        return _ours(task, later_key, observation, 0.0, False)

    def _step(self, state: State, action: jax.Array) -> State:
        step_key, later_key = jax.random.split(state.physics.key)
        observation, task, reward, terminated, _ = self._task.step_env(
            step_key, state.physics.task, self._theirs(action), self._parameters
        )
        return _ours(task, later_key, observation, reward, terminated)

    def _theirs(self, action: jax.Array) -> jax.Array:
        """Return an action of ours as gymnax takes it."""
        if self.discrete_actions:
            return action
        low, high = jnp.asarray(self._actions.low), jnp.asarray(self._actions.high)
        return (low + (action.reshape(self._actions.shape) + 1.0) / 2.0 * (high - low)).astype(jnp.float32)


def _ours(task: Any, key: jax.Array, observation: Any, reward: Any, terminated: Any) -> State:
    return State(
        physics=GymnaxPhysics(jax.tree.map(_array, task), raw_key(key)),
        observation=jnp.ravel(jnp.asarray(observation, jnp.float32)),
        reward=jnp.asarray(reward, jnp.float32),
        terminated=jnp.asarray(terminated, bool),
    )


def _array(leaf: Any) -> jax.Array:
    """Return a leaf with a type of its own: a start has plain numbers where a step has arrays."""
    return jnp.asarray(leaf, dtype=jnp.result_type(leaf))
