"""From a name to an environment.

`reacher` is the task of 2022; `brax:reacher` is the newer Brax's task of that name, on its default engine,
and `brax:reacher/spring` on another of its engines; `gymnax:CartPole-v1` is gymnax's task, and
`playground:CheetahRun` one of MuJoCo Playground's. A user's own environment has the name it was registered
under, or `python:MODULE:FUNCTION`, which other processes find too. Nothing heavy is imported before an
environment is made.
"""

from __future__ import annotations

import difflib
import importlib
import re
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from bgpbt.errors import InputError, reason_of, shown

if TYPE_CHECKING:
    from bgpbt.envs.protocol import Environment

__all__ = [
    "BACKENDS",
    "BRAX_NAMES",
    "GYMNAX_NAMES",
    "PAPER_NAMES",
    "PLAYGROUND_NAMES",
    "check_name",
    "make",
    "names",
    "register",
]

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

GYMNAX_NAMES = (
    "Acrobot-v1",
    "Asterix-MinAtar",
    "Breakout-MinAtar",
    "CartPole-v1",
    "Freeway-MinAtar",
    "MountainCar-v0",
    "MountainCarContinuous-v0",
    "Pendulum-v1",
    "Seaquest-MinAtar",
    "SpaceInvaders-MinAtar",
)
"""The classic control and MinAtar tasks of gymnax, without the prefix."""

PLAYGROUND_NAMES = (
    "AcrobotSwingup",
    "AcrobotSwingupSparse",
    "BallInCup",
    "CartpoleBalance",
    "CartpoleBalanceSparse",
    "CartpoleSwingup",
    "CartpoleSwingupSparse",
    "CheetahRun",
    "FingerSpin",
    "FingerTurnEasy",
    "FingerTurnHard",
    "FishSwim",
    "HopperHop",
    "HopperStand",
    "HumanoidRun",
    "HumanoidStand",
    "HumanoidWalk",
    "PendulumSwingup",
    "PointMass",
    "ReacherEasy",
    "ReacherHard",
    "SwimmerSwimmer6",
    "WalkerRun",
    "WalkerStand",
    "WalkerWalk",
)
"""The DeepMind control suite of MuJoCo Playground, without the prefix. It excludes brax 0.12."""

_PREFIX = "brax:"
_GYMNAX_PREFIX = "gymnax:"
_PLAYGROUND_PREFIX = "playground:"
_PYTHON_NAME = re.compile(r"python:(?P<module>[\w.]+):(?P<function>\w+)")

_PARTS = ("name", "observation_size", "action_size", "reset", "step")  # of an `Environment`

_REGISTERED: dict[str, Callable[[], Environment]] = {}


def register(name: str, make_environment: Callable[[], Environment]) -> None:
    """Give an environment of one's own a name, in this process.

    A cluster's workers are other processes: there, use `python:MODULE:FUNCTION` with an importable function.

    Args:
        name: what `make` and `bgpbt train` call it; no colon and no slash.
        make_environment: makes it; called for every trainer.

    Raises:
        InputError: the name is taken or not allowed.
    """
    if not name or ":" in name or "/" in name:
        raise InputError(f"an environment cannot be called {name!r}: it must have no colon and no slash")
    if name in names():
        raise InputError(f"there is an environment {name!r} already")
    _REGISTERED[name] = make_environment


def names() -> tuple[str, ...]:
    """Return every name, the paper's tasks first, registered ones last, and of engines the default alone."""
    suites = ((_PREFIX, BRAX_NAMES), (_GYMNAX_PREFIX, GYMNAX_NAMES), (_PLAYGROUND_PREFIX, PLAYGROUND_NAMES))
    return (*PAPER_NAMES, *(prefix + name for prefix, tasks in suites for name in tasks), *_REGISTERED)


def check_name(name: str) -> None:
    """Check a name without making the environment.

    Raises:
        InputError: there is no environment of this name; the text names the nearest.
    """
    if _PYTHON_NAME.fullmatch(name):
        return
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
    if name in _REGISTERED:
        return _REGISTERED[name]()
    if (named := _PYTHON_NAME.fullmatch(name)) is not None:
        return _imported(name, named["module"], named["function"])
    if name.startswith(_GYMNAX_PREFIX):
        _check_installed(name, "gymnax", extra="gymnax")
        from bgpbt.envs.gymnax import make_gymnax

        return make_gymnax(name.removeprefix(_GYMNAX_PREFIX), name=name)
    if name.startswith(_PLAYGROUND_PREFIX):
        _check_installed(name, "mujoco_playground", extra="playground")
        from bgpbt.envs.playground import make_playground

        return make_playground(name.removeprefix(_PLAYGROUND_PREFIX), name=name)
    _check_installed(name, "brax", extra="brax")
    if not name.startswith(_PREFIX):
        from bgpbt.envs.paper import make_paper

        return make_paper(name)
    from bgpbt.envs.brax import make_brax

    task, _, backend = name.removeprefix(_PREFIX).partition("/")
    return make_brax(task, backend or BACKENDS[0], name=name)


def _check_installed(name: str, package: str, *, extra: str) -> None:
    missing = [needed for needed in ("jax", package) if find_spec(needed) is None]
    if missing:
        hint = ", in an environment without brax 0.12, which it excludes" if extra == "playground" else ""
        raise InputError(
            f"environment {name!r} needs {' and '.join(missing)}, which is not installed: "
            f"run `pip install bgpbt[{extra}]`{hint}"
        )


def _imported(name: str, module: str, function: str) -> Environment:
    here = f"{Path.cwd()}"
    if here not in sys.path:  # the `bgpbt` command has its own directory there instead; last, to hide nothing
        sys.path.append(here)
    try:
        make_environment = getattr(importlib.import_module(module), function)
    except ModuleNotFoundError as error:
        raise InputError(f"environment {name!r}: there is no module {error.name!r} to import") from error
    except Exception as error:  # of the user's module
        raise InputError(f"environment {name!r}: {reason_of(error)}") from error
    try:
        environment: Environment = make_environment()
        missing = [part for part in _PARTS if not hasattr(environment, part)]
    except Exception as error:  # of the user's function
        raise InputError(f"environment {name!r} cannot be made: {reason_of(error)}") from error
    if missing:
        raise InputError(
            f"environment {name!r}: {function}() returned {shown(environment)}, which is no environment: "
            f"it lacks {', '.join(missing)}"
        )
    return environment
