"""`jax.vmap` for a CPU: the batch is the last axis of every intermediate array, and not the first.

A CPU computes many numbers at a time along the last axis. `jax.vmap` puts a batch first and leaves last what
the function itself works on, and where that is a vector of three coordinates nothing is gained. Here the
function is traced for one case, and each operation is done on all cases with the batch behind its axes.

Operations whose rule in `jax.vmap` would move the batch to the front have one of their own, and so have the
most frequent ones, since tracing takes time. The others are left to `jax.vmap`, which is right for all.

XLA makes one loop of many operations. A concatenation is a branch in it for every number; one the compiler
moves out of the way, two of them make the loop several times as slow. So where two meet, both are computed
beforehand.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal

from bgpbt.xla import kept

__all__ = ["vmap_last"]


class _Operand(NamedTuple):
    """A value of the traced function: with the batch behind its own axes, or the same for all cases."""

    value: Any
    is_mapped: bool
    is_joined: bool = False  # XLA may compute a concatenation anew in the loop that takes the value


def vmap_last(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function of arguments and results that have one more axis, the last: the batch.

    Args:
        function: pure, of arrays or trees of them, of one case.

    Returns:
        What `jax.vmap(function, in_axes=-1, out_axes=-1)` is, up to rounding: sums of products of small
        matrices may be added up in another order.
    """

    def mapped(*arguments: Any) -> Any:
        leaves, _ = jax.tree.flatten(arguments)
        size = leaves[0].shape[-1]
        one = jax.tree.map(lambda array: jax.ShapeDtypeStruct(array.shape[:-1], array.dtype), arguments)
        traced, shapes = jax.make_jaxpr(function, return_shape=True)(*one)
        results = _evaluate(traced, [_Operand(leaf, True) for leaf in leaves], size)
        return jax.tree.unflatten(jax.tree.structure(shapes), [_mapped(result, size) for result in results])

    return mapped


def _evaluate(traced: ClosedJaxpr, arguments: Sequence[_Operand], size: int) -> list[_Operand]:
    """Do on all cases what was traced for one."""
    jaxpr: Jaxpr = traced.jaxpr
    values: dict[Any, _Operand] = {}

    def read(variable: Any) -> _Operand:
        return _Operand(variable.val, False) if isinstance(variable, Literal) else values[variable]

    constants = [_Operand(constant, False) for constant in traced.consts]
    values.update(zip(jaxpr.constvars, constants, strict=True))
    values.update(zip(jaxpr.invars, arguments, strict=True))
    for equation in jaxpr.eqns:
        variables = dict.fromkeys(each for each in equation.invars if not isinstance(each, Literal))
        joined = [variable for variable in variables if values[variable].is_joined]
        if len(joined) > 1 and equation.primitive.name in _ELEMENTWISE:
            values.update({each: _Operand(kept(values[each].value), True) for each in joined})
        operands = [read(variable) for variable in equation.invars]
        values.update(zip(equation.outvars, _applied(equation, operands, size), strict=True))
    return [read(variable) for variable in jaxpr.outvars]


def _applied(equation: JaxprEqn, operands: list[_Operand], size: int) -> list[_Operand]:
    """Do one operation."""
    name = equation.primitive.name
    if name in _CALLS:
        return _evaluate(_closed(equation.params[_CALLS[name]]), operands, size)
    if not any(operand.is_mapped for operand in operands):
        return _results(equation.primitive.bind(*[operand.value for operand in operands], **equation.params))
    results = _RULES.get(name, _as_vmap)(equation, operands, size)
    is_joined = name == "concatenate" or (name in _FUSED and any(operand.is_joined for operand in operands))
    return [result._replace(is_joined=is_joined) for result in results]


def _as_vmap(equation: JaxprEqn, operands: list[_Operand], size: int) -> list[_Operand]:
    """Leave an operation to `jax.vmap`."""
    result = jax.vmap(
        lambda *values: equation.primitive.bind(*values, **equation.params),
        in_axes=[-1 if operand.is_mapped else None for operand in operands],
        out_axes=-1,
        axis_size=size,
    )(*[operand.value for operand in operands])
    return _results(result, is_mapped=True)


def _elementwise(equation: JaxprEqn, operands: list[_Operand], size: int) -> list[_Operand]:
    """Bring all operands to the shape of the result, batch and all."""
    shape = _shape(equation.outvars[0])
    values = [_spread(operand, shape, size) for operand in operands]
    return _results(equation.primitive.bind(*values, **equation.params), is_mapped=True)


