"""The batch is last, and nothing else differs from `jax.vmap`."""

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bgpbt.envs import State, make
from bgpbt.envs.batch_last import vmap_last
from bgpbt.envs.many import runs_last
from bgpbt.envs.registry import PAPER_NAMES
from bgpbt.envs.vector import VectorEnvironment

BATCH = 5
NOISE = np.random.default_rng(0)
TABLE = jnp.asarray(NOISE.normal(size=(4, 3)), jnp.float32)


def scanned(x: Any) -> Any:
    def body(carry: Any, row: Any) -> Any:
        count, total = carry
        return (count + 1, total + row * x.sum()), (total, count)

    return jax.lax.scan(body, (0, jnp.zeros(3)), TABLE)


def scanned_over_rows(x: Any) -> Any:
    return jax.lax.scan(lambda total, row: (total * 0.5 + row, total), jnp.zeros(3), x, reverse=True)


def looped(x: Any) -> Any:
    return jax.lax.while_loop(lambda y: y.sum() < 9.0, lambda y: y + jnp.abs(x) + 0.1, x)


def drawn(x: Any) -> Any:
    key = jax.random.fold_in(jax.random.key(0), x[0, 0].astype(jnp.int32))
    return x + jax.random.normal(key, (4, 3))


def sums_of_crosses(x: Any) -> Any:
    first, second = jnp.cross(x, TABLE), jax.jit(lambda y: 2.0 * jnp.cross(y, x[::-1]))(x)
    return first + second[::-1], first - x, second.sum()


# Of one (4, 3) array each; what an operation needs beside it is known.
FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "arithmetic": lambda x: (2.0 * x - x**2) / (1.0 + jnp.abs(x)) + TABLE,
    "shapes that differ": lambda x: x[:, :1] * TABLE + x[:1] - x.sum(),
    "comparison and choice": lambda x: jnp.where(x > TABLE, x, jnp.where(x[0, 0] > 0, x, -TABLE)),
    "clipping": lambda x: jnp.clip(x, -0.5, 0.5) + jnp.clip(x, TABLE, TABLE + 0.1),
    "functions": lambda x: (jnp.sin(x), jnp.arctan2(x, TABLE), jax.nn.silu(x), jax.nn.softplus(x)),
    "sums and extremes": lambda x: (x.sum(0), x.max(1), x.min(), jnp.any(x > 0), jnp.argmax(x, 1)),
    "concatenation": lambda x: jnp.concatenate([x, TABLE, x[::2]]),
    "slices": lambda x: (x[1:3, ::2], x[::-1], x[2]),
    "padding": lambda x: jnp.pad(x[:1], ((0, 3), (1, 1)), constant_values=1.0),
    "shape": lambda x: (x.reshape(2, 6), x.T, x[None, :, None], jnp.broadcast_to(x[0], (2, 3))),
    "rows that are known": lambda x: (x[jnp.array([3, 0, 3])], jnp.take(x, jnp.array([2, 1]), axis=1)),
    "rows that depend on it": lambda x: TABLE[(x[0, 0] > 0).astype(jnp.int32)] + x[jnp.argmax(x[:, 0])],
    "adding to rows": lambda x: jnp.zeros((6, 3)).at[jnp.array([5, 0, 5, 2])].add(x),
    "setting rows": lambda x: (x.at[jnp.array([1, 3])].set(TABLE[:2]), TABLE.at[0].set(x[0])),
    "setting rows that depend on it": lambda x: x.at[(x[0, 0] > 0).astype(jnp.int32)].set(7.0),
    "moving a slice": lambda x: jax.lax.dynamic_update_slice(x, x[:1] + 1.0, (2, 0)),
    "products": lambda x: (x @ x.T, x.T @ TABLE, x @ x[0], jnp.einsum("ij,ij->i", x, TABLE)),
    "products of many": lambda x: jax.vmap(lambda row, other: jnp.outer(row, other) @ row)(x, TABLE),
    "cross products": lambda x: jnp.cross(x, TABLE),
    "sums of concatenations": lambda x: sums_of_crosses(x)[0] * jnp.concatenate([x[1:], x[:1]]),
    "order": lambda x: (jnp.sort(x, axis=0), jnp.cumsum(x, axis=1)),
    "a barrier": lambda x: jax.lax.optimization_barrier((x, x[0, 0], TABLE))[0] * 2.0,
    "a compiled part": lambda x: jax.jit(lambda y: jnp.linalg.norm(y, axis=1) * 3)(x),
    "a branch": lambda x: jax.lax.cond(x[0, 0] > 0, jnp.sin, jnp.cos, x),
    "a loop that knows its length": scanned,
    "a loop over rows": scanned_over_rows,
    "a loop that ends by its values": looped,
    "random numbers": drawn,
    "nothing of it": lambda x: TABLE + 1.0,
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_it_is_vmap(name: str) -> None:
    array = jnp.asarray(NOISE.normal(size=(4, 3, BATCH)), jnp.float32)
    ours = jax.jit(vmap_last(FUNCTIONS[name]))(array)
    theirs = jax.jit(jax.vmap(FUNCTIONS[name], in_axes=-1, out_axes=-1))(array)

    def check(mine: jax.Array, reference: jax.Array) -> None:
        assert (mine.shape, mine.dtype) == (reference.shape, reference.dtype)
        np.testing.assert_allclose(mine, reference, rtol=1e-5, atol=1e-6)

    jax.tree.map(check, ours, theirs)


