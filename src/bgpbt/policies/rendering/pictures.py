"""An episode as moving pictures: GIF with Pillow, MP4 with the encoder that imageio-ffmpeg brings along."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np

from bgpbt import checks
from bgpbt.policies.rendering.camera import view_of
from bgpbt.policies.rendering.motion import Motion
from bgpbt.policies.rendering.raycast import Image, draw
from bgpbt.storage.files import write_durably

__all__ = ["Film", "frame_steps", "write_gif", "write_mp4"]

_PALETTE_FRAMES = 8  # from which a GIF's colours are taken
_COLOURS = 96  # enough for shaded bodies; a quarter of the bytes of 256 with dithering
_INK = (60, 66, 72)


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """How an episode is filmed.

    Raises:
        InputError: a size or a rate is not allowed.
    """

    width: int = 320  # pixels
    height: int = 240
    frames_per_second: int = 25
    seconds: float = 10.0  # at most
    speed: float = 1.0  # simulated seconds by seconds of the film

    def __post_init__(self) -> None:
        checks.within("width", self.width, 16, 4096)
        checks.within("height", self.height, 16, 4096)
        checks.within("frames_per_second", self.frames_per_second, 1, 100)
        checks.require(0 < self.seconds <= 3600, "seconds", self.seconds, "above 0 and at most 3600")
        checks.within("speed", self.speed, 0.01, 100)


def frame_steps(motion: Motion, film: Film) -> list[int]:
    """Return the control step that each frame shows."""
    steps_per_frame = film.speed / film.frames_per_second / motion.scene.step_s
    count = min(
        int((len(motion.return_t) - 1) / steps_per_frame) + 1, round(film.seconds * film.frames_per_second)
    )
    return [round(frame * steps_per_frame) for frame in range(max(count, 1))]


def write_gif(motion: Motion, path: Path, film: Film) -> None:
    """Write an episode as an endless GIF.

    Raises:
        StorageError: the file cannot be written.
    """
    from PIL import Image as Pillow

    pictures = [Pillow.fromarray(picture) for picture in _pictures(motion, film)]
    chosen = pictures[:: max(len(pictures) // _PALETTE_FRAMES, 1)]
    montage = Pillow.fromarray(np.concatenate([np.asarray(picture) for picture in chosen]))
    palette = montage.quantize(_COLOURS, dither=Pillow.Dither.NONE)
    frames = [picture.quantize(palette=palette, dither=Pillow.Dither.NONE) for picture in pictures]
    content = BytesIO()
    frames[0].save(
        content,
        format="GIF",
        save_all=True,
        append_images=frames[1:],
        duration=round(1000 / film.frames_per_second),  # ms
        loop=0,
        optimize=True,
    )
    write_durably(path, content.getvalue())


def write_mp4(motion: Motion, path: Path, film: Film) -> None:
    """Write an episode as H.264 video, which browsers and slides play.

    Raises:
        ModuleNotFoundError: imageio-ffmpeg is not installed.
        StorageError: the file cannot be written.
    """
    import imageio_ffmpeg

    even = Film(
        width=film.width + film.width % 2,  # H.264 halves the resolution of colours
        height=film.height + film.height % 2,
        frames_per_second=film.frames_per_second,
        seconds=film.seconds,
        speed=film.speed,
    )
    with tempfile.TemporaryDirectory(prefix="bgpbt-") as directory:  # the encoder writes to a name alone
        film_path = Path(directory) / "film.mp4"
        writer = imageio_ffmpeg.write_frames(
            str(film_path),
            (even.width, even.height),
            fps=even.frames_per_second,
            quality=7,
            macro_block_size=2,
            ffmpeg_log_level="error",
        )
        writer.send(None)
        for picture in _pictures(motion, even):
            writer.send(np.ascontiguousarray(picture))
        writer.close()
        write_durably(path, film_path.read_bytes())


def _pictures(motion: Motion, film: Film) -> Iterator[Image]:
    view = view_of(motion)
    for step in frame_steps(motion, film):
        yield _with_caption(draw(motion, view, step, width=film.width, height=film.height), motion, step)


def _with_caption(picture: Image, motion: Motion, step: int) -> Image:
    """Write task, time and return into the upper left corner."""
    from PIL import Image as Pillow
    from PIL import ImageDraw, ImageFont

    image = Pillow.fromarray(picture)
    size = max(image.height // 18, 10)
    text = f"{motion.environment}   {step * motion.scene.step_s:5.2f} s   return {motion.return_t[step]:.1f}"
    ImageDraw.Draw(image).text((size // 2, size // 2), text, fill=_INK, font=ImageFont.load_default(size))
    return np.asarray(image)
