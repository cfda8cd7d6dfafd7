"""Pictures without a display or a graphics card: a ray caster in NumPy.

Every solid is intersected with the rays of the pixels it can cover, and with those from the ground to the
light that it can block. A ray is `origin + t * direction`; t counts in depths along the camera's axis.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bgpbt.arrays import Floats32
from bgpbt.policies.rendering import palette
from bgpbt.policies.rendering.camera import FIELD_OF_VIEW, View
from bgpbt.policies.rendering.motion import Motion
from bgpbt.policies.rendering.rotations import to_matrix
from bgpbt.policies.rendering.scene import Shape

__all__ = ["Image", "draw"]

Image = npt.NDArray[np.uint8]
"""A picture: (height, width, 3), sRGB."""


_LIGHT = np.array([-0.304, -0.391, 0.869], np.float32)  # unit vector towards it
_SAMPLES = 2  # rays for each pixel, along each axis
_AMBIENT, _DIFFUSE, _SHADOW = 0.58, 0.46, 0.66  # shares of a surface's colour
_NEAR = 1e-3  # in camera distances
_FADE = 5.0  # camera distances at which the ground's pattern is gone


@dataclass(frozen=True, slots=True)
class _Solid:
    """A shape where it is in one frame."""

    shape: Shape
    centre: Floats32  # (3,)
    axes: Floats32  # (3, 3), columns are the shape's axes

    @property
    def reach(self) -> float:
        size = self.shape.size
        return float(np.linalg.norm(size)) if self.shape.kind == "box" else size[0] + size[1]


@dataclass(frozen=True, slots=True)
class _Camera:
    position: Floats32
    axes: Floats32  # rows are right, up and forward
    focal: float  # samples
    width: int  # samples
    height: int

    @classmethod
    def of(cls, view: View, t: int, width: int, height: int) -> "_Camera":
        forward = -view.direction
        right = np.cross(forward, [0.0, 0.0, 1.0])
        right /= np.linalg.norm(right)
        return cls(
            position=(view.focus_t3[t] + view.distance * view.direction).astype(np.float32),
            axes=np.stack([right, np.cross(right, forward), forward]).astype(np.float32),
            focal=height / 2 / np.tan(FIELD_OF_VIEW / 2),
            width=width,
            height=height,
        )

    def rays(self, rows: slice, columns: slice) -> Floats32:
        """Return directions (rows, columns, 3) through the middle of samples."""
        x = (np.arange(columns.start, columns.stop, dtype=np.float32) + 0.5 - self.width / 2) / self.focal
        y = (self.height / 2 - np.arange(rows.start, rows.stop, dtype=np.float32) - 0.5) / self.focal
        right, up, forward = self.axes
        directions: Floats32 = x[None, :, None] * right + y[:, None, None] * up + forward
        return directions.astype(np.float32)

    def window(self, points: Floats32) -> tuple[slice, slice] | None:
        """Return rows and columns that hold all points (n, 3), or None if none are in the picture."""
        local = (points - self.position) @ self.axes.T
        if np.any(local[:, 2] < _NEAR):
            return slice(0, self.height), slice(0, self.width)
        x = self.width / 2 + self.focal * local[:, 0] / local[:, 2]
        y = self.height / 2 - self.focal * local[:, 1] / local[:, 2]
        rows = slice(max(int(y.min()), 0), min(int(y.max()) + 2, self.height))
        columns = slice(max(int(x.min()), 0), min(int(x.max()) + 2, self.width))
        return (rows, columns) if rows.start < rows.stop and columns.start < columns.stop else None


def draw(motion: Motion, view: View, t: int, *, width: int, height: int) -> Image:
    """Return the picture of one frame of a motion."""
    camera = _Camera.of(view, t, width * _SAMPLES, height * _SAMPLES)
    solids = [_place(motion, shape, t) for shape in motion.scene.shapes]
    everything = (slice(0, camera.height), slice(0, camera.width))
    colour, depth = _background(camera, camera.rays(*everything), view.distance)
    dark = np.zeros(depth.shape, bool)
    for solid in solids:
        _cast_shadow(solid, camera, dark, depth)
    colour[dark] *= _SHADOW
    for solid in solids:
        _paint(solid, camera, colour, depth)
    samples = colour.reshape(height, _SAMPLES, width, _SAMPLES, 3)
    picture: Image = np.rint(255 * np.clip(samples.mean(axis=(1, 3)), 0, 1)).astype(np.uint8)
    return picture


def _place(motion: Motion, shape: Shape, t: int) -> _Solid:
    body = to_matrix(motion.rotation_tb4[t, shape.body])
    centre = motion.position_tb3[t, shape.body] + body @ np.array(shape.position)
    return _Solid(shape, centre.astype(np.float32), (body @ to_matrix(shape.rotation)).astype(np.float32))


def _background(camera: _Camera, rays: Floats32, distance: float) -> tuple[Floats32, Floats32]:
    """Return colours and depths of sky and ground; the sky's depth is infinite."""
    height = np.clip(rays[..., 2:] / np.linalg.norm(rays, axis=-1, keepdims=True), 0, 1)
    colour = _floats(palette.HORIZON) + height * 2 * (_floats(palette.SKY) - _floats(palette.HORIZON))
    with np.errstate(divide="ignore", over="ignore"):
        depth = np.where(rays[..., 2] < 0, -camera.position[2] / rays[..., 2], np.inf).astype(np.float32)
    ground = np.isfinite(depth) & (depth > 0)
    point_n2 = camera.position[:2] + depth[ground][:, None] * rays[ground][:, :2]
    tile = _tile(distance)
    checker_n = (np.floor(point_n2 / tile).sum(axis=1) % 2)[:, None]
    pattern_n = np.where(checker_n > 0, _floats(palette.GROUND_DARK), _floats(palette.GROUND_LIGHT))
    fade_n = np.clip(depth[ground] / (_FADE * distance), 0, 1)[:, None]
    colour[ground] = pattern_n + fade_n * (_floats(palette.HORIZON) - pattern_n)
    depth[~ground] = np.inf
    return colour.astype(np.float32), depth


