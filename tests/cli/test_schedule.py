import json
from pathlib import Path
from typing import Any

import pytest

from bgpbt.cli import main
from bgpbt.runs import read_schedule

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


def test_a_schedule_for_other_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(TOY) == 0
    run = "runs/toy-mixed-bgpbt-hpo-seed0"
    for form in ("yaml", "json", "csv", "ray", "python"):
        assert main(["schedule", run, "--format", form]) == 0
    name = "toy-mixed-bgpbt-hpo-seed0"
    written = {path.name for path in Path().iterdir() if path.is_file()}
    assert written == {
        f"{name}.schedule.yaml",
        f"{name}.schedule.json",
        f"{name}.schedule.csv",
        f"{name}.policy.txt",
        "toy_mixed_bgpbt_hpo_seed0_schedule.py",  # a name that Python can import
    }
    module: dict[str, Any] = {}
    exec(Path("toy_mixed_bgpbt_hpo_seed0_schedule.py").read_text(encoding="utf-8"), module)
    stretches = read_schedule(Path(f"{name}.schedule.json")).schedule.stretches
    assert module["STEPS"] == stretches[-1].first_step + stretches[-1].steps
    assert [module["at"](stretch.first_step) for stretch in stretches] == [
        stretch.configuration for stretch in stretches
    ]
    changes = [json.loads(line) for line in Path(f"{name}.policy.txt").read_text("utf-8").splitlines()]
    for _, _, iteration, _, before, after in changes:  # an iteration is a round
        assert stretches[iteration].configuration == after
        assert stretches[max(iteration - 1, 0)].configuration == before
    assert main(["replay", f"{name}.schedule.json"]) == 0
    assert f"{len(stretches)} of {len(stretches)}" in capsys.readouterr().out
    assert main([*TOY, "--seed", "1", "--start", f"{name}.schedule.csv"]) == 0
    capsys.readouterr()
    assert main(["schedule", run, "--format", "csv", "--steps-per-iteration", "5"]) == 2
    assert capsys.readouterr().err == "bgpbt: --steps-per-iteration 5 needs --format ray\n"


def test_a_line_without_its_teachers_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    shapes = ["-e", "toy:shapes", "-sm", "both", "-mt", "80", "-td", "20", "-de", "20", "-md", "1"]
    assert main([*TOY, *shapes]) == 0
    run = "runs/toy-shapes-bgpbt-both-seed0"
    assert main(["schedule", run]) == 0
    assert capsys.readouterr().err == ""
    assert main(["schedule", run, "--format", "csv"]) == 0
    assert "leaves out what trained the teachers of this member" in capsys.readouterr().err
