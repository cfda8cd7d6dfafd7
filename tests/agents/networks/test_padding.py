"""A padded network is the small one: outputs, losses, gradients and updates, in double precision."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.tree_util import Partial

from bgpbt.agents import Architecture, Architectures
from bgpbt.agents.networks import normaliser, perceptron
from bgpbt.agents.networks.member import ActorCritic, Member, SpectralVectors
from bgpbt.agents.networks.padding import largest_of, pad, pad_member, unpad_member
from bgpbt.agents.networks.squashed_normal import Box
from bgpbt.agents.ppo.advantages import Rewards
from bgpbt.agents.ppo.distillation import TeacherCoefficients, TeacherOutput
from bgpbt.agents.ppo.hyperparameters import DEFAULTS, hyperparameters_of
from bgpbt.agents.ppo.loss import Transitions, ppo_loss
from bgpbt.errors import InputError

OBSERVATIONS, ACTIONS, ROWS = 5, 2, 24
ACTION_SPACE = Box(actuators=ACTIONS)

shapes = st.builds(
    Architecture, depth=st.integers(1, 4), width=st.sampled_from([2, 3, 8]), spectral_norm=st.booleans()
)
pairs = st.builds(Architectures, policy=shapes, value=shapes)


def agent(architectures: Architectures, seed: int) -> Member:
    """An agent that has learnt for a while: no zeros where a small network has none."""
    rng = np.random.default_rng(seed)
    policy, policy_spectral = perceptron.initialise(rng, architectures.policy, OBSERVATIONS, 2 * ACTIONS)
    value, value_spectral = perceptron.initialise(rng, architectures.value, OBSERVATIONS, 1)

    def moved(tree: Any) -> Any:
        return jax.tree.map(lambda leaf: jnp.asarray(leaf + 0.3 * rng.normal(size=leaf.shape)), tree)

    parameters = ActorCritic(moved(policy), moved(value))
    return Member(
        parameters=parameters,
        spectral=SpectralVectors(policy_spectral, value_spectral),
        optimiser=optax.scale_by_adam().init(parameters),
        normaliser=normaliser.fresh(OBSERVATIONS),
        environments=(),  # type: ignore[arg-type]
    )


def transitions(seed: int) -> Transitions:
    rng = np.random.default_rng(seed)
    ends = rng.random((2, ROWS)) < 0.1
    return Transitions(
        observation_io=jnp.asarray(rng.normal(size=(ROWS, OBSERVATIONS))),
        last_observation_so=jnp.asarray(rng.normal(size=(ROWS // 5 + 1, OBSERVATIONS))),
        action_ik=jnp.asarray(rng.normal(size=(ROWS, ACTIONS))),
        noise_in=jnp.asarray(rng.normal(size=(ROWS, ACTIONS))),
        log_prob_i=jnp.asarray(rng.normal(size=ROWS) - 2.0),
        rewards=Rewards(
            reward_i=jnp.asarray(rng.normal(size=ROWS)),
            terminated_i=jnp.asarray(ends[0]),
            truncated_i=jnp.asarray(ends[1] & ~ends[0]),
            is_step_i=jnp.asarray(np.arange(ROWS) % 6 != 5),
            is_last_i=jnp.asarray(np.arange(ROWS) % 5 == 4),
            sequence_i=jnp.asarray(np.arange(ROWS) // 5),
        ),
        weight=jnp.asarray(1.0 / ROWS),
        teacher_output=Partial(
            TeacherOutput,
            logits_il=jnp.asarray(rng.normal(size=(ROWS, 2 * ACTIONS))),
            value_i=jnp.asarray(rng.normal(size=ROWS)),
        ),
        teacher_coefficients=TeacherCoefficients(
            is_taught=jnp.asarray(True), kl=jnp.asarray(0.5), value=jnp.asarray(0.1)
        ),
    )


def updated(member: Member, data: Transitions) -> tuple[Member, Any]:
    hyperparameters = hyperparameters_of(DEFAULTS)
    gradient, terms = jax.grad(partial(ppo_loss, ACTION_SPACE), has_aux=True)(
        member.parameters, member.spectral, data, hyperparameters
    )
    direction, optimiser = optax.scale_by_adam().update(gradient, member.optimiser)
    parameters = jax.tree.map(lambda p, d: p - 0.01 * d, member.parameters, direction)
    spectral = SpectralVectors(
        perceptron.spectral_step(parameters.policy, member.spectral.policy),
        perceptron.spectral_step(parameters.value, member.spectral.value),
    )
    return member._replace(parameters=parameters, spectral=spectral, optimiser=optimiser), terms


@given(pair=pairs, other=pairs, seed=st.integers(0, 2**31))
@settings(max_examples=10, deadline=None)
def test_a_padded_agent_computes_and_learns_what_the_small_one_does(
    pair: Architectures, other: Architectures, seed: int
) -> None:
    with jax.enable_x64(True):
        small = agent(pair, seed)
        padded = pad_member(small, pair, largest_of([pair, other]))
        data = transitions(seed)
        for network in ("policy", "value"):
            exact_bo, padded_bo = (
                perceptron.apply(
                    getattr(member.parameters, network),
                    getattr(member.spectral, network),
                    data.observation_io,
                )
                for member in (small, padded)
            )
            np.testing.assert_allclose(padded_bo, exact_bo, rtol=0, atol=1e-6)
        for step in range(3):
            (small, terms), (padded, padded_terms) = (
                updated(member, transitions(seed + step)) for member in (small, padded)
            )
            np.testing.assert_allclose(padded_terms, terms, rtol=1e-6, atol=1e-6)
        unpadded = unpad_member(padded, pair)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=0, atol=1e-6), unpadded, small)


@given(pair=pairs, other=pairs, seed=st.integers(0, 2**31))
@settings(max_examples=10, deadline=None)
def test_padding_stays_zero_while_learning(pair: Architectures, other: Architectures, seed: int) -> None:
    padded_to = largest_of([pair, other])
    padded = pad_member(agent(pair, seed), pair, padded_to)
    learnt, _ = updated(padded, transitions(seed))
    again = pad_member(unpad_member(learnt, pair), pair, padded_to)
    jax.tree.map(np.testing.assert_array_equal, again.parameters, learnt.parameters)


def test_what_does_not_fit_is_refused() -> None:
    large, small = Architecture(depth=3, width=8), Architecture(depth=2, width=8)
    network = perceptron.initialise(np.random.default_rng(0), large, 4, 2)
    with pytest.raises(InputError, match="a network of 3 x 8 does not fit into 2 x 8"):
        pad(network, large, small)
