"""Humanoid as brax 0.0.10 had it: run forward upright.

Symbols: b bodies without the floor (11), c bodies with it (12).
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from bgpbt.envs.paper.locomotion import (
    TORSO,
    Locomotion,
    Rules,
    centre_of_mass,
    joint_state,
    masses,
    system_of,
)

__all__ = ["humanoid"]

VELOCITY_REWARD = 1.25  # per m/s
ALIVE_REWARD = 5.0
ACTION_COST = 0.01
LOWEST_HEIGHT = 0.7  # m, of the torso
HIGHEST_HEIGHT = 2.1


def humanoid() -> Locomotion:
    """Make the task: 299 observations, 17 actuators."""
    system = system_of("humanoid")
    mass_b = masses(system)
    inertia_b33 = _inertia(system)
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
                _about_centre_of_mass(bodies, mass_b, inertia_b33),
                _actuator_forces(system, action),
                impulses.contact.vel.ravel(),
                impulses.contact.ang.ravel(),
            ]
        )

    def reward(before: Any, after: Any, action: jax.Array) -> jax.Array:
        velocity: jax.Array = (centre_of_mass(after, mass_b) - centre_of_mass(before, mass_b))[0] / step_s
        return VELOCITY_REWARD * velocity + ALIVE_REWARD - ACTION_COST * jnp.sum(action**2)

    def terminated(bodies: Any) -> jax.Array:
        height = bodies.pos[TORSO, 2]
        fallen: jax.Array = (height < LOWEST_HEIGHT) | (height > HIGHEST_HEIGHT)
        return fallen

    return Locomotion(
        "humanoid",
        system,
        Rules(reset_noise=0.01, action_sign=1.0, observe=observe, reward=reward, terminated=terminated),
    )


def _inertia(system: Any) -> npt.NDArray[np.float32]:
    """Return what the task of 2022 took for the inertia of each body: its inverse, which the engine keeps."""
    inverse_b3 = np.asarray(system.body.inertia, np.float32)[:-1]
    return inverse_b3[:, :, None] * np.eye(3, dtype=np.float32)


def _about_centre_of_mass(
    bodies: Any, mass_b: npt.NDArray[np.float32], inertia_b33: npt.NDArray[np.float32]
) -> jax.Array:
    """Return inertia (b x 9), velocity (b x 3) and angular velocity (b x 3) about the centre of mass.

    Inertia by the parallel axis theorem. A body's velocity is its share of the momentum, per total mass.
    """
    offset_b3 = bodies.pos[:-1] - centre_of_mass(bodies, mass_b)
    square_b = jnp.sum(offset_b3**2, axis=1)
    spread_b33 = square_b[:, None, None] * jnp.eye(3) - offset_b3[:, :, None] * offset_b3[:, None, :]
    about_centre_b33 = inertia_b33 + mass_b[:, None, None] * spread_b33
    velocity_b3 = bodies.vel[:-1] * (mass_b / mass_b.sum())[:, None]
    # 1e-7 m^2 keeps the quotient finite for a body in the centre itself.
    angular_b3 = jnp.cross(offset_b3, bodies.vel[:-1]) / (square_b + 1e-7)[:, None]
    return jnp.concatenate([about_centre_b33.ravel(), velocity_b3.ravel(), angular_b3.ravel()])


def _actuator_forces(system: Any, action: jax.Array) -> jax.Array:
    """Return each actuator's torque, in the order of the groups of joints."""
    return jnp.concatenate(
        [
            (action[actuators.act_index] * actuators.strength[:, None]).ravel()
            for actuators in system.actuators
        ]
    )
