import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bgpbt import envs
from bgpbt.agents.networks.action_space import space_of
from bgpbt.agents.networks.categorical import Discrete
from bgpbt.envs.registry import GYMNAX_NAMES
from bgpbt.envs.vector import VectorEnvironment
from bgpbt.errors import InputError

gymnax = pytest.importorskip("gymnax")


@pytest.mark.parametrize("name", GYMNAX_NAMES)
def test_a_task_does_what_gymnax_does(name: str) -> None:
    ours = envs.make(f"gymnax:{name}")
    theirs, parameters = gymnax.make(name)
    state = ours.reset(jax.random.PRNGKey(1))
    task = state.physics.task
    rng = np.random.default_rng(2)
    for _ in range(5):
        space = theirs.action_space(parameters)
        if hasattr(space, "n"):
            assert space_of(ours) == Discrete(choices=space.n)
            action = translated = jnp.int32(rng.integers(space.n))
        else:
            action = jnp.asarray(rng.uniform(-1.0, 1.0, ours.action_size), jnp.float32)
            translated = action * float(np.max(space.high))  # the boxes are symmetric
        key, _ = jax.random.split(state.physics.key)
        observation, task, reward, terminated, _ = theirs.step_env(key, task, translated, parameters)
        state = ours.step(state, action)
        np.testing.assert_allclose(state.observation, np.ravel(observation), rtol=1e-5, atol=1e-6)
        assert float(state.reward) == pytest.approx(float(reward), rel=1e-5)
        assert bool(state.terminated) == bool(terminated)
        assert state.observation.shape == (ours.observation_size,)


def test_a_pole_that_nobody_balances_falls_and_the_next_episode_begins() -> None:
    vector = VectorEnvironment(environment=envs.make("gymnax:CartPole-v1"), count=4, episode_length=30)
    starts = vector.starts(jax.random.PRNGKey(0))
    state = vector.reset(starts)
    falls = 0
    for _ in range(30):
        state = vector.step(state, starts, jnp.ones(4, jnp.int32))
        falls += int(state.terminated.sum())
    assert falls >= 4
    assert not bool(state.truncated.any())  # pushed one way, a pole falls before the time limit


def test_a_misspelt_task_is_refused_with_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean gymnax:CartPole-v1"):
        envs.check_name("gymnax:Cartpole-v1")
