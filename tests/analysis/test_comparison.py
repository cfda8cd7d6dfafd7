import math
from pathlib import Path

import numpy as np
import pytest

from bgpbt.analysis.comparison import Reference, compare, read_references, to_json
from bgpbt.errors import InputError
from tests.analysis.made_up_runs import record


def runs_of(strategy: str, task: str, scores: list[float]) -> list:  # type: ignore[type-arg]
    return [record([[score]], strategy=strategy, task=task, seed=seed) for seed, score in enumerate(scores)]


RUNS = [
    *runs_of("ours", "easy", [10.0, 12.0, 11.0]),
    *runs_of("ours", "hard", [0.2, 0.4, 0.3, 0.5]),
    *runs_of("theirs", "easy", [9.0, 8.0, 10.0]),
    *runs_of("theirs", "hard", [0.1, 0.0, 0.2]),
    *runs_of("ours", "extra", [5.0]),
]


def test_tasks_are_scaled_by_the_runs_that_are_compared() -> None:
    comparison = compare(RUNS)
    assert comparison.shared_tasks == ("easy", "hard")
    assert comparison.references["easy"] == Reference(low=8.0, high=12.0)
    assert comparison.by_task["ours"]["easy"].value == 11.0
    # Scaled: 0.5, 1 and 0.75 on easy, a sixth each, and 0.4, 0.8, 0.6 and 1 on hard, an eighth each.
    middle = [
        (0.5, 1 / 6),
        (0.6, 1 / 8),
        (0.75, 1 / 6),
        (0.8, 1 / 8),
        (1.0, 1 / 6),
    ]  # without an eighth at each end
    values, weights = zip(*middle, strict=True)
    assert comparison.overall["ours"].value == pytest.approx(np.average(values, weights=weights))
    assert comparison.runs["theirs"] == {"easy": 3, "hard": 3, "extra": 0}


def test_references_take_the_place_of_the_runs_own_scale() -> None:
    references = {"easy": Reference(low=0.0, high=100.0)}
    comparison = compare(RUNS, references=references)
    assert comparison.references["easy"] == references["easy"]
    assert comparison.references["hard"] == Reference(low=0.0, high=0.5)


def test_chances_do_not_depend_on_the_scale_and_complement_each_other() -> None:
    chance = compare(RUNS).improvement["ours"]["theirs"]
    easy, hard = 8.5 / 9, 11.5 / 12
    assert chance.value == pytest.approx((easy + hard) / 2)
    scaled = compare(RUNS, references={"easy": Reference(low=-5.0, high=1.0)}).improvement
    assert scaled["ours"]["theirs"] == chance
    mirrored = scaled["theirs"]["ours"]
    assert (mirrored.low, mirrored.value, mirrored.high) == pytest.approx(
        (1 - chance.high, 1 - chance.value, 1 - chance.low)
    )


def test_strategies_without_a_common_task_are_refused() -> None:
    with pytest.raises(InputError, match="no task has runs of all the strategies"):
        compare([*runs_of("ours", "easy", [1.0]), *runs_of("theirs", "hard", [1.0])])


@pytest.mark.parametrize("count", [1, 2])
def test_fewer_than_three_runs_have_no_interval(count: int) -> None:
    few, enough = [3.0, 4.0][:count], [1.0, 2.0, 5.0]
    comparison = compare([*runs_of("few", "easy", few), *runs_of("enough", "easy", enough)])
    for interval in (
        comparison.by_task["few"]["easy"],
        comparison.overall["few"],
        comparison.improvement["few"]["enough"],
        comparison.improvement["enough"]["few"],
    ):
        assert math.isnan(interval.low)
        assert math.isnan(interval.high)
        assert math.isfinite(interval.value)
    assert comparison.by_task["few"]["easy"].shown(4) == f"{np.mean(few):.4g}"
    assert comparison.by_task["enough"]["easy"].shown(2).startswith("2.7 [1")
    _, low, high = comparison.profiles["few"]
    assert np.isnan([low, high]).all()
    assert '"low": null' in to_json(comparison)


def test_few_runs_on_one_of_several_tasks_are_too_few_for_all() -> None:
    runs = [*RUNS, *runs_of("theirs", "extra", [1.0])]
    comparison = compare(runs)
    assert comparison.by_task["ours"]["easy"].is_known
    assert not comparison.by_task["ours"]["extra"].is_known
    assert not comparison.overall["ours"].is_known
    assert compare(RUNS).overall["ours"].is_known


def test_a_task_that_a_strategy_lacks_is_named() -> None:
    assert compare(RUNS).left_out == {"extra": ("theirs",)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "expected"),
        ('{"easy": 3}', "expected"),
        ('{"easy": {"low": 1, "high": 1}}', "needs low < high"),
    ],
)
def test_references_that_make_no_sense_are_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "references.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=rf"references\.json: .*{message}"):
        read_references(path)
