"""`bgpbt render`: the best agent moving, as GIF, as video and as a page, without a display."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro
from tyro.conf import arg

from bgpbt.cli.policy import policy_of
from bgpbt.errors import InputError, naming_extra

if TYPE_CHECKING:
    from bgpbt.policies import PolicyDescription

__all__ = ["RenderArguments", "render"]

SUFFIXES = (".gif", ".mp4", ".html")


@dataclass(frozen=True, kw_only=True)
class RenderArguments:
    """Show an agent moving: a GIF, a video or an interactive page; no display is needed."""

    policy: tyro.conf.Positional[Path]
    """A run's directory, whose best policy is taken, or a policy's file."""
    output: Annotated[list[Path] | None, arg(aliases=["-o"])] = None
    """Files to write: .gif, .mp4 or .html; without it, a GIF and a page, named like the run."""
    seed: int = 0
    """Seed of the start state, and of the actions with --sampled."""
    steps: int | None = None
    """Control steps to show, at most; without it, a whole episode."""
    sampled: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Sample actions as in training; else the mean is taken."""
    width: int = 320
    """Width of pictures, in pixels."""
    height: int = 240
    """Height of pictures, in pixels."""
    fps: int = 25
    """Pictures for each second."""
    seconds: float = 10.0
    """Length of a GIF or a video, at most."""
    speed: float = 1.0
    """Simulated seconds for each second of a GIF or a video."""


def render(arguments: RenderArguments) -> int:
    """Write the files and return the exit status.

    Raises:
        BgpbtError: there is no policy, its task cannot be drawn, or a file cannot be written.
    """
    outputs = _outputs(arguments)
    policy = policy_of(arguments.policy)
    from bgpbt.policies.rendering import Film, move, write_gif, write_mp4, write_page

    film = Film(
        width=arguments.width,
        height=arguments.height,
        frames_per_second=arguments.fps,
        seconds=arguments.seconds,
        speed=arguments.speed,
    )
    motion = move(policy, seed=arguments.seed, steps=arguments.steps, sampled=arguments.sampled)
    for output in outputs:
        match output.suffix.lower():
            case ".html":
                write_page(motion, output, caption=_caption(policy.description))
            case ".gif":
                with naming_extra("render"):
                    write_gif(motion, output, film)
            case _:
                with naming_extra("video"):
                    write_mp4(motion, output, film)
        end = "ended by the task" if motion.terminated else "not over"
        print(f"{output}: {motion.seconds:.1f} s, {end}, return {motion.return_t[-1]:.6g}")
    return 0


def _outputs(arguments: RenderArguments) -> list[Path]:
    stem = arguments.policy.resolve().name.removesuffix(".safetensors")
    outputs = arguments.output or [Path(f"{stem}.gif"), Path(f"{stem}.html")]
    for output in outputs:
        if output.suffix.lower() not in SUFFIXES:
            raise InputError(f"{output}: the name must end in {', '.join(SUFFIXES)}")
        if not output.parent.is_dir():
            raise InputError(f"{output.parent}: there is no such directory")
    return outputs


def _caption(description: "PolicyDescription") -> str:
    parts = [] if description.score is None else [f"return in selection {description.score:.6g}"]
    if description.steps is not None:
        parts.insert(0, f"after {description.steps:,} steps")
    if description.strategy is not None:
        parts.insert(0, f"trained with {description.strategy}, seed {description.seed}")
    return ", ".join(parts)
