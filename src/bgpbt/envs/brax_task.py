"""Any Brax environment, of either engine, as ours; its own wrappers for episodes and resets stay unused."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from bgpbt.envs.compiled_task import CompiledTask
from bgpbt.envs.keys import raw_key
from bgpbt.envs.protocol import State

__all__ = ["BraxPhysics", "BraxTask"]


class BraxPhysics(NamedTuple):
    """What a Brax environment needs to go on. Its metrics are left out: no task reads them."""

    bodies: Any  # `qp` of brax.v1, `pipeline_state` of brax.envs
    memory: dict[str, Any]  # `info`: the key that draws the next target, for one


class BraxTask(CompiledTask):
    """A Brax environment.

    Args:
        name: the name given by the user.
        task: `Env` of `brax.v1.envs` or of `brax.envs`.
        state_type: the `State` that goes with it.
        bodies_field: what that `State` calls its bodies.
        batch_last: whether a CPU steps many copies with the batch last (`bgpbt.envs.many`).
    """

    def __init__(
        self, name: str, task: Any, *, state_type: Any, bodies_field: str, batch_last: bool = False
    ) -> None:
        self.batch_last = batch_last
        self._task = task
        self._state_type = state_type
        self._bodies_field = bodies_field
        super().__init__(name, action_size=int(task.action_size))

    @property
    def system(self) -> Any:
        """Brax's description of the bodies, for drawing them."""
        return self._task.sys

    @property
    def step_s(self) -> float:
        """Simulated seconds of a control step."""
        dt = getattr(self._task, "dt", None)
        return float(self._task.sys.config.dt if dt is None else dt)

    def _reset(self, key: jax.Array) -> State:
        return self._ours(self._task.reset(raw_key(key)))

    def _step(self, state: State, action: jax.Array) -> State:
        before = self._state_type(
            **{self._bodies_field: state.physics.bodies},
            obs=state.observation,
            reward=jnp.zeros(()),  # tasks that never end hand `done` on as they got it
            done=jnp.zeros(()),
            metrics={},
            info=dict(state.physics.memory),
        )
        return self._ours(self._task.step(before, action))

    def _ours(self, state: Any) -> State:
        return State(
            physics=BraxPhysics(getattr(state, self._bodies_field), dict(state.info)),
            observation=state.obs,
            reward=jnp.asarray(state.reward, jnp.float32),
            terminated=jnp.asarray(state.done) > 0.5,
        )
