"""What is there, and what would be done: `bgpbt list`, `train --dry-run`, `train --config`."""

import json
import os
from pathlib import Path

import pytest

from bgpbt.cli import main
from bgpbt.cli.listing import row_of
from bgpbt.runs import optimise
from bgpbt.storage import create_run, open_run
from bgpbt.strategies import PopulationSettings
from bgpbt.toys import make_toy

TOY = ["train", "-e", "toy:plain", "-o", "pbt", "-tr", "10", "-mt", "30", "-ni", "4", "-ps", "4"]
TOY += ["-qf", "0.25", "--population-schedule", "paper"]
RUN = Path("runs/toy-plain-pbt-hpo-seed0")


@pytest.fixture(autouse=True)
def _own_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def words(capsys: pytest.CaptureFixture[str]) -> list[list[str]]:
    return [line.split() for line in capsys.readouterr().out.splitlines()]


def test_runs_are_listed_with_how_far_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*TOY, "--seed", "0", "1"]) == 0
    toy = make_toy("plain")
    settings = PopulationSettings(
        t_ready=10, max_timesteps=20, population=4, initial=4, quantile_fraction=0.25
    )
    optimise(toy, toy.space, settings, "runs/mine")
    create_run("runs/untouched", json.loads((RUN / "run.json").read_text())["configuration"], seed=7)
    (Path("runs") / "toy-plain-pbt-hpo-seed1" / "history.sqlite").write_bytes(b"damaged")
    with open_run(RUN).open_history(read_only=True) as history:
        best = max(outcome.score for outcome in history.outcomes())
    capsys.readouterr()
    with open_run("runs/untouched").locked():
        assert main(["list"]) == 0
    header, mine, first, second, new = words(capsys)
    assert header == ["run", "task", "strategy", "seed", "rounds", "score", "state"]
    assert mine[:6] == ["runs/mine", "own", "trainer", "bgpbt", "0", "2"]
    assert first == [str(RUN), "toy:plain", "pbt", "0", "3/3", f"{best:.6g}", "over"]
    assert second[0] == "runs/toy-plain-pbt-hpo-seed1"
    assert second[6] == "damaged:"
    assert new == [
        "runs/untouched",
        "toy:plain",
        "pbt",
        "7",
        "0/3",
        "-",
        "running",
        "(process",
        f"{os.getpid()})",
    ]
    assert row_of(Path("runs/untouched")).state == "new"
    assert main(["list", "."]) == 0  # a directory of directories of runs
    assert len(words(capsys)) == 5


def test_an_interrupted_run_is_called_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("bgpbt.strategies.pbt.Perturb.perturb", interrupted)
        assert main(TOY) == 130
    row = row_of(RUN)
    assert (row.rounds, row.state) == ("0/3", "interrupted")


@pytest.mark.parametrize(("directory", "message"), [("none", "there is no such"), (".", "there is no run")])
def test_where_there_is_no_run(directory: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", directory]) == 2
    assert message in capsys.readouterr().err


def test_a_dry_run_says_what_would_be_done_and_touches_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*TOY, "--seed", "0", "1", "--dry-run"]) == 0
    assert list(tmp_path.iterdir()) == []
    output = capsys.readouterr().out
    assert "strategy: pbt" in output
    assert f"start {RUN}: 3 rounds, 120 environment steps" in output
    assert "2 of 2 runs to train: 240 environment steps" in output
    assert "expected time: not known" in output
    assert main(TOY) == 0
    capsys.readouterr()
    assert main([*TOY, "--seed", "0", "1", "--dry-run", "-exist", "resume"]) == 0
    output = capsys.readouterr().out
    assert f"leave, since it is over, {RUN}" in output
    assert "1 of 2 runs to train: 120 environment steps" in output
    assert main([*TOY, "--dry-run"]) == 2  # as the run itself would be refused
    assert "is there already" in capsys.readouterr().err


def test_the_time_is_that_of_a_run_with_the_same_sizes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(TOY) == 0
    monkeypatch.setattr("bgpbt.cli.dry_run._steps_per_s", lambda trained: 60.0)
    capsys.readouterr()
    assert main([*TOY, "-mt", "90", "--seed", "5", "--dry-run"]) == 0  # 360 steps
    output = capsys.readouterr().out
    assert f"expected time: 6 s, with 1 member at a time at the 60 steps/s of {RUN}" in output
    assert main([*TOY[:2], "toy:mixed", *TOY[3:], "--dry-run"]) == 0
    assert "expected time: not known" in capsys.readouterr().out


TOML = """
env = "toy:plain"
optimizer = "pbt"
tr = 10
max-timesteps = "0.03k"
n_init = 4
ps = 4
qf = 0.25
seed = [0, 1]
verbose = false
dry_run = true
population-schedule = "paper"
option = {keep_donor = 0.5}
"""
YAML = """
env_name: toy:plain
o: pbt
t_ready: 1e1
mt: 30
ni: 4
pop_size: 4
qf: 0.25
seed: [0, 1]
dry-run: true
population_schedule: paper
option: [keep_donor=0.5]
policy: [4, 32]
budget: null
"""
FILES = {"flags.toml": TOML, "flags.yaml": YAML}


@pytest.mark.parametrize("name", FILES)
def test_flags_may_stand_in_a_file(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path(name).write_text(FILES[name], encoding="utf-8-sig")
    assert main(["train", "--config", name]) == 0
    from_file = capsys.readouterr().out
    assert main([*TOY, "--seed", "0", "1", "--option", "keep_donor=0.5", "--dry-run"]) == 0
    assert from_file == capsys.readouterr().out
    assert main(["train", f"--config={name}", "--max_timesteps", "60"]) == 0  # what is typed counts
    assert "6 rounds" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("popsize: 4", "flags.yaml: there is no flag 'popsize'; did you mean pop_size"),
        ("config: other.yaml", "flags.yaml: there is no flag 'config'"),
        ("quite_another: 4", "flags.yaml: there is no flag 'quite_another'; there are "),
        ("seed: [[0]]", "flags.yaml: seed = [0] must be a number, a text, true, false or a list"),
        ("- 4", "flags.yaml must hold names of flags with their values"),
        ("a: [", "flags.yaml: while parsing a flow node"),
        ("pop_size: -3\nenv: toy:plain", "--pop-size -3 must be a whole number, 1 or more"),
    ],
)
def test_a_file_that_is_wrong_is_one_line(
    text: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("flags.yaml").write_text(text, encoding="utf-8")
    assert main(["train", "--config", "flags.yaml"]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_a_file_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--config", "none.toml"]) == 2
    assert "none.toml: No such file or directory" in capsys.readouterr().err
