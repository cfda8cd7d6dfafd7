import jax.numpy as jnp
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bgpbt.agents.networks import normaliser

batches = st.lists(
    hnp.arrays(
        np.float32, st.tuples(st.integers(1, 5), st.just(3)), elements=st.floats(-1000, 1000, width=32)
    ),
    min_size=1,
    max_size=4,
)


@given(batches)
def test_merging_batches_gives_the_statistics_of_all_observations(batches: list[np.ndarray]) -> None:
    merged = normaliser.fresh(3)
    for batch in batches:
        merged = normaliser.merge(merged, normaliser.statistics(jnp.asarray(batch)))
    everything = np.concatenate(batches).astype(np.float64)
    assert merged.observation_count == len(everything)
    np.testing.assert_allclose(merged.mean_o, everything.mean(0), atol=1e-3)
    np.testing.assert_allclose(
        merged.squares_o / merged.observation_count, everything.var(0), rtol=1e-3, atol=1e-2
    )


def test_normalised_observations_have_mean_0_and_deviation_1() -> None:
    observation_bo = np.random.default_rng(0).normal([5.0, -2.0], [0.1, 30.0], (1000, 2)).astype(np.float32)
    normalised_bo = normaliser.normalise(
        normaliser.statistics(jnp.asarray(observation_bo)), jnp.asarray(observation_bo)
    )
    np.testing.assert_allclose(np.mean(normalised_bo, 0), 0.0, atol=1e-3)
    np.testing.assert_allclose(np.std(normalised_bo, 0), 1.0, atol=1e-3)


def test_without_observations_nothing_changes_but_the_clip() -> None:
    observation_bo = jnp.array([[0.5, -3.0, 80.0]])
    np.testing.assert_array_equal(
        normaliser.normalise(normaliser.fresh(3), observation_bo), [[0.5, -3.0, normaliser.CLIP]]
    )


def test_an_observation_that_never_changes_is_0() -> None:
    statistics = normaliser.statistics(jnp.full((10, 1), 0.25))
    np.testing.assert_array_equal(normaliser.normalise(statistics, jnp.full((1, 1), 0.25)), [[0.0]])
