"""The paper's environments as Brax has them, beside the forms in which we step them."""

import importlib.util
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import cache
from types import ModuleType
from typing import Any
from unittest.mock import patch

import jax

from bgpbt.envs import many
from bgpbt.envs.brax_import import import_brax_v1
from bgpbt.envs.paper import locomotion, tasks
from bgpbt.envs.vector import VectorEnvironment
from engine_limits import Limit, raw_environment

__all__ = ["as_brax", "as_vectorised", "brax_environment"]


def brax_environment(environment: VectorEnvironment, steps: int) -> Limit:
    """Return `steps` steps of the same environments as Brax has them, compiled as XLA does by itself."""
    with as_brax():
        own = replace(environment, environment=tasks.make_paper(environment.environment.name))
        return raw_environment(own, steps, compiled=jax.jit)


@contextmanager
def as_vectorised() -> Iterator[None]:
    """Make tasks and step them as we do; what was made as Brax has it leaves no trace."""
    with _patched(_engine()):
        yield


@contextmanager
def as_brax() -> Iterator[None]:
    """Make tasks and step them as Brax does, with `jax.vmap` and its own forms of everything."""
    changed = _engine()
    changed += [(module, "vectorise", _unchanged) for module in (tasks, locomotion)]
    changed.append((many, "runs_last", lambda environment: False))
    with _patched(changed):
        yield


_Change = tuple[Any, str, Callable[..., Any]]


def _engine() -> list[_Change]:
    """Return the engine's own functions, which making a task replaces for all tasks."""
    jumpy = import_brax_v1("brax.v1.jumpy")
    return [(jumpy, name, getattr(_fresh(jumpy), name)) for name in ("arctan2", "cross")]


@cache
def _fresh(module: ModuleType) -> ModuleType:
    """Return a module as it is on disk, whatever was replaced in it since it was imported."""
    specification = importlib.util.find_spec(module.__name__)
    assert specification is not None
    assert specification.loader is not None
    fresh = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(fresh)
    return fresh


@contextmanager
def _patched(changed: list[_Change]) -> Iterator[None]:
    with ExitStack() as stack:
        for module, name, function in changed:
            stack.enter_context(patch.object(module, name, function))
        yield


def _unchanged(system: Any) -> None:
    """Leave a system as Brax has it."""
