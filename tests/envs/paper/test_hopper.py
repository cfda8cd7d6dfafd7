import jax
import jax.numpy as jnp
import numpy as np

from tests.envs import reference
from tests.envs.reference import array
from tests.envs.rollouts import random_rollout


def test_it_starts_upright_at_the_height_of_2022() -> None:
    bodies = reference.start_states("hopper").physics
    np.testing.assert_allclose(bodies.pos[:, 0], np.tile([0.0, 0.0, 1.19], (4096, 1)), atol=1e-7)
    np.testing.assert_array_equal(bodies.rot[:, 0], np.tile([1.0, 0.0, 0.0, 0.0], (4096, 1)))
    np.testing.assert_array_equal(bodies.vel, 0.0)


def test_joints_start_with_uniform_noise_of_five_thousandths() -> None:
    starts = reference.start_states("hopper")
    angle_nj = array(starts.observation)[:, 5:8]
    # The engine gives each body the velocity of its own joint, and not its parent's on top.
    velocity_nj = array(starts.physics.ang)[:, 1:4, 1]
    for noise_nj in (angle_nj, velocity_nj):
        assert np.abs(noise_nj).max() < 0.005 + 1e-5
        # Of 12288 uniform draws none is beyond 0.00498 with probability 0.996^12288 < 1e-20.
        assert np.abs(noise_nj).max() > 0.00498
        np.testing.assert_allclose(noise_nj.std(axis=0), 0.005 / np.sqrt(3), rtol=0.05)
    correlation = np.corrcoef(angle_nj.T, velocity_nj.T)
    assert np.abs(correlation - np.eye(6)).max() < 0.1  # 6 standard deviations of 4096 independent draws


def test_it_terminates_exactly_when_the_torso_is_low() -> None:
    states = random_rollout("hopper", count=64, steps=60)
    height_tb = np.asarray(states.observation)[:, :, 0]
    np.testing.assert_array_equal(states.terminated, height_tb < np.float32(0.7))
    assert 0.05 < np.mean(states.terminated) < 0.95


def test_it_is_paid_for_moving_its_centre_of_mass_and_for_staying_alive() -> None:
    environment = reference.environment("hopper")
    state = environment.reset(jax.random.PRNGKey(1))
    action = jnp.array([0.3, -0.2, 0.9])
    after = environment.step(state, action)
    # Masses as brax 0.0.10 lists them: torso, thigh, leg, foot.
    mass_b = np.array([3.6651914, 4.0578904, 2.7813568, 5.3155746])
    shift_b = array(after.physics.pos)[:4, 0] - array(state.physics.pos)[:4, 0]
    expected = shift_b @ mass_b / mass_b.sum() / 0.02 + 1.0 - 0.001 * (0.3**2 + 0.2**2 + 0.9**2)
    np.testing.assert_allclose(after.reward, expected, atol=1e-4)
