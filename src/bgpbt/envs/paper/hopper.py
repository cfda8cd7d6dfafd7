"""Hopper as brax 0.0.10 had it: hop forward on one leg in a plane, without falling.

The engine of today takes shorter steps and starts it higher.
"""

from typing import Any

import jax
import jax.numpy as jnp

from bgpbt.envs.paper.locomotion import (
    TORSO,
    Locomotion,
    Rules,
    centre_of_mass,
    joint_state,
    masses,
    system_of,
)

__all__ = ["hopper"]

STEP_S = 0.02
SUBSTEPS = 4
START_HEIGHT = 1.19  # m, of the torso
LOWEST_HEIGHT = 0.7  # m, of the torso; below it, the hopper has fallen
ALIVE_REWARD = 1.0
ACTION_COST = 1e-3


def hopper() -> Locomotion:
    """Make the task: 14 observations, 3 actuators."""
    system = system_of("hopper", _as_in_2022)
    mass_b = masses(system)

    def observe(bodies: Any, impulses: Any, action: jax.Array) -> jax.Array:
        angle_j, velocity_j = joint_state(system, bodies)
        return jnp.concatenate(
            [bodies.pos[TORSO, 2:], bodies.rot[TORSO], angle_j, bodies.vel[TORSO], velocity_j]
        )

    def reward(before: Any, after: Any, action: jax.Array) -> jax.Array:
        velocity = (centre_of_mass(after, mass_b) - centre_of_mass(before, mass_b))[0] / STEP_S
        return velocity + ALIVE_REWARD - ACTION_COST * jnp.sum(action**2)

    def terminated(bodies: Any) -> jax.Array:
        fallen: jax.Array = bodies.pos[TORSO, 2] < LOWEST_HEIGHT
        return fallen

    return Locomotion(
        "hopper",
        system,
        Rules(reset_noise=0.005, action_sign=-1.0, observe=observe, reward=reward, terminated=terminated),
    )


def _as_in_2022(configuration: Any) -> None:
    configuration.dt = STEP_S
    configuration.substeps = SUBSTEPS
    (torso,) = configuration.defaults[0].qps
    torso.pos.z = START_HEIGHT
