"""Random keys in the one form that environments keep in their states."""

import jax
import jax.numpy as jnp

__all__ = ["raw_key"]


def raw_key(key: jax.Array) -> jax.Array:
    """Return a key, typed or raw, as its `uint32` words, which are saved like any other array."""
    return jax.random.key_data(key) if jnp.issubdtype(key.dtype, jax.dtypes.prng_key) else key
