"""What XLA has to be told on the machine at hand."""

from collections.abc import Callable
from typing import Any, TypeVar

import jax
from jax.experimental.xla_metadata import set_xla_metadata

__all__ = ["compiler_options", "jit", "kept", "on_cpu"]

Arrays = TypeVar("Arrays")


def on_cpu() -> bool:
    """Return whether programs run on a CPU, unless they are told to run elsewhere."""
    return bool(jax.default_backend() == "cpu")


def jit(function: Callable[..., Any], *, consume: tuple[int, ...] = ()) -> Any:
    """Return a function to be compiled as is fastest here.

    Args:
        function: of arrays, or trees of them.
        consume: positions of arguments whose memory it takes over.
    """
    return jax.jit(function, donate_argnums=consume, compiler_options=compiler_options())


def compiler_options() -> dict[str, str] | None:
    """Return XLA's options for this machine where its defaults are not the best.

    On a CPU it hands products and sums to a library that is made for large arrays (YNN). The physics of an
    environment are thousands of products of 3 x 3 numbers, which XLA's own loops compute faster: without the
    library a rollout takes 7% less time on reacher and 24% less on humanoid, and learning no more. Nor is the
    library deterministic: on one core the same training on ur5e gave one of two results, by chance.
    """
    if not on_cpu() or jax.__version_info__ < (0, 10):  # older ones may not know the option
        return None
    return {"xla_cpu_experimental_ynn_fusion_type": ""}


def kept(arrays: Arrays) -> Arrays:
    """Return arrays, or a tree of them, that are computed once and together, not in each of their uses.

    On a CPU XLA makes one loop of many operations, and computes anew in each of several loops what they have
    in common. `jax.lax.optimization_barrier` is against that, but XLA forgets it before it makes the loops.
    What a call takes it has to compute, unless it may put the call's body in its place; and a call that
    returns what it takes costs nothing. An accelerator is left to do as it does.
    """
    if not on_cpu():
        return arrays
    with set_xla_metadata(inlineable="false"):
        same: Arrays = _same(arrays)
    return same


@jax.jit
def _same(arrays: Any) -> Any:
    return arrays
