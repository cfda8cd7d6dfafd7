"""A body that earns by moving forward, over the engine of 2022: what halfcheetah, hopper and humanoid share.

The engine keeps positions, rotations (quaternions), velocities and angular velocities of all rigid bodies in
world coordinates, here called `bodies`. Body 0 is the torso, the last is the floor.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from bgpbt.envs.brax_import import import_brax_v1
from bgpbt.envs.compiled_task import CompiledTask
from bgpbt.envs.keys import raw_key
from bgpbt.envs.paper.vectorised import vectorise
from bgpbt.envs.protocol import State

__all__ = ["Locomotion", "Rules", "centre_of_mass", "joint_state", "masses", "system_of"]

TORSO = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What makes a task of a system of bodies."""

    reset_noise: float  # rad and rad/s: joint angles and velocities start within this of the default
    action_sign: float  # 1 or -1: what the engine is given for an action of 1
    observe: Callable[[Any, Any, jax.Array], jax.Array]  # bodies, impulses of the step, action -> observation
    reward: Callable[[Any, Any, jax.Array], jax.Array]  # bodies before, bodies after, action -> reward
    terminated: Callable[[Any], jax.Array]  # bodies -> bool


class Locomotion(CompiledTask):
    """A system of bodies under some rules."""

    batch_last = True  # a CPU steps many copies so (`bgpbt.envs.many`)

    def __init__(self, name: str, system: Any, rules: Rules) -> None:
        self._system = system
        self._rules = rules
        super().__init__(name, action_size=int(system.num_joint_dof))

    @property
    def system(self) -> Any:
        """Brax's description of the bodies, for drawing them."""
        return self._system

    @property
    def step_s(self) -> float:
        """Simulated seconds of a control step."""
        return float(self._system.config.dt)

    def _reset(self, key: jax.Array) -> State:
        """Draw a start state: the default pose with uniform noise on joint angles and velocities."""
        angle_key, velocity_key = jax.random.split(raw_key(key))
        noise, joints = self._rules.reset_noise, (self.action_size,)
        bodies = self._system.default_qp(
            joint_angle=self._system.default_angle()
            + jax.random.uniform(angle_key, joints, minval=-noise, maxval=noise),
            joint_velocity=jax.random.uniform(velocity_key, joints, minval=-noise, maxval=noise),
        )
        return State(
            physics=bodies,
            observation=self._rules.observe(bodies, self._system.info(bodies), jnp.zeros(self.action_size)),
            reward=jnp.zeros(()),
            terminated=jnp.zeros((), bool),
        )

    def _step(self, state: State, action: jax.Array) -> State:
        bodies, impulses = self._system.step(state.physics, self._rules.action_sign * action)
        return State(
            physics=bodies,
            observation=self._rules.observe(bodies, impulses, action),
            reward=self._rules.reward(state.physics, bodies, action),
            terminated=self._rules.terminated(bodies),
        )


def system_of(task: str, adjust: Callable[[Any], None] = lambda configuration: None) -> Any:
    """Return `brax.v1`'s system of bodies for a task, with the dynamics of 2022, after some adjustment.

    `adjust` changes the system's configuration, a protocol buffer, in place.
    """
    envs = import_brax_v1("brax.v1.envs")
    configuration = envs.get_environment(task, legacy_spring=True).sys.config
    adjust(configuration)
    system = import_brax_v1("brax.v1").System(configuration)
    vectorise(system)
    return system


def masses(system: Any) -> npt.NDArray[np.float32]:
    """Return the mass of every body but the floor."""
    return np.asarray(system.body.mass, np.float32).ravel()[:-1]


def centre_of_mass(bodies: Any, mass_b: npt.NDArray[np.float32]) -> jax.Array:
    """Return the position (3,) of the centre of mass of all bodies but the floor."""
    centre: jax.Array = mass_b @ bodies.pos[:-1] / mass_b.sum()
    return centre


def joint_state(system: Any, bodies: Any) -> tuple[jax.Array, jax.Array]:
    """Return angles and angular velocities of all joints.

    Joints come in groups of 1, 2 and 3 axes. Within a group all first axes come first, then all second
    axes, as in 2022; the engine of today lists a joint's axes together.
    """
    groups = [(joints.angle_vel(bodies), joints.dof) for joints in system.joints]
    angles = [angle.reshape(-1, axes).T.ravel() for (angle, _), axes in groups]
    velocities = [velocity.reshape(-1, axes).T.ravel() for (_, velocity), axes in groups]
    return jnp.concatenate(angles), jnp.concatenate(velocities)
