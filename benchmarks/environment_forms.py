"""The paper's environments as Brax has them, beside the forms in which we step them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from bgpbt.envs import many
from bgpbt.envs.brax_import import import_brax_v1
from bgpbt.envs.paper import locomotion, tasks

__all__ = ["as_brax", "as_vectorised"]


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
    return [(jumpy, name, function) for name, function in _OF_BRAX.items()]


@contextmanager
def _patched(changed: list[_Change]) -> Iterator[None]:
    with ExitStack() as stack:
        for module, name, function in changed:
            stack.enter_context(patch.object(module, name, function))
        yield


def _unchanged(system: Any) -> None:
    """Leave a system as Brax has it."""


_OF_BRAX = {name: getattr(import_brax_v1("brax.v1.jumpy"), name) for name in ("arctan2", "cross")}
