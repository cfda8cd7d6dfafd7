"""What the commands say of a run that a script made with a trainer of its own."""

import shutil
from pathlib import Path

import pytest
import yaml

from bgpbt.cli import main
from bgpbt.runs import Options, optimise
from bgpbt.strategies import PopulationSettings
from bgpbt.toys import make_toy

TOY = make_toy("mixed")
SETTINGS = PopulationSettings(t_ready=10, max_timesteps=40, population=4, initial=4, quantile_fraction=0.25)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("runs") / "own"
    optimise(TOY, TOY.space, SETTINGS, path, options=Options(strategy="pbt"))
    return path


@pytest.mark.parametrize("command", ["resume", "policy", "evaluate"])
def test_what_only_the_script_knows_is_left_to_it(
    command: str, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, str(run)]) == 2
    message = f"{run} was made with a trainer of your own, which only its script knows; run that again"
    assert capsys.readouterr().err == f"bgpbt: {message}\n"


def test_its_schedule_is_written_and_replayed_by_a_script(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "own.schedule.yaml"
    assert main(["schedule", str(run), "-o", str(file)]) == 0
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert content["settings"]["strategy"] == "pbt"
    assert content["stretches"]
    assert main(["replay", str(file), "--save-dir", str(tmp_path)]) == 2
    assert "replay it in a script, with bgpbt.strategies.Replay" in capsys.readouterr().err


def test_it_is_examined_here_and_recovered_by_a_script(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", str(run)]) == 0
    damaged = tmp_path / "damaged"
    shutil.copytree(run, damaged)
    next((damaged / "checkpoints").iterdir()).unlink()
    capsys.readouterr()
    advice = f"{damaged} was made with a trainer of your own; recover it in a script, with bgpbt.runs.recover"
    assert main(["doctor", str(damaged)]) == 1
    assert capsys.readouterr().out.endswith(f"{advice}\n")
    assert main(["doctor", str(damaged), "--recover"]) == 2
    assert capsys.readouterr().err == f"bgpbt: {advice}\n"
