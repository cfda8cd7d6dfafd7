"""Checks on what a user gives. Their errors have one wording: NAME = VALUE must be RULE."""

from collections.abc import Collection
from numbers import Real
from typing import Any

from bgpbt.errors import InputError, shown

__all__ = ["above", "at_least", "one_of", "require", "seed", "whole", "within"]


def require(is_allowed: bool, name: str, value: object, rule: str) -> None:
    """Check a condition of a value.

    Raises:
        InputError: it does not hold; the text is "NAME = VALUE must be RULE".
    """
    if not is_allowed:
        raise InputError(f"{name} = {shown(value)} must be {rule}")


def at_least(name: str, value: Any, least: float) -> None:
    """Check that a number is not below a bound.

    Raises:
        InputError: it is, or is no number.
    """
    require(_is_number(value) and value >= least, name, value, f"{least} or more")


def above(name: str, value: Any, bound: float) -> None:
    """Check that a number is above a bound.

    Raises:
        InputError: it is not, or is no number.
    """
    require(_is_number(value) and value > bound, name, value, f"above {bound}")


def within(name: str, value: Any, low: float, high: float) -> None:
    """Check that a number is between two bounds, or one of them.

    Raises:
        InputError: it is not, or is no number.
    """
    require(_is_number(value) and low <= value <= high, name, value, f"from {low} to {high}")


def whole(name: str, value: Any, least: int) -> None:
    """Check that a value is a whole number, and not below a bound.

    Raises:
        InputError: it is not; a truth value is none.
    """
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    require(is_whole and value >= least, name, value, f"a whole number, {least} or more")


def seed(name: str, value: Any) -> None:
    """Check that a value is a seed, as orders have it.

    Raises:
        InputError: it is not.
    """
    require(_is_number(value) and 0 <= value < 2**63, name, value, "in [0, 2**63)")


def one_of(name: str, value: Any, allowed: Collection[str]) -> None:
    """Check that a value is one of a few.

    Raises:
        InputError: it is not.
    """
    require(value in allowed, name, value, " or ".join(allowed))


def _is_number(value: object) -> bool:
    return isinstance(value, Real)
