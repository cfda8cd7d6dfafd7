from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bgpbt.envs.registry import PAPER_NAMES
from tests.envs import reference
from tests.envs.reference import array

# Largest absolute differences that float32 in another order accounts for: about four times those seen between
# XLA's code for SSE4.2, AVX, AVX2 and AVX-512, two makes of CPU and two releases of JAX. Contact is chaotic:
# ant drifts by up to 0.04 of reward a step when a start differs in its last bits, and halfcheetah leaves the
# reference as soon as a foot first hits the floor.
REWARD_TOLERANCE = {
    "ant": 0.05,
    "fetch": 2e-6,
    "hopper": 5e-5,
    "humanoid": 5e-5,
    "reacher": 3e-6,
    "ur5e": 2e-6,
}
OBSERVATION_TOLERANCE = {  # after step 0, 9, 29, 59
    "ant": (3e-4, 3e-4, 5e-3, 0.5),
    "fetch": (3e-5, 6e-5, 6e-5, 2e-4),
    "hopper": (1e-4, 1e-4, 1e-4, 1e-4),
    "humanoid": (2e-3, 1e-3, 1e-3, 2e-3),  # contact impulses in it reach hundreds
    "reacher": (4e-6, 4e-6, 4e-6, 4e-6),
    "ur5e": (6e-5, 1e-4, 1e-4, 1e-4),
}
FINAL_TOLERANCE = {
    "ant": 0.2,
    "fetch": 2e-4,
    "hopper": 1e-4,
    "humanoid": 5e-4,
    "reacher": 4e-6,
    "ur5e": 1e-4,
}
FREE_OF_CHAOS = tuple(REWARD_TOLERANCE)


@pytest.mark.parametrize("name", PAPER_NAMES)
def test_sizes_are_those_of_2022(name: str) -> None:
    environment, truth = reference.environment(name), reference.reference(name)
    assert environment.name == name
    assert environment.observation_size == truth["observation_size"]
    assert environment.action_size == truth["action_size"]
    assert reference.trajectory(name).observation.shape == (60, truth["observation_size"])


@pytest.mark.parametrize("name", FREE_OF_CHAOS)
def test_rewards_and_ends_are_those_of_2022(name: str) -> None:
    truth, ours = reference.reference(name), reference.trajectory(name)
    np.testing.assert_allclose(ours.reward, truth["rewards"], rtol=0, atol=REWARD_TOLERANCE[name])
    np.testing.assert_array_equal(ours.terminated, array(truth["dones"]) > 0.5)


@pytest.mark.parametrize("name", FREE_OF_CHAOS)
def test_observations_are_those_of_2022(name: str) -> None:
    truth, ours = reference.reference(name), reference.trajectory(name)
    for step, tolerance in zip((0, 9, 29, 59), OBSERVATION_TOLERANCE[name], strict=True):
        np.testing.assert_allclose(
            ours.observation[step], truth["obs"][str(step)], rtol=0, atol=tolerance, err_msg=f"step {step}"
        )


@pytest.mark.parametrize("name", FREE_OF_CHAOS)
def test_bodies_end_up_where_they_did_in_2022(name: str) -> None:
    truth = reference.reference(name)["final_qp"]
    ours = reference.bodies_of(reference.trajectory(name).physics)
    for field, expected in truth.items():
        found = getattr(ours, field)[-1]
        np.testing.assert_allclose(found, expected, rtol=0, atol=FINAL_TOLERANCE[name], err_msg=field)


def test_halfcheetah_is_that_of_2022_until_its_feet_bounce() -> None:
    truth, ours = reference.reference("halfcheetah"), reference.trajectory("halfcheetah")
    np.testing.assert_allclose(ours.observation[0], truth["obs"]["0"], rtol=0, atol=5e-4)
    np.testing.assert_allclose(ours.reward[:5], truth["rewards"][:5], rtol=0, atol=2e-4)
    np.testing.assert_allclose(ours.reward[:8], truth["rewards"][:8], rtol=0, atol=0.03)
    np.testing.assert_array_equal(ours.terminated, array(truth["dones"]) > 0.5)
    assert np.isfinite(ours.reward).all()


@pytest.mark.parametrize("name", PAPER_NAMES)
def test_the_start_of_2022_is_one_that_we_could_have_drawn(name: str) -> None:
    """Every coordinate of the reference's start lies within those of 4096 starts of ours."""
    truth = reference.reference(name)["initial_qp"]
    ours = reference.bodies_of(reference.start_states(name).physics)
    for field, expected in truth.items():
        drawn = array(getattr(ours, field))
        low, high = drawn.min(axis=0), drawn.max(axis=0)
        margin = 0.02 * (high - low) + 2e-6  # the extremes of a finite sample, and rounding
        assert (array(expected) >= low - margin).all(), field
        assert (array(expected) <= high + margin).all(), field


@pytest.mark.parametrize("name", PAPER_NAMES)
def test_a_state_holds_plain_arrays_alone_and_keeps_its_form(name: str) -> None:
    environment = reference.environment(name)
    before = jax.eval_shape(environment.reset, jax.random.key(0))  # a typed key, on purpose
    after = jax.eval_shape(environment.step, before, jnp.zeros(environment.action_size))

    def form(leaf: Any) -> tuple[tuple[int, ...], np.dtype[Any]]:
        return leaf.shape, np.dtype(leaf.dtype)  # np.dtype refuses a typed key

    same = jax.tree.map(lambda one, other: form(one) == form(other), before, after)  # refuses another tree
    assert all(jax.tree.leaves(same))
