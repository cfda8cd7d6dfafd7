import functools

import jax

from bgpbt.envs import State
from tests.envs import reference


@functools.cache
def random_rollout(name: str, *, count: int, steps: int) -> State:
    """States (time, environments) under uniform random actions, without resets."""
    environment = reference.environment(name)

    def step(state: State, key: jax.Array) -> tuple[State, State]:
        action_ba = jax.random.uniform(key, (count, environment.action_size), minval=-1.0, maxval=1.0)
        following = jax.vmap(environment.step)(state, action_ba)
        return following, following

    def run(seed: jax.Array) -> State:
        start_key, action_key = jax.random.split(seed)
        first = jax.vmap(environment.reset)(jax.random.split(start_key, count))
        return jax.lax.scan(step, first, jax.random.split(action_key, steps))[1]

    states: State = jax.jit(run)(jax.random.PRNGKey(7))
    return states
