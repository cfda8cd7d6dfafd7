"""What is computed in another form is the same."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgpbt.envs import make
from bgpbt.envs.paper.vectorised import arctan2
from bgpbt.envs.registry import PAPER_NAMES


@pytest.mark.parametrize("name", PAPER_NAMES)
def test_impulses_are_those_that_brax_adds_up(name: str) -> None:
    task = make(name)
    system: Any = task.system  # type: ignore[attr-defined]
    at_rest = system.default_qp()
    noise = np.random.default_rng(0)
    bodies = jax.tree.map(lambda leaf: leaf + 0.1 * noise.normal(size=leaf.shape).astype(np.float32), at_rest)
    action = jnp.asarray(noise.uniform(-1.0, 1.0, task.action_size), jnp.float32)

    def impulses(own: bool) -> Any:
        def of(group: Any) -> Any:
            return group if own else group._group

        joints = [of(group).apply(bodies) for group in system.joints]
        return joints, [of(group).apply(bodies, action) for group in system.actuators]

    ours, theirs = jax.jit(impulses, static_argnums=0)(True), jax.jit(impulses, static_argnums=0)(False)
    assert any(np.abs(leaf).max() > 0.1 for leaf in jax.tree.leaves(theirs))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-4), ours, theirs)


coordinates = st.floats(-1e6, 1e6, width=32, allow_subnormal=False)


@given(y=coordinates, x=coordinates)
def test_angles_of_points_are_right(y: float, x: float) -> None:
    angle = float(arctan2(jnp.float32(y), jnp.float32(x)))
    assert angle == pytest.approx(np.arctan2(y, x) if x or y else 0.0, abs=3e-7)


def test_angles_all_around_the_circle_are_right() -> None:
    angle = np.linspace(-np.pi, np.pi, 100_001)
    y, x = np.sin(angle).astype(np.float32), np.cos(angle).astype(np.float32)
    truth = np.arctan2(y.astype(np.float64), x.astype(np.float64))
    np.testing.assert_allclose(arctan2(jnp.asarray(y), jnp.asarray(x)), truth, rtol=0, atol=3e-7)


def test_an_angle_of_nothing_known_is_nothing_known() -> None:
    assert np.isnan(arctan2(jnp.float32(np.nan), jnp.float32(1.0)))
    assert np.isnan(arctan2(jnp.float32(1.0), jnp.float32(np.nan)))
