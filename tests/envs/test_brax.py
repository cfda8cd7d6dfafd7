import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bgpbt import envs
from bgpbt.envs import Environment, State
from bgpbt.envs.brax_import import import_brax
from bgpbt.envs.vector import VectorEnvironment

STEPS = 30


@functools.cache
def environment(name: str) -> Environment:
    return envs.make(name)


def theirs(task: str, backend: str) -> tuple[Any, Any, Any]:
    """Observations (time, size), rewards and ends of the same rollout through Brax's own functions."""
    brax = import_brax("brax.envs").get_environment(task, backend=backend)

    def step(state: Any, action: jax.Array) -> tuple[Any, Any]:
        following = brax.step(state, action)
        return following, (following.obs, following.reward, following.done)

    def run(action_ta: jax.Array) -> Any:
        return jax.lax.scan(step, brax.reset(jax.random.PRNGKey(0)), action_ta)[1]

    found: tuple[Any, Any, Any] = jax.jit(run)(actions(brax.action_size))
    return found


@functools.cache
def ours(name: str) -> State:
    def run(action_ta: jax.Array) -> State:
        def step(state: State, action: jax.Array) -> tuple[State, State]:
            following = environment(name).step(state, action)
            return following, following

        return jax.lax.scan(step, environment(name).reset(jax.random.PRNGKey(0)), action_ta)[1]

    found: State = jax.jit(run)(actions(environment(name).action_size))
    return found


def actions(size: int) -> jax.Array:
    return jnp.sin(0.37 * jnp.arange(STEPS)[:, None] + 1.3 * jnp.arange(size))


@pytest.mark.parametrize(
    ("name", "task", "backend"),
    [
        ("brax:reacher", "reacher", "generalized"),  # the default engine
        ("brax:inverted_pendulum/spring", "inverted_pendulum", "spring"),  # it falls: `done` is passed on
    ],
)
def test_it_does_what_brax_does(name: str, task: str, backend: str) -> None:
    observation_to, reward_t, done_t = theirs(task, backend)
    states = ours(name)
    assert environment(name).name == name
    assert states.observation.shape == (STEPS, environment(name).observation_size)
    np.testing.assert_allclose(states.observation, observation_to, atol=1e-5)
    np.testing.assert_allclose(states.reward, reward_t, atol=1e-5)
    np.testing.assert_array_equal(states.terminated, done_t > 0.5)
    assert bool(states.terminated.any()) is (task == "inverted_pendulum")


def test_it_can_be_wrapped_like_the_others() -> None:
    name = "brax:inverted_pendulum/spring"
    vector = VectorEnvironment(environment=environment(name), count=3, episode_length=2)
    starts = jax.jit(vector.starts)(jax.random.key(0))
    state = vector.reset(starts)
    step = jax.jit(vector.step)
    for _ in range(2):
        state = step(state, starts, jnp.zeros((3, 1)))
    np.testing.assert_array_equal(state.truncated, True)
    np.testing.assert_array_equal(state.observation, starts.observation)
    assert all(np.asarray(leaf).dtype.kind in "fiub" for leaf in jax.tree.leaves(state))


def test_another_engine_moves_otherwise() -> None:
    one, other = (ours(f"brax:inverted_pendulum{engine}").observation for engine in ("/spring", ""))
    assert one.shape == other.shape
    assert not np.allclose(one[:5], other[:5], atol=1e-3)
