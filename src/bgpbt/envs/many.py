"""Many copies of an environment, stepped as one.

A batch comes first, in physics as everywhere else. While a loop runs, physics may have it last: on a CPU the
steps of some environments are several times as fast then. So a loop begins with `running`, takes its steps
with `step`, and ends with `at_rest`. What an agent sees and does has the batch first throughout.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from bgpbt.envs.batch_last import vmap_last
from bgpbt.envs.protocol import Environment, State
from bgpbt.xla import kept, on_cpu

__all__ = ["at_rest", "running", "runs_last", "step", "where"]

_CACHE_LINE = 16  # numbers


def running(environment: Environment, physics: Any) -> Any:
    """Return physics, or start states' physics, as `step` takes them."""
    if not runs_last(environment):
        return physics
    return jax.tree.map(lambda array: jnp.moveaxis(array, 0, -1), physics)


def at_rest(environment: Environment, physics: Any) -> Any:
    """Return physics that were `running` with the batch first."""
    if not runs_last(environment):
        return physics
    return jax.tree.map(lambda array: jnp.moveaxis(array, -1, 0), physics)


def step(environment: Environment, state: State, action_ba: jax.Array) -> State:
    """Go on by one control step in each; physics are `running`, all else has the batch first."""
    if not runs_last(environment):
        return jax.vmap(environment.step)(state, action_ba)
    after: State = _step_last(environment, state, action_ba)
    return after


@partial(jax.jit, static_argnums=0)  # traced once, whoever calls it
def _step_last(environment: Environment, state: State, action_ba: jax.Array) -> State:
    after: State = vmap_last(environment.step)(state._replace(observation=state.observation.T), action_ba.T)
    return after._replace(observation=_batch_first(after.observation))


def _batch_first(observation_ob: jax.Array) -> jax.Array:
    """Return the observations (b, o), computed before they are transposed.

    Rows a power of two apart would share one set of the cache, so that each number is fetched anew.
    """
    count = observation_ob.shape[1]
    apart = jnp.pad(observation_ob, ((0, 0), (0, _CACHE_LINE)))
    return kept(apart)[:, :count].T


def where(environment: Environment, is_b: jax.Array, first: Any, second: Any) -> Any:
    """Choose between two physics that are `running`, copy by copy."""

    def choose(first: jax.Array, second: jax.Array) -> jax.Array:
        others = first.ndim - 1
        shape = (*[1] * others, -1) if runs_last(environment) else (-1, *[1] * others)
        return jnp.where(is_b.reshape(shape), first, second)

    return jax.tree.map(choose, first, second)


def runs_last(environment: Environment) -> bool:
    """Return whether physics run with the batch last.

    An accelerator computes many numbers at a time in either layout.
    """
    return getattr(environment, "batch_last", False) and on_cpu()
