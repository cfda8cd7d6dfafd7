import jax.numpy as jnp
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bgpbt.agents.ppo.advantages import Rewards, generalised_advantages
from bgpbt.agents.ppo.hyperparameters import hyperparameters_of


def by_definition(
    reward_t: np.ndarray,
    value_t: np.ndarray,
    terminated_t: np.ndarray,
    truncated_t: np.ndarray,
    discount: float,
    decay: float,
) -> np.ndarray:
    """Schulman et al. (2016), eq. 16, as a double sum; `value_t` has one entry more."""
    steps = len(reward_t)
    error_t = reward_t + discount * np.where(terminated_t, 0.0, value_t[1:]) - value_t[:-1]
    advantage_t = np.zeros(steps)
    for t in range(steps):
        weight = 1.0
        for later in range(t, steps):
            if truncated_t[later]:
                break
            advantage_t[t] += weight * error_t[later]
            if terminated_t[later]:
                break
            weight *= discount * decay
    return advantage_t


@given(
    seed=st.integers(0, 2**32 - 1),
    unroll_length=st.integers(1, 7),
    sequences=st.integers(1, 3),
    padding=st.integers(0, 3),
)
def test_advantages_agree_with_their_definition(
    seed: int, unroll_length: int, sequences: int, padding: int
) -> None:
    random = np.random.default_rng(seed)
    shape = (sequences, unroll_length)
    reward, value = random.normal(size=shape), random.normal(size=(sequences, unroll_length + 1))
    terminated = random.random(shape) < 0.2
    truncated = ~terminated & (random.random(shape) < 0.2)
    hyperparameters = hyperparameters_of(
        {"discount": 0.9, "gae_lambda": 0.8, "reward_scaling": 3.0, "unroll_length": unroll_length}
    )

    def rows(array: np.ndarray) -> jnp.ndarray:
        # Padding rows hold whatever the gather found there.
        return jnp.concatenate([jnp.asarray(array).ravel(), jnp.ones(padding, array.dtype)])

    steps = sequences * unroll_length
    row_i = np.arange(steps + padding)
    rewards = Rewards(
        reward_i=rows(reward.astype(np.float32)),
        terminated_i=rows(terminated),
        truncated_i=rows(truncated),
        is_step_i=jnp.asarray(row_i < steps),
        is_last_i=jnp.asarray(row_i % unroll_length == unroll_length - 1),
        sequence_i=jnp.asarray(row_i // unroll_length),
    )
    value_i, last_value_s = (array.astype(np.float32) for array in (value[:, :-1], value[:, -1]))
    actual = generalised_advantages(rewards, rows(value_i), jnp.asarray(last_value_s), hyperparameters)
    expected = [
        by_definition(3.0 * reward[s], value[s], terminated[s], truncated[s], 0.9, 0.8)
        for s in range(sequences)
    ]
    np.testing.assert_allclose(actual[:steps], np.ravel(expected), atol=1e-4)
    np.testing.assert_array_equal(actual[steps:], 0.0)
