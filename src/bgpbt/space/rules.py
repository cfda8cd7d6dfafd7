"""Whether a trainer reads every input of a space, and can take every value that the space can propose."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass

from bgpbt.errors import InputError
from bgpbt.records import Value
from bgpbt.space.inputs import Categorical, Continuous, Input, Ordered
from bgpbt.space.names import likely_name
from bgpbt.space.space import Space

__all__ = ["TRUTH", "Rule", "Truth", "check_inputs", "values_of"]

_FLOAT32_MAX = 3.4028234663852886e38  # what trainers compute with


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """The values that a hyperparameter can take, bounds included."""

    low: float = 0.0
    high: float = _FLOAT32_MAX
    is_whole: bool = False
    texts: tuple[str, ...] = ()  # values beside numbers

    def complaint(self, value: Value) -> str | None:
        """Return the rule that a value breaks."""
        if isinstance(value, (bool, str)):
            if value in self.texts:
                return None
            return f"is not a number, nor {' or '.join(self.texts)}" if self.texts else "is not a number"
        if self.low <= value <= self.high and (not self.is_whole or value == int(value)):  # refuses NaN, too
            return None
        kind = "a whole number" if self.is_whole else "a number"
        if self.high < 1000:
            return f"must be {kind} from {self.low:g} to {self.high:g}"
        return f"must be {kind}, {self.low:g} or more" if self.low > -sys.maxsize else f"must be {kind}"


@dataclass(frozen=True, slots=True)
class Truth:
    """What can be true or false."""

    is_whole: bool = True  # no float, whose values are without end

    def complaint(self, value: Value) -> str | None:
        """Return the rule that a value breaks."""
        return None if value in (False, True) else "must be true or false"


TRUTH = Truth()
"""The rule of a switch."""


def check_inputs(
    space: Space,
    rules: Mapping[str, Rule | Truth],
    *,
    reader: str,
    flags: tuple[str, ...] = (),
    source: str = "space",
) -> None:
    """Check that a trainer reads every input, and can take every value.

    Args:
        space: what is to be searched.
        rules: what each name that the trainer reads can be.
        reader: name of the trainer, for the message.
        flags: of the command line that an input may stand for by mistake.
        source: what the message begins with.

    Raises:
        InputError: it does not; the text has the name that was probably meant.
    """
    unknown = [name for name in space.configuration_space if name not in rules]
    if unknown:
        near = {name: likely_name(name, (*rules, *flags)) for name in unknown}
        shown = (f"{name} (did you mean {meant}?)" if meant else name for name, meant in near.items())
        raise InputError(f"{source}: {reader} does not read {', '.join(shown)}; it reads {', '.join(rules)}")
    for item in space.inputs:
        if isinstance(item, Continuous) and not item.is_integer and rules[item.name].is_whole:
            raise InputError(
                f"{source}: {item.name} is a float; it must be an integer, ordinal or categorical input"
            )
    for name in space.configuration_space:
        for value in values_of(space, name):
            _check_value(name, value, rules[name], source)


def values_of(space: Space, name: str) -> tuple[Value, ...]:
    """Return the values of an input, or the ends of its range; none if the space has no such input."""
    if name in space.constants:
        return (space.constants[name],)
    return next((_values(item) for item in space.inputs if item.name == name), ())


def _values(item: Input) -> tuple[Value, ...]:
    match item:
        case Ordered():
            return item.levels
        case Categorical():
            return item.choices
        case Continuous(is_integer=True):
            return (int(item.low), int(item.high))
    return (item.low, item.high)


def _check_value(name: str, value: Value, rule: Rule | Truth, source: str) -> None:
    complaint = rule.complaint(value)
    if complaint is not None:
        raise InputError(f"{source}: {name} = {value!r} {complaint}")
