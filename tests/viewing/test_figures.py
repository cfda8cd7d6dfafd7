from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bgpbt.cli import main
from bgpbt.errors import InputError
from bgpbt.records import Fresh, From, Order, Outcome, Proposal, ProposalSource, Purpose, Trained
from bgpbt.viewing.collection import Curve, RunRecord, common_grid, read_runs
from bgpbt.viewing.figures import draw_learning_curves, draw_lineage, draw_schedules


def record(scores: Sequence[Sequence[float]], **changes: object) -> RunRecord:
    """A run whose member m of round r has `scores[r][m]` and goes on from itself."""
    trained = [
        Trained(
            Order(
                round=r,
                member=m,
                purpose=Purpose.TRAIN,
                start=Fresh() if r == 0 else From(checkpoint=f"{r - 1}-{m}"),  # type: ignore[arg-type]
                configuration={"rate": 10.0 ** -(m + 1), "kind": "a", "flag": bool(m)},
                first_step=100 * r,
                steps=100,
                seed=0,
                proposal=Proposal(source=ProposalSource.RANDOM),
            ),
            Outcome(round=r, member=m, checkpoint=f"{r}-{m}", score=score, steps=100),  # type: ignore[arg-type]
        )
        for r, round_scores in enumerate(scores)
        for m, score in enumerate(round_scores)
    ]
    named: dict[str, object] = {"name": "made-up", "task": "made up", "strategy": "none", "seed": 0}
    return RunRecord(trained=tuple(trained), **(named | changes))  # type: ignore[arg-type]


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


def test_the_command_draws_everything_twice_alike(runs: Path, tmp_path: Path) -> None:
    for output in ("one", "other"):
        assert main(["figures", str(runs), "-o", str(tmp_path / output)]) == 0
    names = {path.name for path in (tmp_path / "one").iterdir()}
    assert {"learning_curves.pdf", "learning_curves.png", "final_scores.pdf"} <= names
    assert "lineage-toy-mixed-pbt-hpo-seed0.png" in names
    assert "schedules-toy-plain-random-hpo-seed1.pdf" in names
    assert len(names) == 2 * (2 + 2 * 8)
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "other" / name).read_bytes()
    with Image.open(tmp_path / "one" / "schedules-toy-mixed-pbt-hpo-seed0.png") as image:
        assert image.width == 660  # a column of 3.3 inches at 200 dots


def test_values_of_every_kind_and_failed_members_are_drawn(tmp_path: Path) -> None:
    run = record([[1.0, float("nan"), 2.0], [1.5, 0.1, float("nan")]])
    for path in draw_schedules(run, tmp_path) + draw_lineage(run, tmp_path):
        assert path.stat().st_size > 1000


def test_text_of_a_run_is_shown_as_it_is(tmp_path: Path) -> None:
    run = record([[1.0], [2.0]], task="$x_$ </svg>", strategy="_under $\\frac")
    draw_learning_curves([run], tmp_path)
    assert (tmp_path / "learning_curves.png").exists()


def test_a_directory_stands_for_the_runs_in_it(runs: Path) -> None:
    found = read_runs([runs])
    assert len(found) == 8
    assert {(run.task, run.strategy, run.seed) for run in found} == {
        (task, strategy, seed)
        for task in ("toy:mixed", "toy:plain")
        for strategy in ("pbt", "random")
        for seed in (0, 1)
    }


def test_what_is_no_run_is_one_clear_line(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = str(runs / "toy-plain-pbt-hpo-seed0")
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("", encoding="utf-8")
    commands = [
        (["figures", str(tmp_path / "nothing")], "there is no run"),
        (["figures", str(tmp_path / "empty")], "is not the directory of a run"),
        (["figures", run, run], "named twice"),
        (["figures", run, "-o", str(tmp_path / "file")], "File exists"),
    ]
    for command, message in commands:
        assert main(command) == 2
        error = capsys.readouterr().err
        assert message in error
        assert error.count("\n") == 1


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
