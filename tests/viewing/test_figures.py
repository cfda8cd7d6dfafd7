from pathlib import Path

import pytest
from PIL import Image

from bgpbt.analysis.collection import read_runs
from bgpbt.cli import main
from bgpbt.viewing.figures import draw_learning_curves, draw_lineage, draw_schedules
from tests.analysis.made_up_runs import record


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
