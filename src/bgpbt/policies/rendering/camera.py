"""From where an episode is looked at: a camera that follows what moves, without shaking.

What stays near its place (an arm, a reacher) is watched by a camera at rest that sees all of it and its
targets. What is flat is looked at from above. Symbols: t time, s shapes.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bgpbt.arrays import Floats
from bgpbt.policies.rendering.motion import Motion
from bgpbt.policies.rendering.rotations import rotate, to_matrix
from bgpbt.policies.rendering.scene import Shape

__all__ = ["FIELD_OF_VIEW", "View", "view_of"]


FIELD_OF_VIEW = np.deg2rad(34.0)
"""Vertical angle of the picture."""

_SMOOTHING_S = 0.6  # simulated seconds over which the camera's movement is averaged
_AZIMUTH = np.deg2rad(-65.0)  # from the x axis, along which the paper's bodies run
_ELEVATION, _ELEVATION_OF_THE_FLAT = np.deg2rad(16.0), np.deg2rad(52.0)
_FLAT = 0.1  # difference in height by radius, below which a scene counts as flat
_NEAR_TARGET = 3.0  # in radii; a target farther away is not kept in the picture
_NEAR = 2.0  # in radii; what moves no farther is watched by a camera at rest
_MARGIN = 0.88  # below 1, since the sphere that holds all shapes is wider than they are


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Where to look, from which direction and how far away."""

    focus_t3: Floats  # m
    direction: Floats  # (3,), unit vector from the focus to the camera
    distance: float  # m


def view_of(motion: Motion) -> View:
    """Return a view that holds all of the moving bodies in the picture."""
    shapes = motion.scene.shapes
    centre_ts3 = np.stack([_centres(motion, shape) for shape in shapes], axis=1)
    reach_s = np.array([_reach(shape) for shape in shapes])
    agent_s = np.array([shape.role in ("torso", "limb") for shape in shapes])
    middle_t3 = centre_ts3[:, agent_s].mean(axis=1)
    offset_ts = np.linalg.norm(centre_ts3[:, agent_s] - middle_t3[:, None], axis=2)
    radius = float(np.quantile((offset_ts + reach_s[agent_s]).max(axis=1), 0.99))
    if np.ptp(middle_t3[:, :2], axis=0).max() < _NEAR * radius:
        return _at_rest(centre_ts3, reach_s, _kept(shapes, centre_ts3, middle_t3, radius))
    focus_t3 = _smooth(middle_t3, round(_SMOOTHING_S / motion.scene.step_s))
    focus_t3[:, 2] = middle_t3[:, 2].mean()
    return View(focus_t3=focus_t3, direction=_direction(_ELEVATION), distance=_distance(radius))


def _at_rest(centre_ts3: Floats, reach_s: Floats, kept_s: npt.NDArray[np.bool_]) -> View:
    low_3 = (centre_ts3 - reach_s[:, None])[:, kept_s].min(axis=(0, 1))
    high_3 = (centre_ts3 + reach_s[:, None])[:, kept_s].max(axis=(0, 1))
    focus_3 = (low_3 + high_3) / 2
    radius = float(np.linalg.norm(centre_ts3[:, kept_s] - focus_3, axis=2).max() + reach_s[kept_s].max())
    flat = np.ptp(centre_ts3[:, kept_s, 2]) < _FLAT * radius
    return View(
        focus_t3=np.tile(focus_3, (len(centre_ts3), 1)),
        direction=_direction(_ELEVATION_OF_THE_FLAT if flat else _ELEVATION),
        distance=_distance(radius),
    )


def _kept(
    shapes: tuple[Shape, ...], centre_ts3: Floats, middle_t3: Floats, radius: float
) -> npt.NDArray[np.bool_]:
    """Return which shapes a camera at rest must see: the agent's, and the others unless they are far."""
    far_s = np.linalg.norm(centre_ts3 - middle_t3[:, None], axis=2).max(axis=0) > _NEAR_TARGET * radius
    return np.array(
        [shape.role in ("torso", "limb") or not far for shape, far in zip(shapes, far_s, strict=True)]
    )


def _centres(motion: Motion, shape: Shape) -> Floats:
    matrix_t33 = to_matrix(motion.rotation_tb4[:, shape.body])
    return motion.position_tb3[:, shape.body] + rotate(matrix_t33, np.array(shape.position))


def _reach(shape: Shape) -> float:
    """Return the radius of the sphere around a shape."""
    return float(np.linalg.norm(shape.size)) if shape.kind == "box" else shape.size[0] + shape.size[1]


def _direction(elevation: float) -> Floats:
    flat = np.cos(elevation)
    return np.array([flat * np.cos(_AZIMUTH), flat * np.sin(_AZIMUTH), np.sin(elevation)])


def _distance(radius: float) -> float:
    return float(_MARGIN * radius / np.sin(FIELD_OF_VIEW / 2))


def _smooth(path_t3: Floats, width: int) -> Floats:
    """Return a path's moving average over `width` steps to either side; the ends go on as they are."""
    if width < 1:
        return path_t3.copy()
    padded = np.concatenate([path_t3[:1].repeat(width, axis=0), path_t3, path_t3[-1:].repeat(width, axis=0)])
    kernel = np.hanning(2 * width + 3)[1:-1]
    return np.stack([np.convolve(axis, kernel / kernel.sum(), "valid") for axis in padded.T], axis=1)
