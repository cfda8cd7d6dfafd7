"""The PPO objective on a slice of transitions, and what a teacher adds to it.

Schulman et al. (2017), eq. 9, with the paper's coefficients: value loss 0.5 x 0.5 x squared error, an entropy
bonus, no normalisation of advantages. Advantages and value targets follow the value network from
one minibatch to the next; estimating them once for an epoch would let value travel back by one unroll for an
epoch instead of one for a minibatch, and costs a forward pass more.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from bgpbt.agents.networks import perceptron
from bgpbt.agents.networks.action_space import ActionSpace, Distribution
from bgpbt.agents.networks.member import ActorCritic, SpectralVectors
from bgpbt.agents.ppo.advantages import Rewards, generalised_advantages
from bgpbt.agents.ppo.distillation import TeacherCoefficients, TeacherOutput
from bgpbt.agents.ppo.hyperparameters import Hyperparameters

__all__ = ["VALUE_COEFFICIENT", "LossTerms", "Transitions", "ppo_loss"]

VALUE_COEFFICIENT = 0.5 * 0.5  # half of the squared error, weighted by a half


class Transitions(NamedTuple):
    """Sequences laid end to end: rows i, sequences s."""

    observation_io: jax.Array  # normalised
    last_observation_so: jax.Array  # normalised, after each sequence's last step
    action_ik: jax.Array  # as the action space stores it
    noise_in: jax.Array  # for the entropy, where that is sampled
    log_prob_i: jax.Array  # under the policy that acted
    rewards: Rewards
    weight: jax.Array  # what each step counts in the mean
    teacher_output: Callable[[], TeacherOutput]  # looks up what a teacher says of them, if there is one
    teacher_coefficients: TeacherCoefficients


class LossTerms(NamedTuple):
    """The parts of the objective, for people to look at. Weighted sums over a slice."""

    policy_loss: jax.Array
    value_loss: jax.Array
    entropy: jax.Array  # nats
    approximate_kl: jax.Array  # nats, E[ratio - 1 - log ratio] (Schulman, 2020), never negative
    clip_fraction: jax.Array  # transitions whose ratio lies outside the clip interval
    teacher_kl: jax.Array  # nats, KL(teacher || student); 0 without a teacher
    teacher_value_error: jax.Array  # squared; 0 without a teacher


def ppo_loss(
    actions: ActionSpace,
    parameters: ActorCritic,
    spectral: SpectralVectors,
    transitions: Transitions,
    hyperparameters: Hyperparameters,
) -> tuple[jax.Array, LossTerms]:
    """Return the weighted sum of the objective (to be minimised) and its parts."""
    logits_il = perceptron.apply(parameters.policy, spectral.policy, transitions.observation_io)
    distribution: Distribution = actions.from_logits(logits_il)
    value_i = perceptron.apply(parameters.value, spectral.value, transitions.observation_io)[:, 0]
    # The values that targets are made of are constants, so they cost no backward pass.
    constants = jax.lax.stop_gradient(parameters.value)
    last_value_s = perceptron.apply(constants, spectral.value, transitions.last_observation_so)[:, 0]
    advantage_i = generalised_advantages(
        transitions.rewards,
        jax.lax.stop_gradient(value_i),
        last_value_s,
        hyperparameters,
    )
    value_target_i = advantage_i + jax.lax.stop_gradient(value_i)
    weight_i = transitions.weight * transitions.rewards.is_step_i

    log_prob_i = distribution.log_prob(transitions.action_ik)
    log_ratio_i = log_prob_i - transitions.log_prob_i
    ratio_i = jnp.exp(log_ratio_i)
    clip = hyperparameters.clip_epsilon
    clipped_i = jnp.clip(ratio_i, 1.0 - clip, 1.0 + clip)
    surrogate_i = jnp.minimum(ratio_i * advantage_i, clipped_i * advantage_i)

    teacher_kl, teacher_value_error = _distance_to_teacher(
        actions, transitions, distribution, value_i, weight_i
    )
    terms = LossTerms(
        policy_loss=-jnp.sum(weight_i * surrogate_i),
        value_loss=VALUE_COEFFICIENT * jnp.sum(weight_i * (value_target_i - value_i) ** 2),
        entropy=jnp.sum(weight_i * distribution.entropy(transitions.noise_in)),
        approximate_kl=jnp.sum(weight_i * (ratio_i - 1.0 - log_ratio_i)),
        clip_fraction=jnp.sum(weight_i * (jnp.abs(ratio_i - 1.0) > clip)),
        teacher_kl=teacher_kl,
        teacher_value_error=teacher_value_error,
    )
    loss = terms.policy_loss + terms.value_loss - hyperparameters.entropy_cost * terms.entropy
    loss += transitions.teacher_coefficients.kl * terms.teacher_kl
    loss += transitions.teacher_coefficients.value * terms.teacher_value_error
    return loss, jax.lax.stop_gradient(terms)


def _distance_to_teacher(
    actions: ActionSpace,
    transitions: Transitions,
    distribution: Distribution,
    value_i: jax.Array,
    weight_i: jax.Array,
) -> tuple[jax.Array, jax.Array]:
    """Return the KL divergence and the squared error of values; without a teacher they take no time."""

    def compared() -> tuple[jax.Array, jax.Array]:
        teacher_output = transitions.teacher_output()
        teacher: Distribution = actions.from_logits(teacher_output.logits_il)
        kl_i = teacher.kl_divergence(distribution)
        return jnp.sum(weight_i * kl_i), jnp.sum(weight_i * (value_i - teacher_output.value_i) ** 2)

    distances: tuple[jax.Array, jax.Array] = jax.lax.cond(
        transitions.teacher_coefficients.is_taught, compared, lambda: (jnp.zeros(()), jnp.zeros(()))
    )
    return distances
