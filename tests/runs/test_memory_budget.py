from pathlib import Path

import pytest

from bgpbt.agents import MemoryNeed
from bgpbt.errors import InputError
from bgpbt.runs import memory_budget
from bgpbt.runs.memory_budget import available_memory, bytes_of, check_memory, readable_bytes

NEED = MemoryNeed(rollout=600, slice=300, networks=80, environments=44)  # 1 KiB


@pytest.mark.parametrize(
    ("text", "expected"),
    [("8GiB", 8 * 2**30), ("500 MB", 500 * 10**6), ("2e9", 2 * 10**9), ("1.5KiB", 1536), ("7B", 7)],
)
def test_quantities_are_read(text: str, expected: int) -> None:
    assert bytes_of(text) == expected


@pytest.mark.parametrize("text", ["", "8 gigs", "-1GiB", "GiB", "0", "8gib", "1e", "0.1B"])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="memory_budget = "):
        bytes_of(text)


def test_quantities_are_written_as_people_read_them() -> None:
    assert [readable_bytes(n) for n in (5, 1536, 3 * 2**20, 7 * 2**30)] == [
        "5 B",
        "1.5 KiB",
        "3 MiB",
        "7 GiB",
    ]


def test_members_that_fit_are_let_through_to_the_byte() -> None:
    check_memory(NEED, 3, 3 * 1024)
    with pytest.raises(InputError, match="is too little: 3 members at a time need 3 KiB, 1 KiB each"):
        check_memory(NEED, 3, 3 * 1024 - 1)


def test_the_refusal_says_what_to_lower() -> None:
    with pytest.raises(InputError, match="lower max_parallel to 2 or fewer"):
        check_memory(NEED, 8, 2500)
    with pytest.raises(InputError, match="most of it for data of an iteration; lower num_envs"):
        check_memory(NEED, 8, 1000)
    heavy = MemoryNeed(rollout=1, slice=1, networks=9, environments=1)
    with pytest.raises(InputError, match="a member needs 12 B; most of it for parameters; lower the"):
        check_memory(heavy, 1, 11)


def test_a_container_has_what_its_limit_leaves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = available_memory()
    assert whole is not None
    assert whole > 2**20
    monkeypatch.setattr(memory_budget, "_CGROUP", tmp_path)
    (tmp_path / "memory.max").write_text("5000000\n")
    (tmp_path / "memory.current").write_text("3000000\n")
    (tmp_path / "memory.stat").write_text("anon 2000000\nfile 1000000\n")
    assert available_memory() == 3_000_000  # the cache of files is given back when it is needed
    (tmp_path / "memory.max").write_text("max\n")
    assert available_memory() != 3_000_000
