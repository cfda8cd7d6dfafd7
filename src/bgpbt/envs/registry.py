"""From a name to an environment.

`reacher` is the task of 2022; `brax:reacher` is the newer Brax's task of that name, on its default engine,
and `brax:reacher/spring` on another of its engines. Nothing heavy is imported before an environment is made.
"""

from __future__ import annotations

import difflib
from importlib.util import find_spec
from typing import TYPE_CHECKING

from bgpbt.errors import InputError

if TYPE_CHECKING:
    from bgpbt.envs.protocol import Environment

__all__ = ["BACKENDS", "BRAX_NAMES", "PAPER_NAMES", "check_name", "make", "names"]

PAPER_NAMES = ("ant", "fetch", "halfcheetah", "hopper", "humanoid", "reacher", "ur5e")
"""The tasks of Wan et al. (2022), on the engine of 2022."""

BRAX_NAMES = (
    "ant",
    "halfcheetah",
    "hopper",
    "humanoid",
    "humanoidstandup",
    "inverted_double_pendulum",
    "inverted_pendulum",
    "pusher",
    "reacher",
    "walker2d",
)
"""The tasks of the newer `brax.envs`, without the prefix. Its swimmer fails on today's JAX."""

BACKENDS = ("generalized", "positional", "spring")
"""The engines of the newer Brax; the first is the default. Its fourth, mjx, fails on today's MuJoCo."""

_PREFIX = "brax:"


def names() -> tuple[str, ...]:
    """Return every name, the paper's tasks first, and of engines the default alone."""
    return PAPER_NAMES + tuple(_PREFIX + name for name in BRAX_NAMES)


def check_name(name: str) -> None:
    """Check a name without making the environment.

    Raises:
        InputError: there is no environment of this name; the text names the nearest.
    """
    task, slash, backend = name.partition("/")
    if task not in names() or (slash and not task.startswith(_PREFIX)):
        near = difflib.get_close_matches(name, names(), n=3, cutoff=0.5)
        advice = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(names())}"
        raise InputError(f"environment {name!r} is not known; {advice}")
    if slash and backend not in BACKENDS:
        raise InputError(
            f"environment {name!r}: the engine after the slash must be one of {', '.join(BACKENDS)}"
        )


def make(name: str) -> Environment:
    """Make the environment of this name.

    Raises:
        InputError: there is none, or what it needs is not installed.
    """
    check_name(name)
    missing = [package for package in ("jax", "brax") if find_spec(package) is None]
    if missing:
        raise InputError(
            f"environment {name!r} needs {' and '.join(missing)}, which is not installed: "
            "run `pip install bgpbt[brax]`"
        )
    if not name.startswith(_PREFIX):
        from bgpbt.envs.paper import make_paper

        return make_paper(name)
    from bgpbt.envs.brax import make_brax

    task, _, backend = name.removeprefix(_PREFIX).partition("/")
    return make_brax(task, backend or BACKENDS[0], name=name)
