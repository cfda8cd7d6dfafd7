"""Numbers of steps as people write them: `160_000`, `160k`, `1e6`, `1M`."""

import re
from decimal import Decimal
from typing import Annotated

from tyro.constructors import PrimitiveConstructorSpec

__all__ = ["Steps", "steps_of"]

_FACTORS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "b": 10**9}
_NUMBER = re.compile(r"(?P<number>[-+]?\d[\d_]*(\.\d+)?(e[-+]?\d{1,2})?)(?P<unit>[kmgb]?)", re.IGNORECASE)


def steps_of(text: str) -> int:
    """Return the whole number that a text means; `k`, `M` and `G` or `B` are thousands, millions, billions.

    Raises:
        ValueError: it is no whole number.
    """
    found = _NUMBER.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no number of steps, such as 160000, 160_000, 160k, 1e6 or 1.5M")
    number = Decimal(found["number"].replace("_", "")) * _FACTORS[found["unit"].lower()]
    if number != int(number):
        raise ValueError(f"{text!r} is no whole number of steps")
    return int(number)


Steps = Annotated[
    int,
    PrimitiveConstructorSpec(
        nargs=1,
        metavar="STEPS",
        instance_from_str=lambda texts: steps_of(texts[0]),
        is_instance=lambda value: isinstance(value, int) and not isinstance(value, bool),
        str_from_instance=lambda value: [f"{value}"],
    ),
]
"""A number of environment steps as a flag takes it."""
