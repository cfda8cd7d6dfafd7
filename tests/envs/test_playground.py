"""These run where MuJoCo Playground is installed, which excludes brax 0.12 and the other tests here."""

from importlib.util import find_spec

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bgpbt import envs
from bgpbt.envs.registry import PLAYGROUND_NAMES
from bgpbt.errors import InputError

HERE = find_spec("mujoco_playground") is not None


@pytest.mark.skipif(HERE, reason="MuJoCo Playground is installed")
def test_where_it_is_missing_one_line_says_what_it_excludes() -> None:
    with pytest.raises(
        InputError, match=r"pip install bgpbt\[playground\]`, in an environment without brax 0.12"
    ):
        envs.make("playground:CheetahRun")


@pytest.mark.skipif(not HERE, reason="needs an environment of its own")
def test_the_names_are_those_of_the_suite() -> None:
    from mujoco_playground import dm_control_suite

    assert set(PLAYGROUND_NAMES) == set(dm_control_suite.ALL_ENVS)


@pytest.mark.skipif(not HERE, reason="needs an environment of its own")
@pytest.mark.parametrize("name", ["CartpoleBalance", "ReacherEasy"])
def test_a_task_does_what_the_suite_does(name: str) -> None:
    from mujoco_playground import dm_control_suite

    ours = envs.make(f"playground:{name}")
    theirs = dm_control_suite.load(name, config_overrides={"impl": "jax"})
    state, expected = ours.reset(jax.random.PRNGKey(3)), jax.jit(theirs.reset)(jax.random.PRNGKey(3))
    step = jax.jit(theirs.step)
    for action_size in [ours.action_size] * 3:
        action = jnp.full(action_size, 0.3)
        state, expected = ours.step(state, action), step(expected, action)
        np.testing.assert_allclose(state.observation, expected.obs, rtol=1e-4, atol=1e-5)
        assert float(state.reward) == pytest.approx(float(expected.reward), rel=1e-4, abs=1e-5)
    assert state.observation.shape == (ours.observation_size,)
