"""Whatever a trainer returns or raises becomes an outcome that reads back, or a failure with its reason."""

import asyncio
import math
import struct
from dataclasses import fields, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bgpbt.contracts import Checkpoints
from bgpbt.encoding import decode, encode, encode_readable
from bgpbt.errors import InputError
from bgpbt.execution import LocalExecutor
from bgpbt.execution.attempt import attempt
from bgpbt.outcomes import plain_outcome, plain_outcomes
from bgpbt.records import (
    Checkpoint,
    Distil,
    Fresh,
    From,
    Grow,
    Order,
    Outcome,
    Plan,
    Proposal,
    ProposalSource,
    Purpose,
)
from bgpbt.storage import CheckpointStore, History
from bgpbt.strategies import PopulationSettings, make_strategy
from bgpbt.toys import make_toy
from bgpbt.trainers import BytesTrainer, DirectoryTrainer, Job, Result

ORDER = Order(
    round=0,
    member=1,
    purpose=Purpose.TRAIN,
    start=Fresh(),
    configuration={"rate": 0.5},
    first_step=0,
    steps=10,
    seed=3,
    proposal=Proposal(source=ProposalSource.RANDOM),
)
SOUND = Outcome(round=0, member=1, checkpoint=None, score=1.5, steps=10, figures={"loss": 0.5})


class UnspeakableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


class Unprintable:
    def __repr__(self) -> str:
        raise RuntimeError("no text")


class OwnEnd(BaseException):
    pass


class Answers:
    def __init__(self, answer: object) -> None:
        self._answer = answer

    def train(self, order: Order, checkpoints: Checkpoints) -> Outcome:
        return self._answer  # type: ignore[return-value]


@pytest.fixture
def store(tmp_path: Path) -> CheckpointStore:
    return CheckpointStore(tmp_path)


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("score", "x", "score = 'x' must be a number, got str"),
        ("score", "0.9", "score = '0.9' must be a number, got str"),
        ("score", None, "score = None must be a number, got NoneType"),
        ("score", 10**400, "is too large for a float"),
        ("score", {"a": 1}, "score = {'a': 1} must be a number, got dict"),
        ("score", np.array([1.0, 2.0]), "score = array([1., 2.]) must be a number, got ndarray"),
        ("score", True, "score = True must be a number, got bool"),
        ("score", 1j, "score = 1j must be a number, got complex"),
        ("score", Unprintable(), "score = a value of type Unprintable must be a number"),
        ("seconds", None, "seconds = None must be a number, got NoneType"),
        ("steps", 10.0, "steps = 10.0 must be a whole number, got float"),
        ("steps", None, "steps = None must be a whole number, got NoneType"),
        ("steps", 11, "the trainer says it trained 11 steps of 10 asked for"),
        ("evaluation_steps", None, "evaluation_steps = None must be a whole number, got NoneType"),
        ("evaluation_steps", -1, "evaluation_steps = -1 must be from 0 to 2**63 - 1"),
        ("evaluation_steps", 10**5000, "evaluation_steps = a value of type int must be from 0 to 2**63 - 1"),
        ("figures", {"device": "cpu"}, "figures['device'] = 'cpu' must be a number, got str"),
        ("figures", {1: 0.5}, "figures: the name 1 must be a text"),
        ("figures", None, "figures = None must map names to numbers, got NoneType"),
        ("failure", 3, "failure = 3 must be a text or None, got int"),
        ("checkpoint", b"x", "checkpoint = b'x' must be what `checkpoints.save` returned, or None"),
        ("checkpoint", "0" * 64, "was never saved"),
        ("member", "1", "member = '1' must be a whole number, got str"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_field_fails_its_member_and_is_named(
    store: CheckpointStore, field: str, value: Any, rule: str
) -> None:
    outcome = attempt(Answers(replace(SOUND, **{field: value})), ORDER, store)
    assert rule in str(outcome.failure)
    assert math.isnan(outcome.score)


@pytest.mark.parametrize("result", ["0.9", None, 10**400, {"a": 1}, (1, 2), Result(score="x")])  # type: ignore[arg-type]
def test_a_score_of_a_function_is_named_too(store: CheckpointStore, result: Any) -> None:
    for trainer in (
        BytesTrainer(lambda job, weights: (b"w", result)),
        DirectoryTrainer(lambda job, start, after: (after / "w").write_text("w") and result),
    ):
        assert "InputError: score = " in str(attempt(trainer, ORDER, store).failure)


@pytest.mark.parametrize("answer", [None, 1.5, b"w", (b"w",), (b"w", 1.0, 2.0)])
def test_an_answer_of_another_form_is_shown(store: CheckpointStore, answer: Any) -> None:
    assert repr(answer) in str(attempt(BytesTrainer(lambda job, weights: answer), ORDER, store).failure)
    assert repr(answer) in str(attempt(Answers(answer), ORDER, store).failure)


@pytest.mark.parametrize(
    "score", [np.float32(0.5), np.float64(0.5), np.float16(0.5), np.longdouble(0.5), Fraction(1, 2)]
)
def test_numpy_scalars_are_the_numbers_they_stand_for(store: CheckpointStore, score: Any) -> None:
    result = Result(score=score, steps=np.int64(7), evaluation_steps=np.int32(3), figures={"a": np.array(2)})  # type: ignore[dict-item, arg-type]
    outcome = attempt(BytesTrainer(lambda job, weights: (b"w", result)), ORDER, store)
    assert (outcome.failure, outcome.score, outcome.steps, outcome.evaluation_steps) == (None, 0.5, 7, 3)
    assert [type(value) for value in (outcome.score, outcome.steps, outcome.figures["a"])] == [
        float,
        int,
        float,
    ]
    assert decode(Outcome, encode_readable(outcome)) == outcome


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (SystemExit(1), "SystemExit: 1"),
        (asyncio.CancelledError(), "CancelledError: "),
        (GeneratorExit(), "GeneratorExit: "),
        (OwnEnd("over"), "OwnEnd: over"),
        (UnspeakableError(), "UnspeakableError: its text cannot be made"),
        (MemoryError("too much"), "MemoryError: too much"),
    ],
)
def test_whatever_a_trainer_raises_fails_one_member(
    store: CheckpointStore, error: BaseException, reason: str
) -> None:
    orders = [replace(ORDER, member=member) for member in range(3)]

    def function(job: Job, weights: bytes | None) -> tuple[bytes, float]:
        if job.member == 1:
            raise error
        return b"w", 1.0

    outcomes = {o.member: o for o in LocalExecutor(BytesTrainer(function), store).run(orders)}
    assert [outcomes[member].failure is None for member in range(3)] == [True, False, True]
    assert str(outcomes[1].failure).startswith(reason)


ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(10**300, 10**320),
    st.floats(),
    st.text(max_size=5),
    st.binary(max_size=3),
    st.complex_numbers(),
    st.sampled_from([np.float32(1.5), np.int64(3), np.bool_(True), np.array(2.5), np.zeros(2), np.str_("a")]),
    st.sampled_from(
        [Unprintable(), object(), [1.0], {"a": 1.0}, {1: 2}, {"a": "b"}, {"a\udcff": 1.0}, "\udcff"]
    ),
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.fixed_dictionaries({}, optional={field.name: ODD for field in fields(Outcome)}))
def test_whatever_comes_back_is_readable_or_named(store: CheckpointStore, values: dict[str, Any]) -> None:
    outcome = attempt(Answers(replace(SOUND, **values)), ORDER, store)
    back = decode(Outcome, encode_readable(outcome))
    assert bits(back) == bits(outcome)
    assert "\n" not in (outcome.failure or "")
    if str(outcome.failure).startswith("InputError"):
        assert any(name in str(outcome.failure) for name in values)