def _broadcast_in_dim(equation: JaxprEqn, operands: list[_Operand], size: int) -> list[_Operand]:
    shape, dimensions = equation.params["shape"], equation.params["broadcast_dimensions"]
    result = lax.broadcast_in_dim(operands[0].value, (*shape, size), (*dimensions, len(shape)))
    return [_Operand(result, True)]


def _reshape(equation: JaxprEqn, operands: list[_Operand], size: int) -> list[_Operand]:
    return [_Operand(lax.reshape(operands[0].value, (*equation.params["new_sizes"], size)), True)]


def _transpose(equation: JaxprEqn, operands: list[_Operand], size: int) -> list[_Operand]:
    permutation = equation.params["permutation"]
    return [_Operand(lax.transpose(operands[0].value, (*permutation, len(permutation))), True)]


def _squeeze(equation: JaxprEqn, operands: list[_Operand], size: int) -> list[_Operand]:
    return [_Operand(lax.squeeze(operands[0].value, equation.params["dimensions"]), True)]


def _concatenate(equation: JaxprEqn, operands: list[_Operand], size: int) -> list[_Operand]:
    values = [_mapped(operand, size) for operand in operands]
    return [_Operand(lax.concatenate(values, equation.params["dimension"]), True)]


def _dot_general(equation: JaxprEqn, operands: list[_Operand], size: int) -> list[_Operand]:
    """Multiply and add up: the matrices of a body are too small for a product of matrices to pay."""
    (left_summed, right_summed), (left_shared, right_shared) = equation.params["dimension_numbers"]
    left, right = (_mapped(operand, size) for operand in operands)
    left_own = [axis for axis in range(left.ndim - 1) if axis not in {*left_summed, *left_shared}]
    right_own = [axis for axis in range(right.ndim - 1) if axis not in {*right_summed, *right_shared}]
    left = lax.transpose(left, (*left_shared, *left_own, *left_summed, left.ndim - 1))
    right = lax.transpose(right, (*right_shared, *right_own, *right_summed, right.ndim - 1))
    shared, own = len(left_shared), len(left_own)
    first_summed = shared + own + len(right_own)
    left = jnp.expand_dims(left, range(shared + own, first_summed))
    right = jnp.expand_dims(right, range(shared, shared + own))
    axes = tuple(range(first_summed, first_summed + len(left_summed)))
    return [_Operand(jnp.sum(left * right, axis=axes), True)]


def _gather(equation: JaxprEqn, operands: list[_Operand], size: int) -> list[_Operand]:
    array, indices = operands
    if indices.is_mapped:
        return _as_vmap(equation, operands, size)
    params = equation.params
    numbers = params["dimension_numbers"]
    result = lax.gather(
        array.value,
        indices.value,
        numbers._replace(offset_dims=(*numbers.offset_dims, len(_shape(equation.outvars[0])))),
        (*params["slice_sizes"], size),
        unique_indices=params["unique_indices"],
        indices_are_sorted=params["indices_are_sorted"],
        mode=params["mode"],
        fill_value=params["fill_value"],
    )
    return [_Operand(result, True)]


def _scatter(scatter: Callable[..., Any]) -> "_Rule":
    def rule(equation: JaxprEqn, operands: list[_Operand], size: int) -> list[_Operand]:
        array, indices, updates = operands
        if indices.is_mapped:
            return _as_vmap(equation, operands, size)
        params = equation.params
        numbers = params["dimension_numbers"]
        window = (*numbers.update_window_dims, len(_shape(equation.invars[2])))
        result = scatter(
            _mapped(array, size),
            indices.value,
            _mapped(updates, size),
            numbers._replace(update_window_dims=window),
            indices_are_sorted=params["indices_are_sorted"],
            unique_indices=params["unique_indices"],
            mode=params["mode"],
        )
        return [_Operand(result, True)]

    return rule


def _barrier(equation: JaxprEqn, operands: list[_Operand], size: int) -> list[_Operand]:
    """Make it one: see `kept`."""
    return [_Operand(kept(operand.value), True) if operand.is_mapped else operand for operand in operands]


