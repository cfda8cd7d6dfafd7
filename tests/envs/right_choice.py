from typing import NamedTuple

import jax
import jax.numpy as jnp

from bgpbt.envs import State

CHOICES = 3


class Wish(NamedTuple):
    words: jax.Array  # uint32, draws later wishes
    wanted: jax.Array  # int32, the choice that is paid now


class RightChoice:
    """Shows which of three choices pays 1; the others pay nothing. Episodes never terminate."""

    name = "right-choice"
    observation_size = CHOICES
    action_size = CHOICES
    discrete_actions = True

    def reset(self, key: jax.Array) -> State:
        return self._state(key, jnp.float32(0.0))

    def step(self, state: State, action: jax.Array) -> State:
        assert action.shape == ()
        assert action.dtype == jnp.int32
        return self._state(state.physics.words, (action == state.physics.wanted).astype(jnp.float32))

    def _state(self, key: jax.Array, reward: jax.Array) -> State:
        later, now = jax.random.split(key)
        wanted = jax.random.randint(now, (), 0, CHOICES)
        observation = jax.nn.one_hot(wanted, CHOICES)
        return State(Wish(later, wanted), observation, reward, jnp.asarray(False))
