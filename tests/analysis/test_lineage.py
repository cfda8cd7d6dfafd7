import math
from dataclasses import replace
from pathlib import Path

import pytest

from bgpbt.analysis.lineage import (
    TABLE_COLUMNS,
    Makers,
    ancestry,
    best_member,
    steps_by_purpose,
    table,
)
from bgpbt.records import Checkpoint, Distil, Fresh, From, Order, Outcome, Purpose, Start, Trained
from bgpbt.storage import History
from tests.execution.walkers import STEPS, Walkers, WalkTrainer, go_on
from tests.execution.walkers import order as walker_order


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> list[Trained]:
    directory = tmp_path_factory.mktemp("run")
    go_on(directory, Walkers(population=4, rounds=6), WalkTrainer())
    with History.open(directory / "history.sqlite") as history:
        return history.trained()


def pair(round_index: int, member: int, start: Start, made: str | None, score: float = 0.0) -> Trained:
    order: Order = replace(walker_order(0, round_index, member, member, Fresh()), start=start)
    checkpoint = None if made is None else Checkpoint(made)
    return Trained(
        order, Outcome(round=round_index, member=member, checkpoint=checkpoint, score=score, steps=STEPS)
    )


def test_ancestry_follows_the_weights_not_the_slot() -> None:
    a, b = pair(0, 0, Fresh(), "a"), pair(0, 1, Fresh(), "b")
    c = pair(1, 0, From(checkpoint=Checkpoint("b")), "c")
    d = pair(1, 1, From(checkpoint=Checkpoint("b")), "d")
    e = pair(2, 1, From(checkpoint=Checkpoint("c")), "e")
    history = [a, b, c, d, e]
    assert ancestry(e, history) == (b, c, e)
    assert ancestry(d, history) == (b, d)
    assert ancestry(a, history) == (a,)


def test_a_teacher_is_no_ancestor() -> None:
    teacher, student = pair(0, 0, Fresh(), "t"), pair(0, 1, Fresh(), "s")
    new = pair(1, 0, Distil(teacher=Checkpoint("t"), total_steps=1), "n")
    old = pair(1, 1, Distil(teacher=Checkpoint("t"), student=Checkpoint("s"), total_steps=1), "o")
    history = [teacher, student, new, old]
    assert ancestry(new, history) == (new,)
    assert ancestry(old, history) == (student, old)


def test_a_member_that_did_not_change_is_not_its_own_ancestor() -> None:
    first = pair(0, 0, Fresh(), "same")
    second = pair(1, 0, From(checkpoint=Checkpoint("same")), "same")
    third = pair(2, 0, From(checkpoint=Checkpoint("same")), "same")
    assert ancestry(third, [first, second, third]) == (first, second, third)


def test_of_equal_bytes_the_newest_earlier_order_is_the_maker_and_of_a_round_the_first_member() -> None:
    history = [pair(0, 0, Fresh(), "x"), pair(1, 0, Fresh(), "x"), pair(1, 1, Fresh(), "x")]
    history.append(pair(3, 0, From(checkpoint=Checkpoint("x")), "x"))
    makers, x = Makers(history), Checkpoint("x")
    assert [makers.of(x, before) for before in range(5)] == [None, history[0], *2 * [history[1]], history[3]]
    assert makers.of(x) == history[3]
    assert makers.of(Checkpoint("y")) is None


def test_the_best_member_is_finite_sound_and_the_first_of_equals() -> None:
    scores = [math.nan, math.inf, 2.0, 5.0, 5.0]
    history = [pair(0, member, Fresh(), f"{member}", score) for member, score in enumerate(scores)]
    history.append(pair(0, 5, Fresh(), None, 9.0))
    failed = pair(0, 6, Fresh(), "6", 9.0)
    history.append(Trained(failed.order, replace(failed.outcome, failure="no")))
    best = best_member(history)
    assert best is not None
    assert best.outcome.member == 3
    assert best_member(history[:2]) is None


def test_the_best_member_agrees_with_the_database(tmp_path: Path) -> None:
    go_on(tmp_path, Walkers(population=4, rounds=6), WalkTrainer())
    with History.open(tmp_path / "history.sqlite") as history:
        best = best_member(history.trained())
        assert best is not None
        assert best.outcome == history.best_outcome()


def test_an_ancestry_accounts_for_every_step(trained: list[Trained]) -> None:
    for member in trained:
        line = ancestry(member, trained)
        assert [order.round for order, _ in line] == list(range(member[0].round + 1))
        assert sum(outcome.steps for _, outcome in line) == member[0].first_step + member[1].steps
    best = best_member(trained)
    assert best is not None
    assert best.total_steps == STEPS * len(best.ancestry)


def test_the_ledger_counts_every_step(trained: list[Trained]) -> None:
    assert steps_by_purpose(trained) == {
        Purpose.INITIAL.value: 4 * STEPS,
        Purpose.TRAIN.value: 5 * 4 * STEPS,
        "evaluation": 6 * 4 * 3,
    }
    assert steps_by_purpose([]) == {}


def test_the_table_holds_every_round_and_inactive_hyperparameters(trained: list[Trained]) -> None:
    columns, rows = table(trained)
    assert columns == [*TABLE_COLUMNS, "config.scale"]
    assert [(row["round"], row["member"]) for row in rows] == [(r, m) for r in range(6) for m in range(4)]
    assert all(set(row) == set(columns) for row in rows)
    assert rows[-1]["total_steps"] == 6 * STEPS
    other = replace(trained[0][0], configuration={"steps": 3})
    columns, rows = table([Trained(other, trained[0].outcome), trained[1]])
    assert columns[-2:] == ["config.scale", "config.steps"]
    assert [row["config.steps"] for row in rows] == [3, None]
    assert rows[0]["steps"] == STEPS


def test_the_table_holds_the_figures_of_models(trained: list[Trained]) -> None:
    (order, outcome), other = trained[:2]
    proposed = replace(order, proposal=replace(order.proposal, figures={"model.skill": 0.25}))
    columns, rows = table([Trained(proposed, outcome), other])
    assert columns[-1] == "model.skill"
    assert [row["model.skill"] for row in rows] == [0.25, None]


def test_the_table_holds_what_was_trained_with_instead_of_the_configured(trained: list[Trained]) -> None:
    (order, outcome), other = trained[:2]
    student = Trained(order, replace(outcome, figures={"trained.scale": 3e-4, "teacher_kl": 0.1}))
    columns, rows = table([student, other])
    assert columns[-2:] == ["config.scale", "trained.scale"]
    assert [row["trained.scale"] for row in rows] == [3e-4, None]
    assert rows[0]["config.scale"] == order.configuration["scale"]
