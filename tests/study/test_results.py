import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgpbt.errors import InputError
from bgpbt.study import Result, RoundResult, RunResult, agreement, read_results, write_results

SCORE = st.floats(allow_nan=False, allow_infinity=False)


def run_result(task: str = "t", contender: str = "c", seed: int = 0, score: float = 1.0) -> RunResult:
    return RunResult(
        task=task,
        contender=contender,
        seed=seed,
        score=score,
        standard_error=0.1,
        selection_score=score,
        test_episodes=8,
        steps=100,
        distillation_steps=0,
        evaluation_steps=50,
        rounds=2,
        proposals=1,
        fallbacks=0,
        failed_members=0,
        seconds=0.5,
        compilations=4,
        configuration="abc",
        source="def",
        versions='{"jax":"1, 2"}',
        machine="Linux",
    )


def round_result(run: RunResult, number: int, best: float) -> RoundResult:
    return RoundResult(
        task=run.task,
        contender=run.contender,
        seed=run.seed,
        round=number,
        steps=50 * number,
        best=best,
        median=best,
        generation=0,
    )


@given(scores=st.lists(SCORE, min_size=1, max_size=5), bests=st.lists(SCORE, max_size=4))
def test_tables_hold_every_bit(
    tmp_path_factory: pytest.TempPathFactory, scores: list[float], bests: list[float]
) -> None:
    directory = tmp_path_factory.mktemp("tables")
    runs = [run_result(seed=seed, score=score) for seed, score in enumerate(scores)]
    results = [
        Result(run=run, rounds=tuple(round_result(run, i, best) for i, best in enumerate(bests)))
        for run in runs
    ]
    write_results(directory, reversed(results))
    assert read_results(directory) == results


def test_a_score_that_is_not_there_stays_not_there(tmp_path: Path) -> None:
    write_results(tmp_path, [Result(run=run_result(score=math.nan), rounds=())])
    (result,) = read_results(tmp_path)
    assert math.isnan(result.run.score)


def test_no_tables_no_results(tmp_path: Path) -> None:
    assert read_results(tmp_path) == []


def test_another_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "runs.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"runs\.csv is no table of a study"):
        read_results(tmp_path)


def test_studies_agree_where_their_intervals_meet() -> None:
    one = [
        run_result(contender=c, seed=s, score=s + base)
        for c, base in (("a", 0.0), ("b", 0.0))
        for s in range(5)
    ]
    other = [
        run_result(contender=c, seed=s, score=s + base)
        for c, base in (("a", 1.0), ("b", 9.0))
        for s in range(5)
    ]
    found = agreement(one, other)
    assert found.compared == 2
    assert found.apart == (("t", "b"),)
