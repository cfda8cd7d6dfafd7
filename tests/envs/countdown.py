from typing import NamedTuple

import jax
import jax.numpy as jnp

from bgpbt.envs import State


class Clock(NamedTuple):
    lifetime: jax.Array  # steps from start to termination
    age: jax.Array


class Countdown:
    """Terminates at the end of a lifetime that its key draws; pays the action it is given."""

    name = "countdown"
    observation_size = 2
    action_size = 1

    def __init__(self, shortest: int, longest: int) -> None:
        self.shortest, self.longest = shortest, longest

    def reset(self, key: jax.Array) -> State:
        lifetime = jax.random.randint(key, (), self.shortest, self.longest + 1)
        return self._state(Clock(lifetime, jnp.int32(0)), jnp.float32(0.0))

    def step(self, state: State, action: jax.Array) -> State:
        clock = state.physics
        return self._state(clock._replace(age=clock.age + 1), action[0])

    def _state(self, clock: Clock, reward: jax.Array) -> State:
        observation = jnp.array([clock.lifetime, clock.age], jnp.float32)
        return State(clock, observation, reward, clock.age >= clock.lifetime)
