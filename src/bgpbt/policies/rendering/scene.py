"""What there is to draw: spheres, capsules and boxes fixed to moving bodies, over the ground.

Rotations are unit quaternions, real part first; lengths are in metres; z points up.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from bgpbt.envs import Environment
from bgpbt.envs.brax_import import import_brax_v1
from bgpbt.errors import InputError

__all__ = ["Role", "Scene", "Shape", "scene_of"]

Kind = Literal["sphere", "capsule", "box"]
Role = Literal["torso", "limb", "target", "fixture"]
Vector = tuple[float, float, float]
Quaternion = tuple[float, float, float, float]

_MUJOCO_SPHERE, _MUJOCO_CAPSULE, _MUJOCO_CYLINDER, _MUJOCO_BOX = 2, 3, 5, 6
_TARGET_NAMES = ("target", "goal")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A solid, and where it sits on its body."""

    kind: Kind
    body: int  # index into a motion's bodies
    position: Vector  # of its centre, in the body's frame
    rotation: Quaternion  # in the body's frame; a capsule lies along its own z axis
    size: (
        Vector  # sphere: radius, 0, 0; capsule: radius, half the length without caps, 0; box: half its edges
    )
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """All solids of a task; the ground is the plane z = 0."""

    shapes: tuple[Shape, ...]
    step_s: float  # simulated seconds of a control step


def scene_of(environment: Environment) -> Scene:
    """Return what an environment looks like.

    Raises:
        InputError: it is not one of Brax's, so nothing is known of its bodies.
    """
    system: Any = getattr(environment, "system", None)
    step_s: float = getattr(environment, "step_s", 0.0)
    if hasattr(system, "config"):
        return Scene(shapes=tuple(_shapes_of_2022(system.config)), step_s=step_s)
    if hasattr(system, "mj_model"):
        return Scene(shapes=tuple(_shapes_of_mujoco(system.mj_model)), step_s=step_s)
    raise InputError(f"{environment.name} cannot be drawn: only Brax's environments say what they look like")


def _shapes_of_2022(configuration: Any) -> list[Shape]:
    """Return the colliders of a configuration of `brax.v1`, but for planes, which are the ground."""
    to_quaternion = import_brax_v1("brax.v1.math").euler_to_quat
    names = [body.name for body in configuration.bodies]
    torso = next(index for index, body in enumerate(configuration.bodies) if not body.frozen.all)
    shapes = []
    for index, body in enumerate(configuration.bodies):
        for collider in body.colliders:
            solid = _solid_of_2022(collider)
            if solid is None:
                continue
            kind, size = solid
            angles = np.array([collider.rotation.x, collider.rotation.y, collider.rotation.z])
            shapes.append(
                Shape(
                    kind=kind,
                    body=index,
                    position=(collider.position.x, collider.position.y, collider.position.z),
                    rotation=_quaternion(to_quaternion(angles)),
                    size=size,
                    role=_role(names[index], moves=not body.frozen.all, torso=index == torso),
                )
            )
    return shapes


def _solid_of_2022(collider: Any) -> tuple[Kind, Vector] | None:
    match collider.WhichOneof("type"):
        case "sphere":
            return "sphere", (collider.sphere.radius, 0.0, 0.0)
        case "capsule":
            radius = collider.capsule.radius
            return "capsule", (radius, max(collider.capsule.length / 2 - radius, 0.0), 0.0)
        case "box":
            half = collider.box.halfsize
            return "box", (half.x, half.y, half.z)
    return None


def _shapes_of_mujoco(model: Any) -> list[Shape]:
    """Return the geometries of a MuJoCo model that are solids; body 0 is the world."""
    shapes = []
    for index in range(model.ngeom):
        body = int(model.geom_bodyid[index])
        solid = _solid_of_mujoco(int(model.geom_type[index]), model.geom_size[index])
        if solid is None:
            continue
        kind, size = solid
        shapes.append(
            Shape(
                kind=kind,
                body=body,
                position=_vector(model.geom_pos[index]),
                rotation=_quaternion(model.geom_quat[index]),
                size=size,
                role=_role(model.body(body).name, moves=body > 0, torso=body == 1),
            )
        )
    return shapes


def _solid_of_mujoco(kind: int, size: Any) -> tuple[Kind, Vector] | None:
    solids: Mapping[int, tuple[Kind, Vector]] = {
        _MUJOCO_SPHERE: ("sphere", (float(size[0]), 0.0, 0.0)),
        _MUJOCO_CAPSULE: ("capsule", (float(size[0]), float(size[1]), 0.0)),
        # A cylinder is drawn as the capsule that fits inside.
        _MUJOCO_CYLINDER: ("capsule", (float(size[0]), max(float(size[1] - size[0]), 0.0), 0.0)),
        _MUJOCO_BOX: ("box", _vector(size)),
    }
    return solids.get(kind)


def _role(name: str, *, moves: bool, torso: bool) -> Role:
    if name.lower() in _TARGET_NAMES:
        return "target"
    if not moves:
        return "fixture"
    return "torso" if torso else "limb"


def _vector(values: Any) -> Vector:
    x, y, z = (float(value) for value in values)
    return x, y, z


def _quaternion(values: Any) -> Quaternion:
    w, x, y, z = (float(value) for value in values)
    return w, x, y, z
