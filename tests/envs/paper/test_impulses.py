"""Impulses are those of Brax's own sums."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bgpbt.envs import make
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
