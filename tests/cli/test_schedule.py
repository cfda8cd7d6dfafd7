from pathlib import Path

import pytest

from bgpbt.cli import main

TOY = ["train", "-e", "toy:mixed", "-tr", "10", "-mt", "60", "-ps", "4", "-ni", "6", "-qf", "0.25"]
TOY += ["--population-schedule", "paper"]


@pytest.fixture(autouse=True)
def _in_a_directory_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_run_is_replayed_from_its_schedule(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(TOY) == 0
    assert main(["schedule", "runs/toy-mixed-bgpbt-hpo-seed0"]) == 0
    assert "6 stretches, 60 environment steps" in capsys.readouterr().out
    assert main(["replay", "toy-mixed-bgpbt-hpo-seed0.schedule.yaml"]) == 0
    output = capsys.readouterr().out
    assert "6 of 6" in output
    assert "round 6/6" in output
    assert main(["replay", "toy-mixed-bgpbt-hpo-seed0.schedule.yaml", "--seed", "3"]) == 0
    assert Path("runs/toy-mixed-bgpbt-hpo-seed0-replay-seed3").is_dir()
    assert main(["resume", "runs/toy-mixed-bgpbt-hpo-seed0-replay"]) == 0


def test_bad_schedules_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(TOY) == 0
    assert main(["schedule", "runs/toy-mixed-bgpbt-hpo-seed0", "-o", "x.yaml"]) == 0
    text = Path("x.yaml").read_text(encoding="utf-8")
    Path("x.yaml").write_text(text.replace("momentum: ", "speed: "), encoding="utf-8")
    capsys.readouterr()
    for arguments, message in (
        (["replay", "x.yaml"], "stretch 0 of the schedule: speed is not in the space"),
        (["replay", "none.yaml"], "none.yaml: No such file or directory"),
        (["schedule", "runs/none"], "there is no run"),
    ):
        assert main(arguments) == 2
        error = capsys.readouterr().err
        assert message in error
        assert error.count("\n") == 1
