import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bgpbt.agents import Architecture
from bgpbt.agents.networks import perceptron
from bgpbt.agents.networks.growth import check_growth, grow
from bgpbt.errors import InputError

WIDTHS = (4, 8, 16, 32)

architectures = st.builds(
    Architecture, depth=st.integers(1, 5), width=st.sampled_from(WIDTHS), spectral_norm=st.booleans()
)


@given(old=architectures, depth=st.integers(0, 4), width=st.sampled_from(WIDTHS), seed=st.integers(0, 2**31))
@settings(max_examples=60)
def test_a_grown_network_computes_what_the_old_one_does(
    old: Architecture, depth: int, width: int, seed: int
) -> None:
    new = Architecture(
        depth=min(old.depth + depth, 5), width=max(width, old.width), spectral_norm=old.spectral_norm
    )
    if new.depth > old.depth and new.width < 2 * old.width:
        return  # growth does not apply
    random = np.random.default_rng(seed)
    parameters, spectral = perceptron.initialise(random, old, 5, 3)
    parameters = tuple(  # biases of a trained network are not zero
        {**layer, "bias": jnp.asarray(0.3 * random.normal(size=layer["bias"].shape), jnp.float32)}
        for layer in parameters
    )
    for _ in range(3):
        spectral = perceptron.spectral_step(parameters, spectral)
    grown, grown_spectral = grow((parameters, spectral), new, random)
    shapes, spectral_shapes = perceptron.initialise(random, new, 5, 3)
    assert jax.tree.map(jnp.shape, (grown, grown_spectral)) == jax.tree.map(
        jnp.shape, (shapes, spectral_shapes)
    )
    input_bi = jnp.asarray(random.normal(size=(16, 5)), jnp.float32)
    np.testing.assert_allclose(
        perceptron.apply(grown, grown_spectral, input_bi),
        perceptron.apply(parameters, spectral, input_bi),
        rtol=1e-5,
        atol=1e-5,
    )


@pytest.mark.parametrize("depth", [2, 3, 4])
@pytest.mark.parametrize("spectral_norm", [False, True])
def test_new_units_learn(depth: int, spectral_norm: bool) -> None:
    old = Architecture(depth=2, width=4, spectral_norm=spectral_norm)
    new = Architecture(depth=depth, width=16, spectral_norm=spectral_norm)
    network = perceptron.initialise(np.random.default_rng(0), old, 5, 3)
    grown, spectral = grow(network, new, np.random.default_rng(1))
    input_bi = jax.random.normal(jax.random.PRNGKey(2), (16, 5))
    gradient = jax.grad(lambda p: jnp.sum(perceptron.apply(p, spectral, input_bi) ** 2))(grown)
    assert np.all(np.abs(gradient[-1]["kernel"]).sum(axis=1) > 0.0)  # outgoing weights of every unit


@pytest.mark.parametrize("new", [Architecture(depth=2, width=8), Architecture(depth=3, width=16)])
def test_growth_that_applies_is_allowed(new: Architecture) -> None:
    check_growth(Architecture(depth=2, width=8), new, network="policy")


@pytest.mark.parametrize(
    "new",
    [
        Architecture(depth=3, width=8),  # deeper, but not twice as wide
        Architecture(depth=1, width=16),
        Architecture(depth=2, width=8, spectral_norm=True),
    ],
)
def test_growth_that_does_not_apply_is_refused(new: Architecture) -> None:
    with pytest.raises(InputError, match="the policy network cannot grow from 2 x 8 to"):
        check_growth(Architecture(depth=2, width=8), new, network="policy")
