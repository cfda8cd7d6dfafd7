"""Records and strategy states as JSON text, and back, unchanged.

Floats keep every bit (Python writes the shortest text that reads back equal); NaN and infinities are
written as `NaN`, `Infinity` and `-Infinity`. Keys are sorted, so equal objects give equal text.
"""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, TypeVar, get_origin

from cattrs.gen import make_dict_unstructure_fn, override
from cattrs.preconf.json import make_converter
from cattrs.strategies import configure_tagged_union

from bgpbt.errors import InputError, shown
from bgpbt.records import Start

__all__ = ["ABSENT_IF_DEFAULT", "decode", "encode", "encode_readable", "json_text", "without_unknown"]

T = TypeVar("T")

ABSENT_IF_DEFAULT: Mapping[str, bool] = MappingProxyType({"bgpbt.absent_if_default": True})
"""Metadata of a field that is written only where it is not its default: records without it stay as they were,
and with them the hashes of settings."""

_CONVERTER = make_converter(forbid_extra_keys=True)


def _absent_fields(record_type: type) -> list[str]:
    """Return the fields of a record that are written only where they are not their defaults."""
    plain = get_origin(record_type) or record_type
    if not is_dataclass(plain):
        return []
    return [item.name for item in fields(plain) if ABSENT_IF_DEFAULT.items() <= item.metadata.items()]


@_CONVERTER.register_unstructure_hook_factory(lambda found: bool(_absent_fields(found)))
def _writer(record_type: type[T]) -> Callable[[T], dict[str, Any]]:
    absent: Any = {name: override(omit_if_default=True) for name in _absent_fields(record_type)}
    return make_dict_unstructure_fn(record_type, _CONVERTER, **absent)


configure_tagged_union(Start, _CONVERTER, tag_name="kind", tag_generator=lambda cls: cls.__name__.lower())


def _number(value: Any) -> Any:
    """Return the number that a NumPy scalar stands for; called for what JSON does not know."""
    try:
        return value.item()
    except (AttributeError, ValueError):
        raise TypeError(f"a {type(value).__name__} cannot be stored") from None


_dumps = partial(json.dumps, sort_keys=True, separators=(",", ":"), default=_number)


def encode(record: Any) -> str:
    """Return a dataclass, or any nesting of them, as JSON text."""
    return _dumps(_CONVERTER.unstructure(record))


def encode_readable(record: Any) -> str:
    """Return a record as JSON text, after reading it back: what cannot be read must not reach the disk.

    Raises:
        InputError: a field holds a value of another type than its own.
    """
    text = encode(record)
    try:
        is_readable = encode(decode(type(record), text)) == text
    except Exception:  # the converter raises groups of whatever went wrong inside
        is_readable = False
    if not is_readable:
        raise InputError(f"a field has a value of another type than its own: {shown(record)}")
    return text


def decode(record_type: type[T], text: str) -> T:
    """Return the object of `record_type` that `encode` wrote as `text`."""
    return _CONVERTER.structure(json.loads(text), record_type)


def json_text(value: Any, *, indent: int | None = None) -> str:
    """Return what other programs read: JSON proper, in which a number that is not known is null."""
    return json.dumps(without_unknown(value), indent=indent, allow_nan=False, default=_number)


def without_unknown(value: Any) -> Any:
    """Return a value in which null stands for what is not a finite number, which JSON proper lacks."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(name): without_unknown(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [without_unknown(part) for part in value]
    return value
