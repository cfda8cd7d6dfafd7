"""Importing Brax: lazily, without its noise, and with one line of advice where it is missing.

brax 0.12.0 is the last release that holds both engines: `brax.v1`, of 2022, and `brax.envs`.
"""

import contextlib
import importlib
import io
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import TextIO

import jax.core
import jax.interpreters.batching
import jax.numpy

from bgpbt.errors import InputError

__all__ = ["import_brax", "import_brax_v1", "without_noise"]

# What Brax's dependencies print on every import, by the beginnings of their lines. Neither concerns us: gym
# is needed only by Brax's own wrappers for it, warp only by one of MuJoCo's engines.
_NOISE = (
    "Gym has been unmaintained since 2022",
    "Please upgrade to Gymnasium,",
    "Users of this version of Gym",
    "See the migration guide at https://gymnasium.farama.org",
    "Failed to import warp:",
    "Failed to import mujoco_warp:",
)


def import_brax_v1(module: str) -> ModuleType:
    """Import a module of Brax's engine of 2022, such as `brax.v1.envs`.

    Raises:
        InputError: Brax is not installed, or is a release without that engine.
    """
    # brax.v1 asks whether a value is a `BatchTracer`, a name that JAX took away after 0.8, to choose between
    # NumPy and JAX. Every tracer wants JAX, so the wider class gives it the answer it needs.
    if not hasattr(jax.interpreters.batching, "BatchTracer"):
        jax.interpreters.batching.BatchTracer = jax.core.Tracer  # type: ignore[attr-defined]
    # For the same reason it asks whether it is inside `jax.jit`, by a name that JAX took away with 0.11.
    if not hasattr(jax.core, "unsafe_am_i_under_a_jit_DO_NOT_USE"):
        jax.core.unsafe_am_i_under_a_jit_DO_NOT_USE = _is_under_jit
    return import_brax(module)


def _is_under_jit() -> bool:
    return isinstance(jax.numpy.zeros(()), jax.core.Tracer)  # `jit` traces even what depends on nothing


def import_brax(module: str) -> ModuleType:
    """Import a module of Brax, or of what comes with it.

    Raises:
        InputError: it is not installed, or is a release without that module.
    """
    try:
        with without_noise():
            return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise  # a dependency of Brax's is missing, and its name is in the error
        raise InputError(
            f"this environment needs brax 0.12.0, and {module} is not there: run `pip install bgpbt[brax]`"
        ) from error


@contextlib.contextmanager
def without_noise() -> Iterator[None]:
    """Hold back what is printed inside, and print it afterwards without the lines known as noise."""
    printed, complained = io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(complained):
            yield
    finally:
        _print_rest(printed, sys.stdout)
        _print_rest(complained, sys.stderr)


def _print_rest(held_back: io.StringIO, stream: TextIO) -> None:
    for line in held_back.getvalue().splitlines(keepends=True):
        if not line.startswith(_NOISE):
            stream.write(line)