def _tile(distance: float) -> float:
    """Return the edge of the ground's tiles in metres: 1, 2 or 5 times a power of ten, to show the scale."""
    wanted = distance / 8
    power = 10.0 ** np.floor(np.log10(wanted))
    return float(power * max(step for step in (1, 2, 5) if step * power <= wanted))


def _cast_shadow(solid: _Solid, camera: _Camera, dark: npt.NDArray[np.bool_], depth: Floats32) -> None:
    """Mark the ground where it does not see the light for this solid."""
    foot = solid.centre - _LIGHT * (solid.centre[2] / _LIGHT[2])
    spread = solid.reach / _LIGHT[2]
    corners = [foot + spread * _floats([x, y, 0]) for x in (-1, 1) for y in (-1, 1)]
    window = camera.window(np.array(corners, np.float32))
    if window is None:
        return
    ground = np.isfinite(depth[window]) & ~dark[window]
    origin_n3 = camera.position + depth[window][ground][:, None] * camera.rays(*window)[ground]
    dark[window][ground] = np.isfinite(_hit(solid, origin_n3, _LIGHT[None])[0])


def _paint(solid: _Solid, camera: _Camera, colour: Floats32, depth: Floats32) -> None:
    """Paint a solid where nothing nearer was painted."""
    reach = np.float32(solid.reach)
    corners = [
        solid.centre + reach * (x * camera.axes[0] + y * camera.axes[1] - camera.axes[2])
        for x in (-1, 1)
        for y in (-1, 1)
    ]
    window = camera.window(np.array(corners, np.float32))
    if window is None:
        return
    rays = camera.rays(*window)
    t_n, normal_n3 = _hit(solid, camera.position[None], rays.reshape(-1, 3))
    t_yx = t_n.reshape(rays.shape[:2])
    seen = t_yx < depth[window]
    light_n = np.clip(normal_n3[seen.ravel()] @ _LIGHT, -0.35, 1)
    base = _floats(palette.COLOURS[solid.shape.role])
    colour[window][seen] = (
        base * (_AMBIENT + _DIFFUSE * light_n)[:, None] + 0.22 * (np.clip(light_n, 0, 1) ** 24)[:, None]
    )
    depth[window][seen] = t_yx[seen]


