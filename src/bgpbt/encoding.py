"""Records and strategy states as JSON text, and back, unchanged.

Floats keep every bit (Python writes the shortest text that reads back equal); NaN and infinities are
written as `NaN`, `Infinity` and `-Infinity`. Keys are sorted, so equal objects give equal text.
"""

import json
from functools import partial
from typing import Any, TypeVar

from cattrs.preconf.json import make_converter
from cattrs.strategies import configure_tagged_union

from bgpbt.records import Start

__all__ = ["decode", "encode"]

T = TypeVar("T")

_CONVERTER = make_converter(forbid_extra_keys=True)
configure_tagged_union(Start, _CONVERTER, tag_name="kind", tag_generator=lambda cls: cls.__name__.lower())

_dumps = partial(json.dumps, sort_keys=True, separators=(",", ":"))


def encode(record: Any) -> str:
    """Return a dataclass, or any nesting of them, as JSON text."""
    return _dumps(_CONVERTER.unstructure(record))


def decode(record_type: type[T], text: str) -> T:
    """Return the object of `record_type` that `encode` wrote as `text`."""
    return _CONVERTER.structure(json.loads(text), record_type)