@settings(max_examples=30)
@given(shared=st.integers(0, 2), left=st.integers(0, 2), right=st.integers(0, 2), summed=st.integers(0, 2))
def test_products_of_any_shape_are_those_of_vmap(shared: int, left: int, right: int, summed: int) -> None:
    sizes = dict(zip("abcdefgh", (2, 3, 2, 4, 3, 2, 5, 2), strict=True))
    groups = ("ab"[:shared], "cd"[:left], "ef"[:right], "gh"[:summed])
    shared_axes, left_axes, right_axes, summed_axes = groups
    first, second = summed_axes + left_axes + shared_axes, right_axes + shared_axes + summed_axes
    equation = f"{first},{second}->{left_axes}{shared_axes}{right_axes}"
    arrays = [NOISE.normal(size=(*(sizes[axis] for axis in axes), BATCH)) for axes in (first, second)]

    def product(one: Any, other: Any) -> Any:
        return jnp.einsum(equation, one, other)

    ours, theirs = vmap_last(product)(*arrays), jax.vmap(product, in_axes=-1, out_axes=-1)(*arrays)
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("function", "calls"),
    [
        (lambda x: jnp.cross(x, TABLE) * 2.0 + x, 0),
        (lambda x: jnp.cross(x, TABLE) + jnp.cross(TABLE, x + 1.0), 2),
        (sums_of_crosses, 2),  # those that meet, once each, though there is one more use of both
        (lambda x: jnp.cross(x, TABLE) + jax.lax.sort(jnp.cross(TABLE, x)), 0),  # sorted, it is an array
        (lambda x: jnp.cross(x, TABLE) ** 2 * jnp.cross(x, TABLE).T.reshape(4, 3), 2),
    ],
)
def test_where_two_concatenations_meet_they_are_kept(function: Callable[[Any], Any], calls: int) -> None:
    traced = jax.make_jaxpr(vmap_last(function))(jnp.zeros((4, 3, BATCH)))
    names = [str(equation.params.get("name")) for equation in equations(traced.jaxpr)]
    assert names.count("_same") == calls


@pytest.mark.parametrize("name", PAPER_NAMES)
def test_a_task_is_stepped_with_the_batch_last_throughout(name: str) -> None:
    task = make(name)
    one = jax.eval_shape(task.reset, jax.ShapeDtypeStruct((2,), jnp.uint32))
    state = jax.tree.map(lambda array: jnp.zeros((*array.shape, BATCH), array.dtype), one)
    traced = jax.make_jaxpr(vmap_last(task.step))(state, jnp.zeros((task.action_size, BATCH)))
    moved = [
        equation
        for equation in equations(traced.jaxpr)
        if equation.primitive.name == "transpose"
        and equation.outvars[0].aval.dtype == jnp.float32  # random numbers are drawn with it first
        and equation.params["permutation"][-1] != len(equation.params["permutation"]) - 1
    ]
    assert not moved


def equations(jaxpr: Any) -> Iterator[Any]:
    """All operations, those of inner loops and functions too."""
    for equation in jaxpr.eqns:
        yield equation
        for inner in jax.tree.leaves(
            list(equation.params.values()),
            is_leaf=lambda leaf: hasattr(leaf, "eqns") or hasattr(leaf, "jaxpr"),
        ):
            if hasattr(inner, "eqns") or hasattr(inner, "jaxpr"):
                yield from equations(getattr(inner, "jaxpr", inner))


@pytest.mark.parametrize("name", [*PAPER_NAMES, "brax:inverted_pendulum/spring", "brax:reacher/positional"])
def test_many_copies_of_a_task_do_what_each_would_do(name: str) -> None:
    task = make(name)
    assert runs_last(task)
    vector = VectorEnvironment(environment=task, count=64)
    starts = jax.jit(vector.starts)(np.array([0, 1], np.uint32))
    state = jax.tree.map(jnp.asarray, vector.reset(starts))
    action_ba = jnp.asarray(NOISE.uniform(-1.0, 1.0, (64, task.action_size)), jnp.float32)
    one_by_one = State(state.physics, state.observation, state.reward, state.terminated)
    reference = jax.jit(jax.vmap(task.step))(one_by_one, action_ba)
    after = jax.jit(vector.step)(state, starts, action_ba)
    goes_on_b = ~np.asarray(after.terminated | reference.terminated)
    assert goes_on_b.any()
    # Where a foot touches the floor rounding decides whether it bounces, which halfcheetah's feet all do.
    difference_bo = np.abs(np.asarray(after.observation) - np.asarray(reference.observation))[goes_on_b]
    size_bo = 1.0 + np.abs(np.asarray(reference.observation))[goes_on_b]
    assert np.mean(np.max(difference_bo / size_bo, axis=1) < 1e-3) >= (0.5 if name == "halfcheetah" else 0.98)
    shapes = [(leaf.shape, leaf.dtype) for leaf in jax.tree.leaves(state)]
    assert [(leaf.shape, leaf.dtype) for leaf in jax.tree.leaves(after)] == shapes
