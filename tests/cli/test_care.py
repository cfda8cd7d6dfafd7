from pathlib import Path

import pytest

from bgpbt.cli import main
from bgpbt.storage import create_run, open_run

TOY = ["train", "-e", "toy:mixed", "-tr", "10", "-mt", "60", "-ps", "4", "-ni", "6", "-qf", "0.25"]
TOY += ["--population-schedule", "paper"]
RUN = "runs/toy-mixed-bgpbt-hpo-seed0"


@pytest.fixture(autouse=True)
def _a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(TOY) == 0
    capsys.readouterr()


def checkpoints() -> list[Path]:
    return sorted(Path(RUN, "checkpoints").glob("*.safetensors"))


def test_a_damaged_run_is_named_and_recovered(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", RUN]) == 0
    whole = {path.name: path.read_bytes() for path in checkpoints()}
    damaged = checkpoints()[0]
    damaged.write_bytes(b"x")
    capsys.readouterr()
    assert main(["doctor", RUN]) == 1
    output = capsys.readouterr().out
    assert f"{damaged}: the content does not match" in output
    assert "--recover computes again what is lost" in output
    assert damaged.read_bytes() == b"x"  # examining changes nothing
    assert main(["doctor", RUN, "--recover"]) == 0
    assert "the run is whole" in capsys.readouterr().out
    assert {path.name: path.read_bytes() for path in checkpoints()} == whole
    assert main(["resume", RUN]) == 0


@pytest.mark.parametrize("is_over", [False, True])
def test_a_run_that_is_continued_on_other_cores_is_told_so(
    is_over: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = open_run(Path(RUN))
    if not is_over:
        run = create_run(Path("runs/begun"), run.description.configuration, seed=0, device="cpu")
    monkeypatch.setattr("bgpbt.storage.conditions.cores", lambda: 77)
    assert main(["resume", str(run.path)]) == 0
    began, error = run.description.cores, capsys.readouterr().err
    note = f"bgpbt: note: {run.path} began under other conditions, so results here may differ from there"
    assert error == ("" if is_over else f"{note}: cores: {began} then, 77 now\n")


def test_without_a_description_nothing_is_guessed(capsys: pytest.CaptureFixture[str]) -> None:
    Path(RUN, "run.json").write_text('{"format_version": 1', encoding="utf-8")
    assert main(["doctor", RUN]) == 1
    assert main(["doctor", RUN, "--recover"]) == 2
    assert "put it back from a copy" in capsys.readouterr().err


def test_pinned_checkpoints_are_kept_and_the_rest_collected(capsys: pytest.CaptureFixture[str]) -> None:
    Path(RUN, "checkpoints", f"{'0' * 64}.safetensors").write_bytes(b"left over")
    kept = len(checkpoints()) - 1
    assert main(["pin", RUN, "6", "0", "--note", "for the paper"]) == 0
    assert main(["gc", RUN, "--budget", "1MB"]) == 0
    assert f"9 bytes freed; {kept} checkpoints" in capsys.readouterr().out
    assert main(["gc", RUN, "--budget", "10B"]) == 2
    assert "--budget 10B is exceeded by" in capsys.readouterr().err
    assert main(["pin", RUN, "6", "0", "--remove"]) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["pin", RUN, "1", "0"], "is gone already; its schedule can be replayed"),
        (["pin", RUN, "77", "0"], "member 0 of round 77 left no checkpoint"),
        (["gc", RUN, "--budget", "much"], "--budget 'much' must be a number of bytes, such as 8GiB, 500MB"),
        (["doctor", "nowhere"], "nowhere: there is no run"),
    ],
)
def test_bad_input_is_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