FLOATS = st.floats(allow_nan=True, allow_infinity=True)
TEXTS = st.text(max_size=6)
VALUES = st.booleans() | st.integers() | FLOATS | TEXTS
HASHES = st.integers(0, 2**256 - 1).map(lambda number: Checkpoint(f"{number:064x}"))
STARTS = st.one_of(
    st.builds(Fresh),
    st.builds(From, checkpoint=HASHES),
    st.builds(Grow, parent=HASHES),
    st.builds(
        Distil,
        teacher=HASHES,
        student=st.none() | HASHES,
        rung=st.integers(0, 9),
        first_step=st.integers(0, 9),
        total_steps=st.integers(10, 2**60),
    ),
)
ORDERS = st.builds(
    Order,
    round=st.just(0),
    member=st.just(0),
    purpose=st.sampled_from(Purpose),
    start=STARTS,
    configuration=st.dictionaries(TEXTS, VALUES, max_size=4),
    first_step=st.integers(0, 2**62),
    steps=st.integers(1, 2**62),
    seed=st.integers(0, 2**63 - 1),
    proposal=st.builds(
        Proposal,
        source=st.sampled_from(ProposalSource),
        parent=st.none() | st.integers(0, 99),
        note=TEXTS,
        figures=st.dictionaries(TEXTS, FLOATS, max_size=3),
    ),
    generation=st.integers(0, 99),
)


@given(order=ORDERS)
def test_every_plan_reads_back_as_it_was(order: Order) -> None:
    plan = Plan(round=0, orders=(order,))
    assert bits(decode(Plan, encode_readable(plan))) == bits(plan)


def test_what_does_not_read_back_is_not_committed(tmp_path: Path) -> None:
    with History.create(tmp_path / "history.sqlite") as history:
        history.open_round({}, Plan(round=0, orders=(replace(ORDER, member=0),)))
        with pytest.raises(InputError, match="another type than its own"):  # of an executor of one's own
            history.commit_outcome(replace(SOUND, member=0, steps=10.5))  # type: ignore[arg-type]
        assert history.outcomes() == []


def test_a_loop_of_a_user_s_own_gets_one_line() -> None:
    toy = make_toy("mixed")
    strategy = make_strategy(
        "pbt",
        space=toy.space,
        settings=PopulationSettings(
            t_ready=10, max_timesteps=20, population=2, initial=2, quantile_fraction=0.5
        ),
    )
    state, _ = strategy.start(0)
    told = [replace(SOUND, member=m, checkpoint=Checkpoint(f"{m}")) for m in range(2)]
    with pytest.raises(InputError, match="outcome 1: score = None must be a number"):
        strategy.advance(state, [told[0], replace(told[1], score=None)])  # type: ignore[arg-type]
    told = [replace(one, score=np.float32(0.1)) for one in told]  # type: ignore[arg-type]
    state, _ = strategy.advance(state, told)
    assert encode(decode(strategy.state_type, encode(state))) == encode(state)
    assert plain_outcomes(told)[0].score == float(np.float32(0.1))
    assert plain_outcome(told[0]).figures == {"loss": 0.5}


def bits(value: Any) -> Any:
    """Return a record in which floats are their bytes, so that NaN is equal to itself, and 1 is not 1.0."""
    if isinstance(value, float):
        return ("float", b"nan" if math.isnan(value) else struct.pack("<d", value))
    if isinstance(value, dict):
        return {name: bits(part) for name, part in value.items()}
    if isinstance(value, tuple):
        return tuple(bits(part) for part in value)
    if hasattr(value, "__dataclass_fields__"):
        return (type(value), {field.name: bits(getattr(value, field.name)) for field in fields(value)})
    return (type(value), value)
