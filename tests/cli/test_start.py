"""What `--start` and `--around` say, and that a mistake in a file touches nothing."""

import csv
import json
from pathlib import Path

import pytest

from bgpbt.cli import main
from bgpbt.storage import open_run

TOY = ["train", "-e", "toy:mixed", "-tr", "10", "-mt", "20", "-ps", "4", "-ni", "6", "-qf", "0.25"]
RUN = Path("runs/toy-mixed-bgpbt-hpo-seed0")


@pytest.fixture(autouse=True)
def _in_a_directory_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_given_configurations_are_trained_said_and_exported(capsys: pytest.CaptureFixture[str]) -> None:
    Path("mine.yaml").write_text("- {momentum: 0.9}\n- {momentum: 0.8}\n", encoding="utf-8")
    assert main([*TOY, "--start", "mine.yaml", "default", "default", "-v"]) == 0
    captured = capsys.readouterr()
    said, defaults = captured.err.splitlines()
    assert said.startswith("bgpbt: note: start: the first 3 of 4 configurations are used; given ones fill")
    assert defaults == (
        "bgpbt: note: start: configuration 1, 2 of 4 takes defaults: batch_size = 64, epochs = 4, "
        "learning_rate = 0.001, optimizer = 'rmsprop', schedule = 'constant'"
    )
    assert "configuration given" in captured.out
    assert main(["export", str(RUN), "-o", "members.csv"]) == 0
    with Path("members.csv").open(encoding="utf-8", newline="") as file:
        first = list(csv.DictReader(file))[:6]
    assert [row["source"] for row in first] == ["given"] * 3 + ["random"] * 3
    assert [row["config.momentum"] for row in first[:3]] == ["0.9", "0.8", "0.5"]
    for command in (["report", str(RUN), "-o", "run.html"], ["schedule", str(RUN)], ["doctor", str(RUN)]):
        assert main(command) == 0
    assert '"given"' in Path("run.html").read_text(encoding="utf-8")
    assert main(["resume", str(RUN)]) == 0


def test_a_region_is_the_space_in_run_json() -> None:
    Path("mine.json").write_text('{"momentum": 0.5}', encoding="utf-8")
    assert main([*TOY, "--around", "mine.json", "--around-share", "0.5"]) == 0
    run = open_run(RUN)
    described = json.loads(run.description.configuration["space"])["hyperparameters"]
    (momentum,) = [item for item in described if item["name"] == "momentum"]
    assert (momentum["lower"], momentum["upper"]) == (0.25, 0.75)
    with run.open_history(read_only=True) as history:
        trained = history.trained()
    assert all(0.25 <= float(order.configuration["momentum"]) <= 0.75 for order, _ in trained)
    assert main(["resume", str(RUN)]) == 0


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--start", "bad.csv"], "bad.csv: row 2: momentum = 1.5 must be a number from 0 to 1"),
        (["--start", "choice.yaml"], "choice.yaml: optimizer = 'adamw' must be one of"),  # not the flag
        (["--around", "good.csv", "--around-share", "2"], "share = 2.0 must be from 0.01 to 1"),
        (["--around-share", "0.5"], "--around-share 0.5 needs --around"),
        (["--start", "none"], "none: there is no such file or run; give one, or default"),
    ],
)
def test_a_mistake_is_one_line_and_touches_nothing(
    flags: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("choice.yaml").write_text("optimizer: adamw", encoding="utf-8")
    Path("good.csv").write_text("momentum\n0.5\n", encoding="utf-8")
    Path("bad.csv").write_text("momentum\n0.5\n1.5\n", encoding="utf-8")
    assert main([*TOY, *flags]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not Path("runs").exists()
