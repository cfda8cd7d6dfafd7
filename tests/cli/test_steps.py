import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgpbt.cli.steps import steps_of


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("160000", 160_000),
        ("160_000", 160_000),
        ("160k", 160_000),
        ("160K", 160_000),
        ("1e6", 1_000_000),
        ("1E+6", 1_000_000),
        ("1.5e6", 1_500_000),
        ("1M", 1_000_000),
        ("1.5m", 1_500_000),
        ("0.3k", 300),
        ("2G", 2_000_000_000),
        ("2b", 2_000_000_000),
        ("-5", -5),
        ("1e3k", 1_000_000),
        ("9007199254740993", 9_007_199_254_740_993),  # no float holds it
    ],
)
def test_steps_as_people_write_them(text: str, steps: int) -> None:
    assert steps_of(text) == steps


@pytest.mark.parametrize(
    "text", ["", "many", "1.5", "1.0005k", "1 M", "1MM", "1e", "1e400", "nan", "inf", "0x10"]
)
def test_what_is_no_whole_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="number of steps"):
        steps_of(text)


@given(st.integers(-(10**18), 10**18))
def test_every_integer_is_read_as_it_is_written(steps: int) -> None:
    assert steps_of(f"{steps}") == steps
    assert steps_of(f"{steps:_}") == steps
    assert steps_of(f"{steps}k") == 1000 * steps
