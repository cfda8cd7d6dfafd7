"""The categorical distribution against SciPy, closed forms and frequencies."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bgpbt.agents.networks.action_space import check_metadata, metadata_of, space_named, space_of
from bgpbt.agents.networks.categorical import Categorical, Discrete
from bgpbt.agents.networks.squashed_normal import Box
from bgpbt.arrays import Floats32
from bgpbt.errors import InputError
from tests.envs.countdown import Countdown
from tests.envs.right_choice import RightChoice

NO_NOISE = jnp.zeros((1, 0))

logits = st.integers(1, 9).flatmap(
    lambda count: arrays(np.float32, count, elements=st.floats(-40.0, 40.0, width=32))
)
logit_pairs = st.integers(1, 9).flatmap(
    lambda count: arrays(np.float32, (2, count), elements=st.floats(-40.0, 40.0, width=32))
)


def distribution(logits_c: Floats32, count: int = 1) -> Categorical:
    return Discrete(choices=logits_c.size).from_logits(jnp.tile(jnp.asarray(logits_c), (count, 1)))


@given(logits_c=logits)
@settings(max_examples=40, deadline=None)
def test_log_probabilities_and_entropy_are_scipys(logits_c: Floats32) -> None:
    truth_c = scipy.special.log_softmax(logits_c.astype(np.float64))
    choice_c1 = jnp.arange(logits_c.size, dtype=jnp.float32)[:, None]
    of_each = distribution(logits_c, logits_c.size)
    np.testing.assert_allclose(of_each.log_prob(choice_c1), truth_c, rtol=1e-5, atol=2e-6)
    expected = scipy.stats.entropy(np.exp(truth_c))
    np.testing.assert_allclose(distribution(logits_c).entropy(NO_NOISE)[0], expected, rtol=1e-4, atol=1e-5)


@given(pair=logit_pairs)
@settings(max_examples=40, deadline=None)
def test_the_divergence_from_teacher_to_student_is_scipys(pair: Floats32) -> None:
    teacher_c, student_c = pair.astype(np.float64)
    log_ratio_c = scipy.special.log_softmax(teacher_c) - scipy.special.log_softmax(student_c)
    expected = np.sum(scipy.special.softmax(teacher_c) * log_ratio_c)
    teacher, student = (distribution(logits_c) for logits_c in pair)
    np.testing.assert_allclose(teacher.kl_divergence(student)[0], expected, rtol=1e-4, atol=2e-5)
    assert float(teacher.kl_divergence(teacher)[0]) == 0.0


@pytest.mark.parametrize("logits_c", [[0.0, 0.0], [1.0, -2.0, 0.5], [3.0, 0.0, -1.0, 2.9, -3.0, 1.0], [4.0]])
def test_choices_are_drawn_as_often_as_they_are_likely(logits_c: list[float]) -> None:
    # Chi-squared at an error rate of one in a million.
    of_many = distribution(np.array(logits_c, np.float32), 200_000)
    sample_b1 = of_many.sample(jax.random.PRNGKey(5))
    assert sample_b1.shape == (200_000, 1)
    count_c = np.bincount(np.asarray(sample_b1[:, 0], np.int64), minlength=len(logits_c))
    expected_c = 200_000 * scipy.special.softmax(logits_c)
    assert len(count_c) == len(logits_c)
    if len(logits_c) > 1:
        assert scipy.stats.chisquare(count_c, expected_c).pvalue > 1e-6


@pytest.mark.parametrize("possible", range(4))
def test_what_is_all_but_impossible_is_never_drawn(possible: int) -> None:
    logits_c = np.full(4, -60.0, np.float32)
    logits_c[possible] = 0.0
    sample_b1 = distribution(logits_c, 500_000).sample(jax.random.PRNGKey(possible))
    assert set(np.unique(sample_b1)) == {possible}


def test_draws_of_two_keys_and_of_two_rows_differ() -> None:
    of_many = distribution(np.zeros(2, np.float32), 64)
    first, second = (np.asarray(of_many.sample(jax.random.PRNGKey(seed))) for seed in (1, 2))
    assert 0 < first.mean() < 1
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(first, of_many.sample(jax.random.PRNGKey(1)))


def test_the_deterministic_choice_has_the_largest_logit() -> None:
    logits_bc = jnp.array([[0.1, 0.3, -0.2], [5.0, 1.0, 1.0], [0.0, 0.0, 1e-3], [2.0, 2.0, 1.0]])
    space = Discrete(choices=3)
    mode_b1 = space.from_logits(logits_bc).mode()
    performed_b = space.performed(mode_b1)
    assert performed_b.dtype == jnp.int32
    np.testing.assert_array_equal(performed_b, [1, 0, 2, 0])


@pytest.mark.parametrize("size", [50.0, 1e4, 1e30])
def test_slopes_are_finite_however_large_the_logits(size: float) -> None:
    logits_bc = size * jnp.array([[1.0, -1.0, 0.0], [0.0, 1.0, 1.0]])
    space, teacher = Discrete(choices=3), Discrete(choices=3).from_logits(jnp.zeros((2, 3)))

    def total(choice: int, logits_bc: jax.Array) -> jax.Array:
        of_each = space.from_logits(logits_bc)
        chosen_b1 = jnp.full((2, 1), choice, jnp.float32)
        learnt_b = of_each.log_prob(chosen_b1) + of_each.entropy(NO_NOISE)
        return jnp.sum(learnt_b + teacher.kl_divergence(of_each) + of_each.kl_divergence(teacher))

    for choice in range(3):
        value, slope_bc = jax.value_and_grad(partial(total, choice))(logits_bc)
        assert np.isfinite(value)
        assert np.all(np.isfinite(slope_bc))


def test_the_slope_of_a_log_probability_is_the_closed_form() -> None:
    logits_bc = np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32)
    choice_b = np.arange(20) % 4

    def total(logits_bc: jax.Array) -> jax.Array:
        of_each = Discrete(choices=4).from_logits(logits_bc)
        return jnp.sum(of_each.log_prob(jnp.asarray(choice_b, jnp.float32)[:, None]))

    expected_bc = np.eye(4)[choice_b] - scipy.special.softmax(logits_bc.astype(np.float64), axis=1)
    np.testing.assert_allclose(jax.grad(total)(jnp.asarray(logits_bc)), expected_bc, atol=1e-6)


def test_the_environment_decides_the_space() -> None:
    assert space_of(Countdown(3, 9)) == Box(actuators=1)
    assert space_of(RightChoice()) == Discrete(choices=3)


def test_a_distribution_without_meaning_is_refused() -> None:
    assert space_named("tanh_normal", 4) == Box(actuators=4)
    assert space_named("categorical", 4) == Discrete(choices=4)
    with pytest.raises(InputError, match="'beta' is not known; there are 'tanh_normal' and 'categorical'"):
        space_named("beta", 4)


def test_a_checkpoint_from_before_there_were_choices_is_refused() -> None:
    environment = RightChoice()
    check_metadata(metadata_of(space_of(environment)), environment, source="it")
    with pytest.raises(InputError, match=r"^it acts with the distribution 'tanh_normal', but right-choice"):
        check_metadata({}, environment, source="it")
    check_metadata({}, Countdown(3, 9), source="it")
    assert metadata_of(Box(actuators=1)) == {}
