"""Random keys in the one form that environments keep in their states."""

import jax
import jax.numpy as jnp

__all__ = ["KEY_SHAPE", "raw_key"]

KEY_SHAPE = jax.ShapeDtypeStruct((2,), jnp.uint32)
"""Of a raw key: for asking what an environment would return, without a key, which would be one to make."""


def raw_key(key: jax.Array) -> jax.Array:
    """Return a key, typed or raw, as its `uint32` words, which are saved like any other array."""
    return jax.random.key_data(key) if jnp.issubdtype(key.dtype, jax.dtypes.prng_key) else key
