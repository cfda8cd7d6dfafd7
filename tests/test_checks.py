import math
from collections.abc import Callable
from typing import Any

import pytest

from bgpbt import checks
from bgpbt.errors import InputError


@pytest.mark.parametrize(
    ("check", "allowed", "refused", "rule"),
    [
        (
            lambda v: checks.at_least("x", v, 1),
            [1, 1.5, math.inf],
            [0, 0.9, math.nan, None, "2"],
            "1 or more",
        ),
        (lambda v: checks.above("x", v, 0), [1e-300, 3], [0, -1.0, math.nan, None], "above 0"),
        (lambda v: checks.within("x", v, 0, 1), [0, 0.5, 1], [-0.1, 1.1, math.nan, "0"], "from 0 to 1"),
        (lambda v: checks.whole("x", v, 2), [2, 10**30], [1, 2.0, True, "2"], "a whole number, 2 or more"),
        (lambda v: checks.seed("x", v), [0, 2**63 - 1], [-1, 2**63, None], "in [0, 2**63)"),
        (lambda v: checks.one_of("x", v, ("hpo", "both")), ["hpo", "both"], ["all", None], "hpo or both"),
    ],
)
def test_a_value_that_is_not_allowed_is_named_with_the_rule(
    check: Callable[[Any], None], allowed: list[Any], refused: list[Any], rule: str
) -> None:
    for value in allowed:
        check(value)
    for value in refused:
        with pytest.raises(InputError) as caught:
            check(value)
        assert str(caught.value) == f"x = {value!r} must be {rule}"


def test_a_long_value_is_cut() -> None:
    with pytest.raises(InputError) as caught:
        checks.require(False, "x", "y" * 1_000, "short")
    assert len(str(caught.value)) < 120
