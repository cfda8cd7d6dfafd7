"""The score of a policy: the mean return of sampled actions over complete episodes.

All members are scored on the same start states and the same action noise (common random numbers), so that
their differences are not luck. An episode counts until it terminates or reaches the time limit.
"""

import jax
import jax.numpy as jnp

from bgpbt.agents.networks.action_space import space_of
from bgpbt.agents.networks.member import Policy
from bgpbt.agents.ppo.rollout import act
from bgpbt.envs import Environment, many
from bgpbt.outcomes import EpisodeReturns

__all__ = ["EpisodeReturns", "episode_returns"]


def episode_returns(
    environment: Environment, policy: Policy, key: jax.Array, *, episodes: int, episode_length: int
) -> tuple[jax.Array, jax.Array]:
    """Return the returns (episodes,) and the number of steps until the last episode was over."""
    actions = space_of(environment)
    start_key, action_key = jax.random.split(key)
    state = jax.vmap(environment.reset)(jax.random.split(start_key, episodes))

    def goes_on(carry: tuple[jax.Array, object, jax.Array, jax.Array]) -> jax.Array:
        t, _, alive_b, _ = carry
        return (t < episode_length) & jnp.any(alive_b)

    def step(carry):  # type: ignore[no-untyped-def]
        t, state, alive_b, return_b = carry
        action_bk, _ = act(actions, policy, state.observation, jax.random.fold_in(action_key, t))
        state = many.step(environment, state, actions.performed(action_bk))
        # An ended episode's physics may run away to NaN, so it is left out by `where`, not by a product.
        return_b = return_b + jnp.where(alive_b, state.reward, 0.0)
        return t + 1, state, alive_b & ~state.terminated, return_b

    state = state._replace(physics=many.running(environment, state.physics))
    first = (jnp.int32(0), state, jnp.ones(episodes, bool), jnp.zeros(episodes))
    steps, _, _, return_b = jax.lax.while_loop(goes_on, step, first)
    return return_b, steps
