"""Published forms of a space, brought into the one that ConfigSpace writes today.

ConfigSpace 0.4 to 0.6 wrote `q`, `probabilities`, `default` and `unparametrized`. Hydra's sweepers, and with
them most published spaces of reinforcement learning, have a mapping of names instead of a list. What cannot
be read exactly is refused; the message names the input and says what to write.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from bgpbt.errors import InputError
from bgpbt.space.inputs import grid, named_native

__all__ = ["current_form"]

_RENAMED = {"default": "default_value", "probabilities": "weights"}
_UNIFORM = {"uniform_float", "uniform_int"}
_FIELDS = {  # by type: those that must be there, and others
    "uniform_float": (("lower", "upper"), ("default_value", "log", "q", "meta")),
    "uniform_int": (("lower", "upper"), ("default_value", "log", "q", "meta")),
    "categorical": (("choices",), ("default_value", "weights", "meta")),
    "ordinal": (("sequence",), ("default_value", "meta")),
    "constant": (("value",), ("meta",)),
}


def current_form(described: Mapping[str, Any]) -> dict[str, Any]:
    """Return a description of a space as ConfigSpace writes it today.

    Raises:
        InputError: an input cannot be read exactly; the text begins with its name.
    """
    listed = _listed(described["hyperparameters"], key="name", part="hyperparameters")
    return {
        **described,
        "hyperparameters": [_hyperparameter(item) for item in listed],
        "conditions": _listed(described.get("conditions"), key="child", part="conditions"),
        "forbiddens": _listed(described.get("forbiddens"), key="name", part="forbiddens"),
    }


def _listed(found: object, *, key: str, part: str) -> list[dict[str, Any]]:
    """Return a list of items, or a mapping of names to items, as a list whose items have the name."""
    if found is None:
        return []
    if isinstance(found, Mapping):
        items = [{key: name, **item} if isinstance(item, Mapping) else item for name, item in found.items()]
    elif isinstance(found, Sequence) and not isinstance(found, str):
        items = [dict(item) if isinstance(item, Mapping) else item for item in found]
    else:
        raise InputError(f"{part} must be a list, or a mapping of names, got {found!r}")
    for item in items:
        if not isinstance(item, dict):
            raise InputError(f"{part}: {item!r} must be a mapping, such as {{type: ..., {key}: ...}}")
    return items


def _hyperparameter(item: Mapping[str, Any]) -> dict[str, Any]:
    name, kind = item.get("name"), item.get("type")
    if not isinstance(name, str) or not name:
        raise InputError(f"hyperparameters: the name {name!r} must be a text")
    kind = "constant" if kind == "unparametrized" else kind
    if kind not in _FIELDS:  # ConfigSpace has more, which are refused or read later
        return {**item, "type": kind}
    fields = _renamed(name, item)
    _check_fields(name, kind, fields)
    if kind in _UNIFORM:
        return _uniform(name, kind, fields)
    for field in fields.keys() & {"choices", "sequence"}:
        fields[field] = _values(name, field, fields[field])
    for field in fields.keys() & {"value", "default_value"}:
        fields[field] = named_native(name, fields[field])
    return {"type": kind, "name": name, **fields}


def _check_fields(name: str, kind: str, fields: Mapping[str, Any]) -> None:
    required, optional = _FIELDS[kind]
    for field in fields:
        if field not in (*required, *optional):
            allowed = ", ".join((*required, *optional))
            raise InputError(f"{name}: {field} is no field of a {kind} input; allowed are {allowed}")
    for field in required:
        if field not in fields:
            raise InputError(f"{name}: {field} is missing, which a {kind} input needs")


def _renamed(name: str, item: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of an input under today's names, without those that are not set."""
    fields: dict[str, Any] = {}
    for field, value in item.items():
        today = _RENAMED.get(field, field)
        if field in ("name", "type") or (value is None and field != "value"):
            continue
        if fields.get(today, value) != value:
            raise InputError(f"{name}: {today} is given twice, as {fields[today]!r} and as {value!r}")
        fields[today] = value
    return fields


def _values(name: str, field: str, values: object) -> list[Any]:
    if not isinstance(values, Sequence) or isinstance(values, str):
        raise InputError(f"{name}: {field} = {values!r} must be a list")
    return [named_native(name, value) for value in values]


def _uniform(name: str, kind: str, fields: dict[str, Any]) -> dict[str, Any]:
    is_whole = kind == "uniform_int"
    for field in ("lower", "upper", "default_value", "q"):
        if field in fields:
            fields[field] = _number(name, field, fields[field], is_whole=is_whole)
    if not isinstance(fields.get("log", False), bool):
        raise InputError(f"{name}: log = {fields['log']!r} must be true or false")
    quantum = fields.pop("q", None)
    if quantum is None or (is_whole and quantum == 1):
        return {"type": kind, "name": name, **fields}
    return _quantised(name, fields, quantum)


def _quantised(name: str, fields: dict[str, Any], quantum: float) -> dict[str, Any]:
    """Return a range with a quantum as an ordinal.

    Releases of ConfigSpace counted the quantum from 0 or from the lower bound. Only where both mean the same
    values is it known which values the author searched.
    """
    low, high = fields["lower"], fields["upper"]
    way_out = "list the values instead, as type: ordinal with a sequence"
    if fields.pop("log", False):
        raise InputError(f"{name}: q = {quantum!r} on a log scale has no counterpart here; {way_out}")
    if not quantum > 0 or not (_is_multiple(low, quantum) and _is_multiple(high, quantum)):
        raise InputError(
            f"{name}: lower = {low!r} and upper = {high!r} must be multiples of q = {quantum!r}; {way_out}"
        )
    levels = grid(name, low, high, quantum)
    kept = {"meta": fields["meta"]} if "meta" in fields else {}
    default = fields.get("default_value")
    if default is not None:
        nearest = min(levels, key=lambda level: abs(level - default))
        if abs(nearest - default) > 1e-9 * quantum:
            raise InputError(
                f"{name}: default_value = {default!r} is no multiple of q = {quantum!r}; {way_out}"
            )
        kept["default_value"] = nearest
    return {"type": "ordinal", "name": name, "sequence": levels, **kept}


def _is_multiple(value: float, quantum: float) -> bool:
    return abs(value / quantum - round(value / quantum)) < 1e-9


def _number(name: str, field: str, value: object, *, is_whole: bool) -> float:
    """Return a number; text that is one counts, since YAML 1.1 reads 1e-5, without a dot, as text."""
    number = named_native(name, value)
    if isinstance(number, str):
        with suppress(ValueError):
            number = float(number)
    if isinstance(number, (bool, str)) or not abs(number) < float("inf"):
        raise InputError(f"{name}: {field} = {value!r} must be a finite number")
    if not is_whole:
        return number
    if number != int(number):
        raise InputError(f"{name}: {field} = {value!r} must be a whole number")
    return int(number)
