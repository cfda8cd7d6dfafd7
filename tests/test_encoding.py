from dataclasses import dataclass, field
from typing import Generic, TypeVar

from bgpbt.encoding import ABSENT_IF_DEFAULT, decode, encode

Part = TypeVar("Part")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recent(Generic[Part]):
    """A record that has got a field since it was first stored."""

    old: int = 0
    part: Part
    new: tuple[str, ...] = field(default=(), metadata=ABSENT_IF_DEFAULT)


def test_a_field_that_may_be_absent_is_written_only_where_it_says_something() -> None:
    assert encode(Recent(part=1.5)) == '{"old":0,"part":1.5}'
    assert encode(Recent(part=1.5, new=("a",))) == '{"new":["a"],"old":0,"part":1.5}'


def test_it_is_read_back_as_it_was() -> None:
    for record in (Recent(part=1.5), Recent(part=1.5, new=("a",))):
        assert decode(Recent[float], encode(record)) == record
