import math
import sqlite3
import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bgpbt.errors import DamagedRunError
from bgpbt.records import Checkpoint, Fresh, From, Order, Outcome, Plan, Proposal, ProposalSource, Purpose
from bgpbt.storage.files import StorageError
from bgpbt.storage.history import History, Position

FLOATS = st.floats(allow_nan=True, allow_infinity=True, allow_subnormal=True)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=12)
HASHES = st.integers(0, 2**256 - 1).map(lambda number: Checkpoint(f"{number:064x}"))


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    value: float = 0.0
    kept: tuple[str, ...] = ()


def order(member: int, round_index: int = 0, start: Fresh | From | None = None) -> Order:
    return Order(
        round=round_index,
        member=member,
        purpose=Purpose.TRAIN,
        start=start or Fresh(),
        configuration={"rate": 0.1, "units": 64, "spectral": True, "kind": "a"},
        first_step=0,
        steps=10,
        seed=member,
        proposal=Proposal(source=ProposalSource.RANDOM),
    )


def plan(round_index: int = 0, members: int = 2) -> Plan:
    return Plan(round=round_index, orders=tuple(order(m, round_index) for m in range(members)))


def outcome(member: int, round_index: int = 0, score: float = 1.0) -> Outcome:
    checkpoint = Checkpoint(f"{round_index:032x}{member:032x}")
    return Outcome(round=round_index, member=member, checkpoint=checkpoint, score=score, steps=10)


def bits(value: float) -> bytes:
    return b"nan" if math.isnan(value) else struct.pack("<d", value)


def without_floats(full: Outcome) -> Outcome:
    return replace(full, score=0.0, seconds=0.0, figures={})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.sqlite"


@pytest.fixture
def history(path: Path) -> Iterator[History]:
    with History.create(path) as created:
        yield created


def filled(path: Path, scores: tuple[float, ...] = (1.0, 2.0)) -> None:
    with History.create(path) as history:
        history.open_round(State(value=0.1), plan(0, len(scores)))
        for member, score in enumerate(scores):
            history.commit_outcome(outcome(member, score=score))


@settings(max_examples=60, deadline=None)
@given(
    score=FLOATS,
    seconds=FLOATS,
    figure=FLOATS,
    steps=st.integers(0, 2**62),
    failure=st.none() | TEXTS,
    checkpoint=st.none() | HASHES,
)
def test_outcomes_come_back_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory,
    score: float,
    seconds: float,
    figure: float,
    steps: int,
    failure: str | None,
    checkpoint: Checkpoint | None,
) -> None:
    given_outcome = Outcome(
        round=0,
        member=1,
        checkpoint=checkpoint,
        score=score,
        steps=steps,
        seconds=seconds,
        figures={"loss": figure},
        failure=failure,
    )
    path = tmp_path_factory.mktemp("history") / "history.sqlite"
    with History.create(path) as history:
        history.open_round(State(), plan())
        history.commit_outcome(given_outcome)
    with History.open(path) as history:
        (back,) = history.outcomes()
    assert bits(back.score) == bits(score)
    assert bits(back.seconds) == bits(seconds)
    assert bits(back.figures["loss"]) == bits(figure)
    assert without_floats(back) == without_floats(given_outcome)


