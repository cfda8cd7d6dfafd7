"""An episode as one HTML file that needs neither a server nor a network.

The page draws with WebGL; its Content-Security-Policy forbids every request. Numbers travel as base64 of
little-endian arrays, texts as JSON in which no tag can be closed.
"""

import base64
import json
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bgpbt.policies.rendering import palette
from bgpbt.policies.rendering.camera import FIELD_OF_VIEW, view_of
from bgpbt.policies.rendering.motion import Motion
from bgpbt.storage.files import write_durably

__all__ = ["page_of", "write_page"]

_MARK = '<script type="application/json" id="episode">EPISODE</script>'
_ROTATION_SCALE = 32767  # of quaternions as 16-bit integers: exact to 0.002 degrees


def write_page(motion: Motion, path: Path, *, caption: str = "") -> None:
    """Write the page of an episode.

    Raises:
        StorageError: the file cannot be written.
    """
    write_durably(path, page_of(motion, caption=caption).encode())


def page_of(motion: Motion, *, caption: str = "") -> str:
    """Return the page of an episode as HTML; the caption stands beside the title."""
    view = view_of(motion)
    rotation_tb4 = motion.rotation_tb4 / np.linalg.norm(motion.rotation_tb4, axis=-1, keepdims=True)
    episode = {
        "title": motion.environment,
        "caption": caption,
        "bodies": motion.position_tb3.shape[1],
        "step_s": motion.scene.step_s,
        "shapes": [asdict(shape) for shape in motion.scene.shapes],
        "colours": palette.COLOURS,
        "angle": float(FIELD_OF_VIEW),
        "direction": view.direction.tolist(),
        "distance": view.distance,
        "position": _text(motion.position_tb3.astype("<f4")),
        "rotation": _text(np.rint(rotation_tb4 * _ROTATION_SCALE).astype("<i2")),
        "focus": _text(view.focus_t3.astype("<f4")),
        "returns": _text(motion.return_t.astype("<f4")),
    }
    text = json.dumps(episode).replace("<", "\\u003c")
    template = files(__package__).joinpath("viewer.html").read_text(encoding="utf-8")
    assert _MARK in template
    return template.replace(_MARK, _MARK.replace("EPISODE", text))


def _text(array: npt.NDArray[Any]) -> str:
    return base64.b64encode(array.tobytes()).decode()
