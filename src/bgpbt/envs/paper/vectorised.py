"""What the engine of 2022 makes a CPU compute number by number, in forms that XLA computes many at a time.

The engine appends what acts on the children of joints to what acts on their parents, and adds it all up by
body. XLA makes one loop of appending and everything before it, with a branch for every number. Here parents
are added up first and children after them: the same sums in the same order. Angles of joints come from an
arctangent for which XLA calls the C library, where a polynomial does. And the factors of cross products are
computed once. With the batch last (`bgpbt.envs.batch_last`) steps take a fifth to an eighth of the time.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from bgpbt.envs.brax_import import import_brax_v1
from bgpbt.xla import on_cpu

__all__ = ["arctan2", "vectorise"]

_LARGEST_UNREDUCED = float(np.tan(np.pi / 8))
_ARCTANGENT = (-3.33329491539e-1, 1.99777106478e-1, -1.38776856032e-1, 8.05374449538e-2)  # u^3 to u^9


def vectorise(system: Any) -> None:
    """Change a system of `brax.v1`, and how the engine computes angles, on a CPU.

    An accelerator computes many numbers at a time as it is, and would have more kernels to start.
    """
    if not on_cpu():
        return
    system.joints = [_Joints(joints) for joints in system.joints]
    system.actuators = [_Actuators(actuators) for actuators in system.actuators]
    jumpy: Any = import_brax_v1("brax.v1.jumpy")
    jumpy.arctan2 = arctan2
    jumpy.cross = cross


def cross(first: Any, second: Any) -> Any:
    """Return the cross product of vectors (3,).

    Each of its numbers takes four of the factors'. Without a barrier XLA would compute the factors anew for
    each of them, and whatever they are made of.
    """
    if not isinstance(first, jax.Array) and not isinstance(second, jax.Array):
        return np.cross(first, second)  # a constant of the engine's
    return jnp.cross(*jax.lax.optimization_barrier((first, second)))


def arctan2(y: Any, x: Any) -> Any:
    """Return the angle of the point (x, y) in [-pi, pi], to 3e-7; +-0 at the origin.

    The polynomial is that of `atanf` in Moshier's Cephes library, for |u| up to tan(pi / 8).
    """
    if not isinstance(x, jax.Array) and not isinstance(y, jax.Array):
        return np.arctan2(y, x)  # a constant of the engine's
    width, height = jnp.abs(x), jnp.abs(y)
    longer, shorter = jnp.maximum(width, height), jnp.minimum(width, height)
    slope = shorter / jnp.where(longer > 0.0, longer, 1.0)
    is_steep = slope > _LARGEST_UNREDUCED
    u = jnp.where(is_steep, (slope - 1.0) / (slope + 1.0), slope)  # arctan(slope) is that of u, plus pi / 4
    square = u * u
    series = jnp.zeros_like(u)
    for coefficient in reversed(_ARCTANGENT):
        series = (series + coefficient) * square
    angle = u + u * series + jnp.where(is_steep, np.float32(np.pi / 4), 0.0)
    angle = jnp.where(height > width, np.float32(np.pi / 2) - angle, angle)
    angle = jnp.where(x < 0.0, np.float32(np.pi) - angle, angle)
    return jnp.copysign(angle, y)


class _Group:
    """A group of Brax's of which all but one method stays as it is."""

    def __init__(self, group: Any) -> None:
        self._group = group
        self._engine = import_brax_v1("brax.v1.physics.base")
        self._take = import_brax_v1("brax.v1.jumpy").take

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # of a group that is being copied there is nothing yet to ask
            raise AttributeError(name)
        return getattr(self._group, name)

    def _ends(self, joints: Any, bodies: Any) -> tuple[Any, Any]:
        """Return the parents and the children of joints."""
        return self._take(bodies, joints.body_p.idx), self._take(bodies, joints.body_c.idx)


class _Joints(_Group):
    """Joints with the same number of axes."""

    def apply(self, bodies: Any) -> Any:
        """Return the impulses (bodies,) that hold bodies together."""
        joints = self._group
        parent, child = jax.vmap(type(joints).apply_reduced)(joints, *self._ends(joints, bodies))
        return self._engine.P(
            vel=_added_up(joints, parent.vel, child.vel, like=bodies.vel),
            ang=_added_up(joints, parent.ang, child.ang, like=bodies.ang),
        )


class _Actuators(_Group):
    """Actuators of one kind."""

    def apply(self, bodies: Any, action: jax.Array) -> Any:
        """Return the impulses (bodies,) of an action."""
        actuators = self._group
        own_action = self._take(action, actuators.act_index) * actuators.act_mask
        parent, child = jax.vmap(type(actuators).apply_reduced)(
            actuators, own_action, *self._ends(actuators.joint, bodies)
        )
        return self._engine.P(
            vel=jnp.zeros_like(bodies.vel), ang=_added_up(actuators.joint, parent, child, like=bodies.ang)
        )


def _added_up(joints: Any, parent_j3: jax.Array, child_j3: jax.Array, *, like: jax.Array) -> jax.Array:
    """Return what acts on each body, from what acts on the ends of joints: (bodies, 3)."""
    return jnp.zeros_like(like).at[joints.body_p.idx].add(parent_j3).at[joints.body_c.idx].add(child_j3)
