"""An entry of `hyperparam_bounds` or `hyperparam_mutations` as a domain of Ray Tune.

What has no bounds to search within is refused with one line that says what to write.
"""

import math
from typing import Any

import numpy as np
from ray import tune
from ray.tune.search.sample import Domain, Float, Function, LogUniform, Quantized

from bgpbt.errors import InputError
from bgpbt.space.inputs import native

__all__ = ["domain_of_bounds", "domain_of_mutation"]


def domain_of_bounds(name: str, entry: Any, first: Any) -> Domain:
    """Return the domain of `[low, high]` or of a domain.

    Two integers as bounds, or an integer as first value, mean integers, as in Ray; a float as first value
    means floats.

    Args:
        name: of the input, for messages.
        entry: what the user gave.
        first: the value that a trial begins with; None if it has none.

    Raises:
        InputError: it cannot be searched.
    """
    if isinstance(entry, Domain):
        return _domain(name, entry, first)
    if not isinstance(entry, list | tuple | np.ndarray) or len(entry) != 2:
        raise InputError(f"hyperparam_bounds: {name} = {entry!r} must be [low, high] or a domain of Tune")
    low, high = (bound.item() if isinstance(bound, np.generic) else bound for bound in entry)
    if isinstance(low, bool | str) or isinstance(high, bool | str):
        raise InputError(
            f"hyperparam_bounds: {name} = [{low!r}, {high!r}] are no numbers; "
            f"for choices write hyperparam_mutations={{{name!r}: [{low!r}, {high!r}]}}"
        )
    if not isinstance(low, int | float) or not isinstance(high, int | float):
        raise InputError(f"hyperparam_bounds: {name} = [{low!r}, {high!r}] must be two numbers")
    if low == high:
        raise InputError(
            f"hyperparam_bounds: {name} = [{low!r}, {high!r}] leaves nothing to search; "
            f"put {name} = {low!r} into param_space"
        )
    if isinstance(low, int) and isinstance(high, int) and not _is_float(first):
        return _made(tune.randint(low, high + 1))
    return _of_kind(name, _made(tune.uniform(low, high)), first)


def domain_of_mutation(name: str, entry: Any, first: Any) -> Domain:
    """Return the domain of a list of choices or of a domain.

    Args:
        name: of the input, for messages.
        entry: what the user gave.
        first: the value that a trial begins with; None if it has none.

    Raises:
        InputError: it cannot be searched.
    """
    if isinstance(entry, Domain):
        return _domain(name, entry, first)
    if isinstance(entry, list | tuple | range | np.ndarray):
        choices = list(entry)
        if len({repr(_native(name, choice)) for choice in choices}) == 1:
            raise InputError(
                f"hyperparam_mutations: {name} = {choices!r} leaves nothing to search; "
                f"put {name} = {choices[0]!r} into param_space"
            )
        return _made(tune.choice(choices))
    if callable(entry):
        raise InputError(
            f"hyperparam_mutations: {name} is a function, which has no bounds to search within; "
            f"write a domain such as tune.uniform(low, high), tune.randint(low, high) or a list of choices"
        )
    raise InputError(
        f"hyperparam_mutations: {name} = {entry!r} must be a list of choices, a domain of Tune or a mapping"
    )


def _domain(name: str, entry: Domain, first: Any) -> Domain:
    if isinstance(entry, Function):
        raise InputError(
            f"{name} is a tune.sample_from, which has no bounds to search within; "
            f"write a domain such as tune.uniform(low, high), tune.randint(low, high) or tune.choice([...])"
        )
    return _of_kind(name, entry, first)


def _of_kind(name: str, domain: Domain, first: Any) -> Domain:
    """Return a domain of floats as one of integers where the first value is an integer."""
    if not isinstance(domain, Float) or not _is_integer(first):
        return domain
    sampler = domain.get_sampler()
    if isinstance(sampler, Quantized):
        is_whole = float(sampler.q).is_integer() and not isinstance(sampler.get_sampler(), LogUniform)
        low, high = domain.lower, domain.upper
        return _made(tune.qrandint(math.ceil(low), math.floor(high), int(sampler.q))) if is_whole else domain
    if not (math.isfinite(domain.lower) and math.isfinite(domain.upper)):
        return domain
    low, high = math.ceil(domain.lower), math.floor(domain.upper)
    if high <= low:
        raise InputError(
            f"{name} begins as the integer {first!r}, and from {domain.lower} to {domain.upper} there are "
            f"not two integers; write {float(first)!r} to search floats"
        )
    if isinstance(sampler, LogUniform):
        return _made(tune.lograndint(max(low, 1), high + 1))
    return _made(tune.randint(low, high + 1))


def _made(domain: Any) -> Domain:
    assert isinstance(domain, Domain)  # Ray's functions say so of integers alone
    return domain


def _native(name: str, choice: Any) -> Any:
    try:
        return native(choice)
    except InputError as error:
        raise InputError(
            f"hyperparam_mutations: {name}: {error}; "
            f"give each choice a name, and let the trainable look it up"
        ) from error


def _is_integer(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _is_float(value: Any) -> bool:
    return isinstance(value, float | np.floating)
