"""The DeepMind control suite of MuJoCo Playground, as ours.

It needs a Brax newer than 0.12.0, the last one with the paper's engine, so the two cannot be installed side
by side: `bgpbt[playground]` wants an environment of its own. Tasks run on MuJoCo's engine in JAX. Their time
limits stay unused; `bgpbt.envs.vector` has them.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from bgpbt.envs.brax_import import without_noise
from bgpbt.envs.compiled_task import CompiledTask
from bgpbt.envs.keys import KEY_SHAPE, raw_key
from bgpbt.envs.protocol import Environment, State
from bgpbt.errors import InputError

__all__ = ["make_playground"]


class PlaygroundPhysics(NamedTuple):
    """What a task needs to go on. Its metrics are left out: no task reads them."""

    data: Any  # MuJoCo's
    memory: dict[str, Any]  # `info`: keys and targets


def make_playground(task: str, *, name: str) -> Environment:
    """Make a task of the suite by its name there.

    Raises:
        InputError: MuJoCo Playground or something that it needs is not installed.
    """
    try:
        with without_noise():
            from mujoco_playground import dm_control_suite
    except ModuleNotFoundError as error:
        raise InputError(
            f"environment {name!r} needs {error.name}: run `pip install bgpbt[playground]`, "
            "in an environment without brax 0.12, which it excludes"
        ) from error
    return PlaygroundTask(name, dm_control_suite.load(task, config_overrides={"impl": "jax"}))


class PlaygroundTask(CompiledTask):
    """A task of the suite.

    Args:
        name: the name given by the user.
        task: its environment there.
    """

    def __init__(self, name: str, task: Any) -> None:
        self._task = task
        first = jax.eval_shape(task.reset, KEY_SHAPE)
        self._state_type = type(first)
        self._metrics = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), first.metrics)
        super().__init__(name, action_size=int(task.action_size))

    def _reset(self, key: jax.Array) -> State:
        return _ours(self._task.reset(raw_key(key)))

    def _step(self, state: State, action: jax.Array) -> State:
        before = self._state_type(
            data=state.physics.data,
            obs=state.observation,
            reward=jnp.zeros(()),
            done=jnp.zeros(()),
            metrics=self._metrics,
            info=dict(state.physics.memory),
        )
        return _ours(self._task.step(before, action))


def _ours(state: Any) -> State:
    return State(
        physics=PlaygroundPhysics(state.data, dict(state.info)),
        observation=state.obs,
        reward=jnp.asarray(state.reward, jnp.float32),
        terminated=jnp.asarray(state.done) > 0.5,
    )
