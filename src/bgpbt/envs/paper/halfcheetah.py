"""Halfcheetah as brax 0.0.10 had it: run forward in a plane; it never falls for good."""

from typing import Any

import jax
import jax.numpy as jnp

from bgpbt.envs.paper.locomotion import TORSO, Locomotion, Rules, joint_state, system_of

__all__ = ["halfcheetah"]

ACTION_COST = 0.1


def halfcheetah() -> Locomotion:
    """Make the task: 23 observations, 6 actuators."""
    system = system_of("halfcheetah")
    step_s = system.config.dt

    def observe(bodies: Any, impulses: Any, action: jax.Array) -> jax.Array:
        angle_j, velocity_j = joint_state(system, bodies)
        return jnp.concatenate(
            [
                bodies.pos[TORSO, 2:],
                bodies.rot[TORSO],
                angle_j,
                bodies.vel[TORSO],
                bodies.ang[TORSO],
                velocity_j,
            ]
        )

    def reward(before: Any, after: Any, action: jax.Array) -> jax.Array:
        velocity: jax.Array = (after.pos[TORSO, 0] - before.pos[TORSO, 0]) / step_s
        return velocity - ACTION_COST * jnp.sum(action**2)

    def terminated(bodies: Any) -> jax.Array:
        return jnp.zeros((), bool)

    return Locomotion(
        "halfcheetah",
        system,
        Rules(reset_noise=0.1, action_sign=1.0, observe=observe, reward=reward, terminated=terminated),
    )
