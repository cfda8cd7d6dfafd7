import functools
import json
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from bgpbt import envs
from bgpbt.envs import Environment, State
from bgpbt.envs.brax_task import BraxPhysics

STEPS = 60


@functools.cache
def environment(name: str) -> Environment:
    return envs.make(name)


@functools.cache
def reference(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((Path(__file__).parent / f"{name}.json").read_text())
    return content


def bodies_of(physics: Any) -> Any:
    return physics.bodies if isinstance(physics, BraxPhysics) else physics


def with_bodies(physics: Any, bodies: Any) -> Any:
    return physics._replace(bodies=bodies) if isinstance(physics, BraxPhysics) else bodies


def initial_state(name: str) -> State:
    """The state that brax 0.0.10 started from."""
    state = environment(name).reset(jax.random.PRNGKey(0))
    given = {field: jnp.asarray(value, jnp.float32) for field, value in reference(name)["initial_qp"].items()}
    physics = with_bodies(state.physics, bodies_of(state.physics).replace(**given))
    if isinstance(physics, BraxPhysics):
        memory = reference(name)["extra_info"]
        assert memory.keys() == physics.memory.keys()
        physics = physics._replace(
            memory={key: jnp.asarray(word, jnp.uint32) for key, word in memory.items()}
        )
    return state._replace(physics=physics)


@functools.cache
def trajectory(name: str) -> State:
    """Our states (time first) after each of the reference's 60 actions."""
    actuators = np.arange(environment(name).action_size)
    action_ta = 0.6 * np.sin(0.37 * np.arange(STEPS)[:, None] + 1.3 * actuators)

    def step(state: State, action: jax.Array) -> tuple[State, State]:
        following = environment(name).step(state, action)
        return following, following

    _, states = jax.jit(lambda state, action_ta: jax.lax.scan(step, state, action_ta))(
        initial_state(name), jnp.asarray(action_ta, jnp.float32)
    )
    found: State = states
    return found


@functools.cache
def start_states(name: str, count: int = 4096) -> State:
    """Many start states of ours."""
    keys = jax.random.split(jax.random.PRNGKey(2022), count)
    states: State = jax.jit(jax.vmap(environment(name).reset))(keys)
    return states


def array(values: Any) -> npt.NDArray[np.float64]:
    return np.asarray(values, dtype=np.float64)
