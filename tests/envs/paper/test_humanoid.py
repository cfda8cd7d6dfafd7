import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bgpbt.envs import State
from tests.envs import reference
from tests.envs.reference import array

SHINS_AND_LOWER_ARMS = [4, 6, 8, 10]  # the bodies whose joints have one axis


def test_joints_start_with_uniform_noise_of_a_hundredth() -> None:
    angular_velocity_nj3 = array(reference.start_states("humanoid").physics.ang)[:, SHINS_AND_LOWER_ARMS]
    speed_nj = np.linalg.norm(angular_velocity_nj3, axis=-1)  # the noise without its sign
    assert speed_nj.max() < 0.01 + 1e-6
    # Of 16384 uniform draws none is beyond 0.00998 with probability 0.998^16384 < 1e-14.
    assert speed_nj.max() > 0.00998
    np.testing.assert_allclose(speed_nj.mean(axis=0), 0.005, rtol=0.05)
    knees_n = array(reference.start_states("humanoid").observation)[:, [5, 6]]  # first of the joint angles
    assert np.ptp(knees_n, axis=0) == pytest.approx([0.02, 0.02], rel=0.02)


def test_its_feet_start_on_the_floor() -> None:
    height_n = array(reference.start_states("humanoid").physics.pos)[:, 0, 2]
    truth = reference.reference("humanoid")["initial_qp"]["pos"][0][2]
    np.testing.assert_allclose(height_n, truth, atol=0.05)
    assert height_n.std() > 0  # the pose is lifted until its lowest point touches, so noise moves the torso


def test_it_terminates_exactly_when_the_torso_is_low_or_high() -> None:
    environment = reference.environment("humanoid")
    speed_b = jnp.linspace(-25.0, 30.0, 56)  # m/s, straight up

    def throw(speed: jax.Array) -> State:
        state = environment.reset(jax.random.PRNGKey(3))
        thrown = state.physics.vel.at[:-1, 2].add(speed)
        return state._replace(physics=state.physics.replace(vel=thrown))

    def step(state: State, _: None) -> tuple[State, State]:
        following = jax.vmap(environment.step)(state, jnp.zeros((speed_b.size, 17)))
        return following, following

    states = jax.jit(lambda: jax.lax.scan(step, jax.vmap(throw)(speed_b), length=12)[1])()
    height_tb = np.asarray(states.observation)[:, :, 0]
    low_tb, high_tb = height_tb < np.float32(0.7), height_tb > np.float32(2.1)
    assert low_tb.any()
    assert high_tb.any()
    np.testing.assert_array_equal(states.terminated, low_tb | high_tb)


def test_it_is_paid_for_moving_its_centre_of_mass_and_for_staying_up() -> None:
    environment = reference.environment("humanoid")
    state = environment.reset(jax.random.PRNGKey(5))
    action = jnp.full(17, 0.5)
    after = environment.step(state, action)
    # Masses as brax 0.0.10 lists them: torso, waist, pelvis, legs, arms.
    trunk, leg, arm = [8.907463, 2.2619467, 6.6161942], [4.751751, 4.5228419], [1.6610805, 1.2295402]
    mass_b = np.array([*trunk, *leg, *leg, *arm, *arm])
    shift_b = array(after.physics.pos)[:11, 0] - array(state.physics.pos)[:11, 0]
    expected = 1.25 * shift_b @ mass_b / mass_b.sum() / 0.015 + 5.0 - 0.01 * 17 * 0.25
    np.testing.assert_allclose(after.reward, expected, atol=1e-3)