def _scan(equation: JaxprEqn, operands: list[_Operand], size: int) -> list[_Operand]:
    """Loop as `jax.lax.scan` does: its steps come first, as before."""
    params, step = equation.params, _closed(equation.params["jaxpr"])
    # What a step takes or gives one row of has an axis more out here; all else is carried or constant.
    first_input = len(operands) - _longer(equation.invars, step.jaxpr.invars)
    first_carry = first_input - (len(equation.outvars) - _longer(equation.outvars, step.jaxpr.outvars))
    constants, carried, inputs = (
        operands[:first_carry],
        operands[first_carry:first_input],
        operands[first_input:],
    )

    def body(carry: list[Any], slices: list[Any]) -> tuple[list[Any], list[Any]]:
        running = [_Operand(value, True) for value in carry]
        current = [_Operand(value, each.is_mapped) for value, each in zip(slices, inputs, strict=True)]
        results = _evaluate(step, [*constants, *running, *current], size)
        values = [_mapped(result, size) for result in results]
        return values[: len(carry)], values[len(carry) :]

    carry, outputs = lax.scan(
        body,
        [_mapped(operand, size) for operand in carried],
        [operand.value for operand in inputs],
        length=params["length"],
        reverse=params["reverse"],
    )
    return _results([*carry, *outputs], is_mapped=True)


_Rule = Callable[[JaxprEqn, list[_Operand], int], list[_Operand]]

_CALLS: Mapping[str, str] = {  # and the parameter that holds what is called
    "jit": "jaxpr",
    "pjit": "jaxpr",  # as JAX called it before 0.7
    "closed_call": "call_jaxpr",
    "custom_jvp_call": "call_jaxpr",
    "custom_vjp_call": "call_jaxpr",
}

_ELEMENTWISE = (
    *("add", "sub", "mul", "div", "rem", "max", "min", "pow", "atan2", "and", "or", "xor"),
    *("eq", "ne", "lt", "le", "gt", "ge", "select_n", "clamp", "nextafter", "convert_element_type"),
    *("neg", "sign", "abs", "sqrt", "rsqrt", "integer_pow", "square", "exp", "log", "log1p", "tanh"),
    *("sin", "cos", "tan", "floor", "ceil", "round", "is_finite", "not", "logistic"),
)

_FUSED = {  # operations that XLA computes in the loop of whatever takes their results
    *_ELEMENTWISE,
    *("broadcast_in_dim", "dot_general", "gather", "reshape", "rev", "slice", "squeeze", "transpose"),
    *("reduce_sum", "reduce_max", "reduce_min"),
}

_RULES: Mapping[str, _Rule] = {
    **dict.fromkeys(_ELEMENTWISE, _elementwise),
    "broadcast_in_dim": _broadcast_in_dim,
    "concatenate": _concatenate,
    "dot_general": _dot_general,
    "gather": _gather,
    "optimization_barrier": _barrier,
    "reshape": _reshape,
    "scan": _scan,
    "scatter": _scatter(lax.scatter),
    "scatter-add": _scatter(lax.scatter_add),
    "squeeze": _squeeze,
    "transpose": _transpose,
}


def _shape(variable: Any) -> tuple[int, ...]:
    """Return the shape of one case's value."""
    shape: tuple[int, ...] = variable.aval.shape
    return shape


def _longer(variables: Sequence[Any], others: Sequence[Any]) -> int:
    """Return how many have more axes than their counterpart."""
    return sum(
        len(_shape(variable)) > len(_shape(other)) for variable, other in zip(variables, others, strict=True)
    )


def _closed(jaxpr: Any) -> ClosedJaxpr:
    return jaxpr if isinstance(jaxpr, ClosedJaxpr) else ClosedJaxpr(jaxpr, ())


def _mapped(operand: _Operand, size: int) -> jax.Array:
    """Return a value with the batch."""
    return _spread(operand, jnp.shape(operand.value)[: -1 if operand.is_mapped else None], size)


def _spread(operand: _Operand, shape: tuple[int, ...], size: int) -> jax.Array:
    """Return a value with the batch, repeated to a shape if it is a single number."""
    value = jnp.asarray(operand.value)
    own = range(value.ndim - operand.is_mapped)
    dimensions = (*own, len(shape)) if operand.is_mapped else tuple(own)
    return value if value.shape == (*shape, size) else lax.broadcast_in_dim(value, (*shape, size), dimensions)


def _results(result: Any, *, is_mapped: bool = False) -> list[_Operand]:
    values = result if isinstance(result, list | tuple) else [result]
    return [_Operand(value, is_mapped) for value in values]
