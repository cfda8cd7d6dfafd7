"""Experience: a stretch of every environment, of dynamic length in a buffer of fixed length.

Time comes first. The buffer has one more observation than steps, so that the value of the state after the
last step can be estimated.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from bgpbt.agents.networks import normaliser, perceptron
from bgpbt.agents.networks.action_space import ActionSpace, Distribution, space_of
from bgpbt.agents.networks.member import Policy
from bgpbt.envs.vector import StartStates, VectorEnvironment, VectorState

__all__ = ["Experience", "Extent", "act", "collect", "distribution_of", "empty"]


class Experience(NamedTuple):
    """What the learner sees of a rollout; entries past its length are stale and must be masked."""

    observation_tbo: jax.Array  # (steps + 1, environments, observation)
    action_tbk: jax.Array  # (steps, environments, numbers that store an action)
    log_prob_tb: jax.Array  # of stored actions, under the policy that acted
    reward_tb: jax.Array  # unscaled
    terminated_tb: jax.Array  # the episode ended in this step: nothing follows
    truncated_tb: jax.Array  # the time limit cut the episode in this step


class Extent(NamedTuple):
    """How long a rollout is.

    Where several agents are stepped together, `most_steps` is the most that any of them takes: whoever has
    done its own stands still. None: there is one.
    """

    steps: jax.Array
    most_steps: jax.Array | None = None


def act(
    actions: ActionSpace, policy: Policy, observation_bo: jax.Array, key: jax.Array
) -> tuple[jax.Array, Distribution]:
    """Sample actions, as they are stored, and return them with their distribution."""
    distribution = distribution_of(actions, policy, observation_bo)
    return distribution.sample(key), distribution


def distribution_of(actions: ActionSpace, policy: Policy, observation_bo: jax.Array) -> Distribution:
    """Return the distribution of a policy's actions."""
    normalised_bo = normaliser.normalise(policy.normaliser, observation_bo)
    logits_bl = perceptron.apply(policy.parameters, policy.spectral, normalised_bo)
    distribution: Distribution = actions.from_logits(logits_bl)
    return distribution


def empty(environment: VectorEnvironment, longest: int) -> Experience:
    """Return a buffer for rollouts of up to `longest` steps."""
    count = environment.count
    size = environment.environment.observation_size
    return Experience(
        observation_tbo=jnp.zeros((longest + 1, count, size)),
        action_tbk=jnp.zeros((longest, count, space_of(environment.environment).columns)),
        log_prob_tb=jnp.zeros((longest, count)),
        reward_tb=jnp.zeros((longest, count)),
        terminated_tb=jnp.zeros((longest, count), bool),
        truncated_tb=jnp.zeros((longest, count), bool),
    )


def collect(
    environment: VectorEnvironment,
    policy: Policy,
    begin: tuple[VectorState, StartStates],
    buffer: Experience,
    *,
    extent: Extent,
    key: jax.Array,
) -> tuple[VectorState, Experience]:
    """Act in all environments, for as many steps as the buffer holds at most, and fill it.

    `begin` is where the environments stand and where their next episodes start.
    """
    state, starts = environment.running(begin[0]), environment.running(begin[1])
    actions = space_of(environment.environment)
    steps, most_steps = extent

    def step(t: jax.Array, carry: tuple[VectorState, Experience]) -> tuple[VectorState, Experience]:
        state, buffer = carry
        observation_bo = state.observation
        action_bk, distribution = act(actions, policy, observation_bo, jax.random.fold_in(key, t))
        following = environment.advance(state, starts, actions.performed(action_bk))
        buffer = Experience(
            observation_tbo=buffer.observation_tbo.at[t].set(observation_bo),
            action_tbk=buffer.action_tbk.at[t].set(action_bk),
            log_prob_tb=buffer.log_prob_tb.at[t].set(distribution.log_prob(action_bk)),
            reward_tb=buffer.reward_tb.at[t].set(following.reward),
            terminated_tb=buffer.terminated_tb.at[t].set(following.terminated),
            truncated_tb=buffer.truncated_tb.at[t].set(following.truncated),
        )
        if most_steps is not None:
            following = jax.tree.map(lambda now, after: jnp.where(t < steps, after, now), state, following)
        return following, buffer

    bound = steps if most_steps is None else most_steps
    state, buffer = jax.lax.fori_loop(0, bound, step, (state, buffer))
    last_observation_tbo = buffer.observation_tbo.at[steps].set(state.observation)
    return environment.at_rest(state), buffer._replace(observation_tbo=last_observation_tbo)
