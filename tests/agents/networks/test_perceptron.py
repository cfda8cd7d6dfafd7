import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from bgpbt.agents.networks import perceptron
from bgpbt.agents.networks.architecture import Architecture, Architectures, architectures_of
from bgpbt.errors import InputError

NORMALISED = Architecture(depth=3, width=16, spectral_norm=True)


def converged(
    parameters: perceptron.Parameters, spectral: perceptron.Spectral, iterations: int = 300
) -> perceptron.Spectral:
    step = jax.jit(lambda spectral: perceptron.spectral_step(parameters, spectral))
    for _ in range(iterations):
        spectral = step(spectral)
    return spectral


def test_a_network_is_the_composition_of_its_layers() -> None:
    architecture = Architecture(depth=2, width=8)
    parameters, spectral = perceptron.initialise(np.random.default_rng(0), architecture, 5, 3)
    input_bi = np.random.default_rng(0).normal(size=(7, 5)).astype(np.float32)
    hidden = input_bi
    for layer in parameters[:-1]:
        hidden = hidden @ np.asarray(layer["kernel"]) + np.asarray(layer["bias"])
        hidden = hidden / (1.0 + np.exp(-hidden))
    expected = hidden @ np.asarray(parameters[-1]["kernel"]) + np.asarray(parameters[-1]["bias"])
    np.testing.assert_allclose(
        perceptron.apply(parameters, spectral, jnp.asarray(input_bi)), expected, atol=1e-5
    )


@pytest.mark.parametrize("width", [8, 32])  # on either side of what counts as few outputs
def test_gradients_are_those_of_finite_differences(width: int) -> None:
    architecture = Architecture(depth=2, width=width)
    with jax.enable_x64(True):
        parameters, spectral = perceptron.initialise(np.random.default_rng(0), architecture, 5, 3)
        parameters = jax.tree.map(lambda array: jnp.asarray(array, jnp.float64), parameters)
        input_bi = jax.random.normal(jax.random.PRNGKey(1), (7, 5), jnp.float64)

        def loss(parameters: perceptron.Parameters, input_bi: jax.Array) -> jax.Array:
            return jnp.sum(jnp.sin(perceptron.apply(parameters, spectral, input_bi)))

        check_grads(loss, (parameters, input_bi), order=1, modes=["rev"], rtol=1e-5, atol=1e-5)


def test_spectral_normalisation_divides_hidden_kernels_by_their_largest_singular_value() -> None:
    parameters, spectral = perceptron.initialise(np.random.default_rng(1), NORMALISED, 5, 2)
    parameters = jax.tree.map(lambda array: 3.0 * array, parameters)
    divided = tuple(
        {
            "kernel": layer["kernel"] / np.linalg.svd(layer["kernel"], compute_uv=False)[0],
            "bias": layer["bias"],
        }
        for layer in parameters[:-1]
    )
    input_bi = jax.random.normal(jax.random.PRNGKey(2), (9, 5))
    actual = perceptron.apply(parameters, converged(parameters, spectral), input_bi)
    expected = perceptron.apply((*divided, parameters[-1]), (), input_bi)
    np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-5)


def test_the_output_layer_is_not_normalised() -> None:
    parameters, spectral = perceptron.initialise(np.random.default_rng(3), NORMALISED, 5, 2)
    input_bi = jax.random.normal(jax.random.PRNGKey(4), (4, 5))
    doubled = (*parameters[:-1], jax.tree.map(lambda array: 2.0 * array, parameters[-1]))
    np.testing.assert_allclose(
        perceptron.apply(doubled, spectral, input_bi),
        2.0 * perceptron.apply(parameters, spectral, input_bi),
        rtol=1e-5,
    )


def test_gradients_see_the_normalisation() -> None:
    # The output does not change when a hidden kernel is scaled, so its gradient is orthogonal to the kernel.
    parameters, spectral = perceptron.initialise(np.random.default_rng(5), NORMALISED, 5, 2)
    spectral = converged(parameters, spectral)
    input_bi = jax.random.normal(jax.random.PRNGKey(6), (4, 5))
    gradient = jax.grad(lambda p: jnp.sum(perceptron.apply(p, spectral, input_bi) ** 2))(parameters)
    for slope, layer in zip(gradient[:-1], parameters[:-1], strict=True):
        size = jnp.linalg.norm(slope["kernel"]) * jnp.linalg.norm(layer["kernel"])
        assert size > 0.0
        assert abs(jnp.sum(slope["kernel"] * layer["kernel"])) < 1e-3 * size


def test_a_kernel_of_zeros_stays_finite() -> None:
    parameters, spectral = perceptron.initialise(np.random.default_rng(7), NORMALISED, 5, 2)
    nothing = jax.tree.map(jnp.zeros_like, parameters)
    assert np.all(np.isfinite(perceptron.apply(nothing, spectral, jnp.ones((2, 5)))))


def test_the_configuration_names_architectures_and_the_default_fills_in() -> None:
    default = Architectures(policy=Architecture(depth=4, width=32), value=Architecture(depth=5, width=256))
    named = architectures_of({"policy_depth": 2, "value_log2_width": 6, "value_spectral_norm": True}, default)
    assert named.policy == Architecture(depth=2, width=32)
    assert named.value == Architecture(depth=5, width=64, spectral_norm=True)


def test_a_network_without_layers_is_refused() -> None:
    with pytest.raises(InputError, match="a network's depth = 0 must be 1 or more"):
        Architecture(depth=0, width=32)
