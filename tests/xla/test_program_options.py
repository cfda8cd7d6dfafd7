"""What XLA is told, and whether it does it."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from bgpbt.xla import kept, on_cpu

BATCH = 8
NOISE = np.random.default_rng(0)

cpu_only = pytest.mark.skipif(not on_cpu(), reason="it is for CPUs")


@pytest.mark.parametrize("shape", [(BATCH,), (1, BATCH), (3, BATCH), (2, 3, BATCH)])
def test_what_is_kept_is_the_same(shape: tuple[int, ...]) -> None:
    first, second = (jnp.asarray(NOISE.normal(size=shape), jnp.float32) for _ in range(2))
    np.testing.assert_array_equal(jax.jit(kept)(first), first)
    tree = jax.jit(kept)({"first": first, "both": (first, second)})
    np.testing.assert_array_equal(tree["both"][1], second)
    np.testing.assert_array_equal(tree["first"], tree["both"][0])


def test_what_is_kept_has_the_derivative_of_what_it_is() -> None:
    x = jnp.asarray(NOISE.normal(size=BATCH), jnp.float32)
    slope = jax.jit(jax.grad(lambda x: jnp.sum(kept(jnp.sin(x)) ** 2)))(x)
    np.testing.assert_allclose(slope, np.sin(2.0 * x), rtol=1e-5)


def _operations(function: Callable[..., Any], *shapes: tuple[int, ...]) -> dict[str, int]:
    """Return how many loops, calls and copies a compiled program is made of."""
    program = str(jax.jit(function).lower(*[jnp.zeros(shape) for shape in shapes]).compile().as_text())
    _, main = program.split("ENTRY")
    return {operation: main.count(f" {operation}(") for operation in ("fusion", "call", "copy")}


@cpu_only
def test_what_is_kept_is_computed_before_it_is_used() -> None:
    """And without a copy: a call that XLA does not put its body in the place of."""

    def product(keep: Callable[[Any], Any]) -> Callable[..., Any]:
        def function(x: Any, y: Any) -> Any:
            first, second = keep(x * y + 1.0), keep(x - y)
            return jnp.roll(first, 1, axis=0) * second + first

        return function

    shapes = [(3, BATCH)] * 2
    assert _operations(product(kept), *shapes) == {"fusion": 3, "call": 2, "copy": 0}
    assert _operations(product(lambda array: array), *shapes) == {"fusion": 1, "call": 0, "copy": 0}


@cpu_only
def test_what_is_kept_together_is_one_call() -> None:
    def both(x: Any, y: Any) -> Any:
        first, second = kept((x * y + 1.0, x - y))
        return first * second

    assert _operations(both, *[(3, BATCH)] * 2) == {"fusion": 3, "call": 1, "copy": 0}
