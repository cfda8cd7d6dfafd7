"""A strategy's switches and numbers as names with plain values, as a command line and a file give them."""

import inspect
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from bgpbt.errors import InputError
from bgpbt.records import Value
from bgpbt.strategies.registry import strategy_signature
from bgpbt.surrogate import SurrogateSettings

__all__ = ["option_defaults", "strategy_options"]

_SURROGATE = "surrogate"


def option_defaults(strategy: str) -> dict[str, Value]:
    """Return the names of a strategy's options with their defaults, those of its surrogate among them.

    Raises:
        InputError: there is no such strategy.
    """
    parameters = strategy_signature(strategy).parameters
    own = {
        name: parameter.default
        for name, parameter in parameters.items()
        if parameter.default is not inspect.Parameter.empty and isinstance(parameter.default, Value)
    }
    if _SURROGATE not in parameters:
        return own
    surrogate = SurrogateSettings()
    return own | {field.name: getattr(surrogate, field.name) for field in fields(surrogate)}


def strategy_options(strategy: str, given: Mapping[str, Value]) -> dict[str, Any]:
    """Return options as `make_strategy` takes them.

    Args:
        strategy: its name.
        given: values by name, of the names that `option_defaults` returns.

    Raises:
        InputError: there is no such option, or its value is not allowed.
    """
    defaults = option_defaults(strategy)
    for name, value in given.items():
        if name not in defaults:
            listed = f"it has {', '.join(defaults)}" if defaults else "it has none"
            raise InputError(f"strategy {strategy} has no option {name!r}; {listed}")
        _check_kind(name, value, defaults[name])
    of_surrogate = {field.name for field in fields(SurrogateSettings)} & set(given)
    options: dict[str, Any] = {name: value for name, value in given.items() if name not in of_surrogate}
    if of_surrogate:
        options[_SURROGATE] = SurrogateSettings(**{name: given[name] for name in of_surrogate})  # type: ignore[arg-type]
    return options


def _check_kind(name: str, value: Value, default: Value) -> None:
    kinds = (float, int) if isinstance(default, float) else (type(default),)
    if not isinstance(value, kinds) or isinstance(value, bool) != isinstance(default, bool):
        wanted = {bool: "true or false", int: "a whole number", float: "a number", str: "a word"}
        raise InputError(f"option {name} = {value!r} must be {wanted[type(default)]}, such as {default!r}")
