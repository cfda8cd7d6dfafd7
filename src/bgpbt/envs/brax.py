"""The tasks of the newer Brax (`brax.envs`), on any of its own engines."""

import contextlib
import sys
from collections.abc import Iterator

from bgpbt.envs.brax_import import import_brax
from bgpbt.envs.brax_task import BraxTask
from bgpbt.envs.protocol import Environment

__all__ = ["make_brax"]

_RUN_LAST = ("positional", "spring")
"""Engines that on a CPU take a quarter to a half of the time with the batch last.

`generalized` solves systems of equations and takes twice the time.
"""

# Brax's own model files say this to newer MuJoCos; users can do nothing about it.
_KNOWN_WARNING = "compiler attribute 'settotalmass' is deprecated"


def make_brax(task: str, backend: str, *, name: str) -> Environment:
    """Make a task of `brax.envs` by its name there, on one of its engines."""
    envs = import_brax("brax.envs")
    with _without_known_warning():
        environment = envs.get_environment(task, backend=backend)
    return BraxTask(
        name,
        environment,
        state_type=envs.State,
        bodies_field="pipeline_state",
        batch_last=backend in _RUN_LAST,
    )


@contextlib.contextmanager
def _without_known_warning() -> Iterator[None]:
    """Hand MuJoCo's warnings to standard error, one excepted.

    By itself MuJoCo writes them there and into a file MUJOCO_LOG.TXT in the user's current directory.
    """
    mujoco = import_brax("mujoco")
    handler = mujoco.get_mju_user_warning()
    mujoco.set_mju_user_warning(_warn)
    try:
        yield
    finally:
        mujoco.set_mju_user_warning(handler)


def _warn(text: str) -> None:
    if not text.startswith(_KNOWN_WARNING):
        sys.stderr.write(f"MuJoCo: {text}\n")
