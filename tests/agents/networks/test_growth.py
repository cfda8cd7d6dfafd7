import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bgpbt.agents import Architecture
from bgpbt.agents.networks import perceptron
from bgpbt.agents.networks.growth import check_growth, grow, growth_applies
from bgpbt.errors import InputError
from bgpbt.strategies.generations import contains

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
    if not growth_applies(old, new):
        return
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


@pytest.mark.parametrize(
    ("new", "applies"),
    [
        (Architecture(depth=2, width=8), True),
        (Architecture(depth=3, width=16), True),
        (Architecture(depth=3, width=8), False),  # deeper, but not twice as wide
        (Architecture(depth=1, width=16), False),
        (Architecture(depth=2, width=4), False),
        (Architecture(depth=2, width=8, spectral_norm=True), False),
    ],
)
def test_where_growth_applies(new: Architecture, applies: bool) -> None:
    old = Architecture(depth=2, width=8)
    assert growth_applies(old, new) == applies
    if not applies:
        with pytest.raises(InputError, match="the policy network cannot grow from 2 x 8 to"):
            check_growth(old, new, network="policy")


def test_the_strategy_and_the_networks_agree_on_where_growth_applies() -> None:
    sizes = [(depth, width, norm) for depth in (1, 2, 3) for width in (5, 6, 7) for norm in (False, True)]
    for old, new in itertools.product(sizes, sizes):
        names = ("policy_depth", "policy_log2_width", "policy_spectral_norm")
        teacher, student = dict(zip(names, old, strict=True)), dict(zip(names, new, strict=True))
        shapes = [Architecture(depth=d, width=2**w, spectral_norm=norm) for d, w, norm in (old, new)]
        assert contains(student, teacher) == growth_applies(*shapes)