@given(value=FLOATS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_states_come_back_bit_for_bit(tmp_path_factory: pytest.TempPathFactory, value: float) -> None:
    path = tmp_path_factory.mktemp("history") / "history.sqlite"
    with History.create(path) as history:
        history.open_round(State(value=value, kept=("a",)), plan())
    with History.open(path) as history:
        position = history.position(State)
    assert position is not None
    assert bits(position.state.value) == bits(value)
    assert position.state.kept == ("a",)
    assert position.plan == plan()


def test_a_new_history_has_no_position(history: History) -> None:
    assert history.position(State) is None
    assert history.outcomes() == []
    assert history.best_outcome() is None
    assert history.referenced() == set()


def test_the_position_is_the_newest_round_and_then_the_end(history: History) -> None:
    history.open_round(State(value=1.0), plan(0))
    history.open_round(State(value=2.0), plan(1, members=3))
    assert history.position(State) == Position(state=State(value=2.0), plan=plan(1, members=3))
    history.open_round(State(value=3.0), None)
    assert history.position(State) == Position(state=State(value=3.0), plan=None)
    assert history.plans() == [plan(0), plan(1, members=3)]


def test_orders_meet_their_outcomes(history: History) -> None:
    history.open_round(State(), plan(0))
    for member in (1, 0):
        history.commit_outcome(outcome(member))
    history.open_round(State(), plan(1))
    history.commit_outcome(outcome(1, 1))
    assert [(o.round, o.member, r.round, r.member) for o, r in history.trained()] == [
        (0, 0, 0, 0),
        (0, 1, 0, 1),
        (1, 1, 1, 1),
    ]
    assert [o.member for o in history.outcomes(1)] == [1]


def test_an_outcome_is_committed_once_and_only_for_a_plan(history: History) -> None:
    history.open_round(State(), plan())
    history.commit_outcome(outcome(0))
    with pytest.raises(sqlite3.IntegrityError):
        history.commit_outcome(outcome(0))
    with pytest.raises(sqlite3.IntegrityError):
        history.commit_outcome(outcome(0, round_index=7))
    assert len(history.outcomes()) == 1


def test_the_best_is_finite_sound_and_the_first_of_equals(history: History) -> None:
    history.open_round(State(), plan(0, 7))
    for member, score in enumerate([math.nan, math.inf, 3.0, 5.0, 5.0, -math.inf]):
        history.commit_outcome(outcome(member, score=score))
    history.commit_outcome(replace(outcome(6, score=9.0), failure="no"))
    best = history.best_outcome()
    assert best is not None
    assert best.member == 3


def test_referenced_is_what_the_run_can_still_need(history: History) -> None:
    starts = [Checkpoint(f"{i:064x}") for i in (100, 101)]
    history.open_round(State(), plan(0, 3))
    for member, score in enumerate([50.0, -50.0, -60.0]):
        history.commit_outcome(outcome(member, score=score))
    remembered = outcome(2).checkpoint
    assert remembered is not None
    orders = tuple(order(m, 1, From(checkpoint=starts[m])) for m in range(2))
    history.open_round(State(kept=(remembered,)), Plan(round=1, orders=orders))
    history.commit_outcome(outcome(1, 1))
    best, under_way = outcome(0).checkpoint, outcome(1, 1).checkpoint
    assert history.referenced() == {starts[0], best, under_way, remembered}
    history.commit_outcome(outcome(0, 1))
    history.open_round(State(), None)
    assert history.referenced() == {best, under_way, outcome(0, 1).checkpoint}


def test_what_a_failed_order_started_from_can_still_be_needed(history: History) -> None:
    starts = [Checkpoint(f"{i:064x}") for i in (100, 101)]
    history.open_round(State(), plan(0))
    for member, start in enumerate(starts):
        history.commit_outcome(replace(outcome(member, score=-50.0 - member), checkpoint=start))
    orders = tuple(order(m, 1, From(checkpoint=starts[m])) for m in range(2))
    history.open_round(State(kept=(starts[1],)), Plan(round=1, orders=orders))
    burst = replace(outcome(0, 1), checkpoint=None, score=math.nan, failure="it burst")
    history.commit_outcome(burst)
    history.commit_outcome(outcome(1, 1))
    assert history.referenced() == {*starts, outcome(1, 1).checkpoint}  # the state names the second itself


def test_text_that_looks_like_a_checkpoint_is_none(history: History) -> None:
    """A configuration, a note, a failure, a figure and a state may hold any text."""
    hashes = ["a" * 64, "b" * 64, "c" * 64, "d" * 64, "e" * 64]
    proposal = Proposal(source=ProposalSource.RANDOM, note=hashes[0], figures={hashes[1]: 1.0})
    first = replace(order(0), configuration={"data": hashes[2], hashes[3]: 1}, proposal=proposal)
    history.open_round(State(kept=tuple(hashes)), Plan(round=0, orders=(first, order(1))))
    assert history.referenced() == set()
    burst = replace(outcome(0), checkpoint=None, score=math.nan, failure=hashes[4], figures={hashes[1]: 0.0})
    history.commit_outcome(burst)
    assert history.referenced() == set()
    history.commit_outcome(outcome(1))
    assert history.referenced() == {outcome(1).checkpoint}


def test_every_flipped_byte_is_named_or_harmless(path: Path) -> None:
    filled(path)
    intact = path.read_bytes()
    with History.open(path) as history:
        expected = history.trained(), history.position(State)
    detected = 0
    for position in range(0, len(intact), 11):
        damaged = bytearray(intact)
        damaged[position] ^= 0x55
        path.write_bytes(damaged)
        try:
            with History.open(path) as history:
                assert (history.trained(), history.position(State)) == expected  # an unused byte
        except (DamagedRunError, StorageError) as error:
            detected += str(path) in str(error)
        for leftover in path.parent.glob("history.sqlite-*"):
            leftover.unlink()
    assert detected > 50


@pytest.mark.parametrize("column", ["record", "checkpoint", "score", "failure"])
def test_a_changed_value_is_detected_though_sqlite_is_content(path: Path, column: str) -> None:
    filled(path)
    with sqlite3.connect(path) as connection:
        connection.execute(f"UPDATE outcomes SET {column} = '3' WHERE member = 1")
    connection.close()
    with pytest.raises(DamagedRunError, match=r"history\.sqlite: a row does not match"):
        History.open(path)


@pytest.mark.parametrize("content", [b"", b"not a database at all" * 100])
def test_a_file_that_is_no_history_is_named(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(DamagedRunError, match=r"history\.sqlite"):
        History.open(path)
    assert path.read_bytes() == content


def test_a_missing_history_is_named_and_not_made(path: Path) -> None:
    with pytest.raises(DamagedRunError, match="missing"):
        History.open(path)
    assert not path.exists()


def test_a_history_is_not_written_over(path: Path) -> None:
    filled(path)
    with pytest.raises(StorageError, match="already"):
        History.create(path)


def test_a_newer_schema_is_refused(path: Path) -> None:
    filled(path)
    connection = sqlite3.connect(path)
    connection.executescript("CREATE TABLE later (what TEXT); PRAGMA user_version = 99;")
    connection.close()
    with pytest.raises(StorageError, match="schema version 99; this bgpbt reads up to 2"):
        History.open(path)


def test_a_state_of_another_type_is_named(path: Path) -> None:
    @dataclass(frozen=True)
    class Other:
        something: int

    filled(path)
    with (
        History.open(path) as history,
        pytest.raises(DamagedRunError, match="does not read as Other"),
    ):
        history.position(Other)


READER = """
import sys
from pathlib import Path
from bgpbt.storage.history import History
with History.open(Path(sys.argv[1]), read_only=True) as history:
    for _ in sys.stdin:
        print(len(history.trained()), flush=True)
"""


def test_another_process_reads_while_the_run_writes(history: History, path: Path) -> None:
    history.open_round(State(), plan(0, 4))
    with subprocess.Popen(
        [sys.executable, "-c", READER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as reader:
        assert reader.stdin is not None
        assert reader.stdout is not None
        for member in range(4):
            history.commit_outcome(outcome(member))
            reader.stdin.write("\n")
            reader.stdin.flush()
            assert reader.stdout.readline() == f"{member + 1}\n"
        reader.stdin.close()
    assert reader.returncode == 0


def test_a_reader_cannot_write(path: Path) -> None:
    filled(path)
    with History.open(path, read_only=True) as history, pytest.raises(StorageError, match="readonly"):
        history.open_round(State(), plan(1))
