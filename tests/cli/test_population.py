"""Which schedule of the population the flags name, what a race prints, and what is refused."""

from pathlib import Path

import pytest

from bgpbt.analysis import cuts, first_copy
from bgpbt.cli import main
from bgpbt.cli.arguments import TrainArguments
from bgpbt.errors import InputError
from bgpbt.records import From
from bgpbt.runs import settings_of
from bgpbt.storage import open_run
from bgpbt.strategies import PopulationRung
from bgpbt.viewing.run_reader import read_document

RACE = ["train", "-e", "toy:plain", "-tr", "10", "-mt", "100", "-ni", "16", "-qf", "0.25"]


def rungs_of(**flags: object) -> tuple[tuple[int, float | None], ...] | None:
    settings = TrainArguments(env="reacher", **flags).settings(0)  # type: ignore[arg-type]
    return None if settings.rungs is None else tuple((rung.members, rung.share) for rung in settings.rungs)


def test_a_run_is_a_race_unless_something_else_is_asked_for() -> None:
    assert rungs_of(max_timesteps=10_000_000, n_init=16) == ((8, 0.3), (4, 0.5))
    assert rungs_of(population_schedule="paper") is None
    assert rungs_of(preset="paper") is None
    assert rungs_of(search_mode="both") is None
    assert rungs_of(optimizer="random") is None
    assert rungs_of(optimizer="random", population_schedule="race") is not None
    parallel = TrainArguments(env="reacher", population_schedule="parallel").settings(0)
    assert (parallel.initial, parallel.rungs) == (8, ())


def test_rungs_of_ones_own_are_taken_as_they_are() -> None:
    settings = TrainArguments(
        env="reacher", rungs=("12@3r", "6@0.55"), copy_after=0.25, agreement=0.9
    ).settings(0)
    assert settings.rungs == (PopulationRung(members=12, rounds=3), PopulationRung(members=6, share=0.55))
    assert (settings.copy_after, settings.agreement) == (0.25, 0.9)


def test_the_history_the_summary_and_the_log_tell_the_race(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*RACE, "-sd", str(tmp_path)]) == 0
    printed = " ".join(capsys.readouterr().out.replace("│", " ").split())
    run = open_run(tmp_path / "toy-plain-bgpbt-hpo-seed0")
    with run.open_history(read_only=True) as history:
        trained = history.trained()
    members = [sum(order.round == number for order, _ in trained) for number in range(6)]
    assert members == [16, 16, 8, 8, 4, 4]
    found = cuts(trained)
    assert [(cut.round, cut.before, cut.after) for cut in found] == [(2, 16, 8), (4, 8, 4)]
    assert [cut.reason for cut in found] == ["36% of the budget is spent", "55% of the budget is spent"]
    on_the_page = read_document(run.path, "run")["summary"]["cuts"]
    assert on_the_page == [[cut.round, cut.before, cut.after, cut.reason] for cut in found]
    copied = first_copy(trained)
    assert copied == 4
    starts = [order.start for order, _ in trained if order.round < copied]
    weights = [start.checkpoint for start in starts if isinstance(start, From)]
    assert len(set(weights)) == len(weights)  # no member was copied before
    assert "8 members leave: 16 members to 8: 36% of the budget is spent" in printed
    assert "race 16 members, 8 from round 3 (36% of the steps), 4 from round 5 (55% of the" in printed
    assert "first copy in round 5" in printed


def test_the_papers_command_takes_the_papers_schedule(tmp_path: Path) -> None:
    import runpy
    import sys
    from unittest.mock import patch

    script = Path(__file__).parents[2] / "main.py"
    with patch.object(sys, "argv", [str(script), *RACE[1:], "-sd", str(tmp_path)]), pytest.raises(SystemExit):
        runpy.run_path(str(script), run_name="__main__")
    settings = settings_of(open_run(tmp_path / "toy-plain-bgpbt-hpo-seed0"))
    assert (settings.rungs, settings.copy_after) == (None, 0.0)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--rungs", "8at0.3"], "--rungs 8at0.3: a rung is MEMBERS@SHARE of the budget, such as 8@0.3, or"),
        (["--rungs", "4@0.3", "8@0.5"], r"members must fall from -ni 16, got \[4, 8\]"),
        (["--rungs", "8@0.5", "4@0.3"], r"share must rise from rung to rung, got \[0.5, 0.3\]"),
        (["--rungs", "8@1.3"], "share = 1.3 must be above 0 and below 1, of the budget"),
        (["--rungs", "0@0.3"], "members = 0 must be a whole number, 1 or more"),
        (["--rungs", "8@0.3", "--population-schedule", "race"], "both say how many members train"),
        (["--copy-after", "1.5"], "--copy-after 1.5 must be from 0 to 1"),
        (["--agreement", "2"], "--agreement 2.0 must be a rank correlation, from -1 to 1"),
        (["--budget", "100"], "--budget 100 must be at least 160: the first round trains -ni 16 members"),
        (["--population-schedule", "parallel"], "-ni 16 must be --pop-size 8"),
    ],
)
def test_bad_flags_are_one_line_and_touch_nothing(
    flags: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*RACE, "-sd", str(tmp_path / "runs"), *flags]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    with pytest.raises(InputError, match=said):
        raise InputError(error)
    assert not (tmp_path / "runs").exists()