def _hit(solid: _Solid, origin: Floats32, direction: Floats32) -> tuple[Floats32, Floats32]:
    """Return where rays enter a solid: t (n,), infinite where they miss, and normals (n, 3).

    One of origin and direction may have a single row.
    """
    origin, direction = _floats((origin - solid.centre) @ solid.axes), _floats(direction @ solid.axes)
    if solid.shape.kind == "box":
        t_n, normal_n3 = _hit_box(_floats(solid.shape.size), origin, direction)
    else:
        radius, half = solid.shape.size[:2]
        t_n, normal_n3 = _hit_capsule(radius, half, origin, direction)
    return t_n, normal_n3 @ solid.axes.T


def _hit_capsule(
    radius: float, half: float, origin: Floats32, direction: Floats32
) -> tuple[Floats32, Floats32]:
    """Intersect with a capsule along z, the ball of half-length 0 included."""
    t_n = np.full(max(len(origin), len(direction)), np.inf, np.float32)
    if half > 0:
        t_side = _first_root(origin[:, :2], direction[:, :2], radius)
        z = origin[:, 2] + t_side * direction[:, 2]
        t_n = np.where(np.abs(z) <= half, t_side, t_n)
    for end in {half, -half}:
        shifted = origin - _floats([0, 0, end])
        t_n = np.minimum(t_n, _first_root(shifted, direction, radius))
    point_n3 = origin + np.where(np.isfinite(t_n), t_n, 0)[:, None] * direction
    axis_n = np.clip(point_n3[:, 2], -half, half)
    normal_n3 = np.concatenate([point_n3[:, :2], (point_n3[:, 2] - axis_n)[:, None]], axis=1) / radius
    return t_n, _floats(normal_n3)


def _first_root(origin: Floats32, direction: Floats32, radius: float) -> Floats32:
    """Return the smaller positive t with |origin + t * direction| = radius, infinite where there is none."""
    a = np.sum(direction * direction, axis=1)
    b = np.sum(origin * direction, axis=1)
    c = np.sum(origin * origin, axis=1) - radius**2
    discriminant = b * b - a * c
    with np.errstate(invalid="ignore", divide="ignore"):
        t = (-b - np.sqrt(discriminant)) / a
    return np.where((discriminant >= 0) & (t > 0), t, np.inf).astype(np.float32)


def _hit_box(half: Floats32, origin: Floats32, direction: Floats32) -> tuple[Floats32, Floats32]:
    """Intersect with a box around the origin by the three pairs of planes."""
    with np.errstate(divide="ignore", invalid="ignore"):
        one, other = (-half - origin) / direction, (half - origin) / direction
    enter_n3, leave_n3 = np.minimum(one, other), np.maximum(one, other)
    t_n = np.nanmax(enter_n3, axis=1)
    hit_n = (t_n > 0) & (t_n <= np.nanmin(leave_n3, axis=1))
    axis_n = np.nanargmax(enter_n3, axis=1)
    normal_n3 = np.zeros((len(t_n), 3), np.float32)
    sign_n3 = -np.sign(np.broadcast_to(direction, normal_n3.shape))
    rows = np.arange(len(t_n))
    normal_n3[rows, axis_n] = sign_n3[rows, axis_n]
    return np.where(hit_n, t_n, np.inf).astype(np.float32), normal_n3


def _floats(values: npt.ArrayLike) -> Floats32:
    return np.asarray(values, np.float32)
