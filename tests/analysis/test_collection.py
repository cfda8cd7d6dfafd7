from pathlib import Path

import numpy as np
import pytest

from bgpbt.analysis.collection import Curve, common_grid, read_runs
from bgpbt.cli import main
from bgpbt.errors import InputError
from bgpbt.records import Fresh
from tests.analysis.made_up_runs import record


def test_a_curve_is_the_best_of_each_round_over_the_steps_of_all() -> None:
    nan = float("nan")
    curve = record([[1.0, 3.0], [nan, nan], [2.0, nan]]).curve
    assert curve.steps_t.tolist() == [200.0, 600.0]
    assert curve.score_t.tolist() == [3.0, 2.0]
    assert curve.at(np.array([400.0])) == 2.5
    assert record([[1.0, 3.0], [nan, 2.0]]).score == 2.0


def test_curves_are_averaged_where_all_have_scores() -> None:
    one = Curve(steps_t=np.array([1.0, 5.0]), score_t=np.array([0.0, 1.0]))
    other = Curve(steps_t=np.array([2.0, 9.0]), score_t=np.array([0.0, 1.0]))
    grid = common_grid([one, other])
    assert (grid[0], grid[-1]) == (2.0, 5.0)
    with pytest.raises(InputError, match="in common"):
        common_grid([one, Curve(steps_t=np.array([6.0]), score_t=np.array([0.0]))])


def test_the_winning_line_goes_on_through_teachers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    small = ["-ps", "4", "-ni", "6", "-qf", "0.25", "-tr", "10", "-mt", "120", "-td", "20", "-de", "40"]
    assert main(["train", "-e", "toy:shapes", "-sm", "both", *small]) == 0
    (run,) = read_runs([tmp_path / "runs"])
    line = [order for order, _ in run.winning_line]
    assert run.strategy == "bgpbt-both"
    assert [order.round for order in line] == sorted({order.round for order in line})
    assert line[0].start == Fresh()
    assert {order.generation for order in line} == set(range(line[-1].generation + 1))
    assert line[-1].generation > 0
