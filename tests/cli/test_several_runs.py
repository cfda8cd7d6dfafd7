"""Several runs by one command: started, resumed, extended or left as they are, each as needed."""

import json
import re
from pathlib import Path

import pytest

from bgpbt.cli import main
from bgpbt.runs import extended_to
from bgpbt.storage import open_run
from bgpbt.toys import Toy

TOY = [
    "train",
    "-e",
    "toy:plain",
    "-o",
    "pbt",
    "-tr",
    "10",
    "-mt",
    "30",
    "-ni",
    "4",
    "--population-schedule",
    "paper",
    "-ps",
    "4",
    "-qf",
    "0.25",
]
STARTED = re.compile(r"^run (\S+)$", re.MULTILINE)


@pytest.fixture(autouse=True)
def _own_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run_of(seed: int, directory: str = "runs") -> Path:
    return Path(f"{directory}/toy-plain-pbt-hpo-seed{seed}")


def rounds_of(run: Path) -> int:
    with open_run(run).open_history(read_only=True) as history:
        return len(history.plans())


def content(run: Path) -> dict[Path, bytes]:
    files = (
        path for path in run.rglob("*") if path.is_file() and not path.name.startswith("history.sqlite-")
    )
    return {path: path.read_bytes() for path in files}


def started(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return STARTED.findall(capsys.readouterr().out)


def test_the_seeds_of_the_paper_s_lines_are_runs_one_after_another(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([*TOY, "--seed", "0", "3", "100"]) == 0
    assert started(capsys) == [str(run_of(seed)) for seed in (0, 3, 100)]
    assert open_run(run_of(100)).description.seed == 100


def test_resume_starts_resumes_and_skips_as_needed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    train, trained = Toy.train, 0

    def breaking_off(toy: Toy, *arguments: object) -> object:
        nonlocal trained
        trained += 1
        if trained == 12 + 6:  # in the second run
            raise KeyboardInterrupt
        return train(toy, *arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(Toy, "train", breaking_off)
        assert main([*TOY, "-n", "3"]) == 130
    assert [run_of(seed).exists() for seed in range(3)] == [True, True, False]
    done = content(run_of(0))
    capsys.readouterr()
    assert main([*TOY, "-n", "3", "-exist", "resume"]) == 0
    output = capsys.readouterr().out
    assert STARTED.findall(output) == [str(run_of(1)), str(run_of(2))]
    assert f"{run_of(0)} is over; it is left as it is" in output
    assert content(run_of(0)) == done
    assert [rounds_of(run_of(seed)) for seed in range(3)] == [3, 3, 3]


def test_nothing_is_trained_before_all_places_are_known_to_be_free(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([*TOY, "--seed", "1"]) == 0
    assert main([*TOY, "--seed", "0", "1"]) == 2
    assert f"{run_of(1)} is there already; add -exist resume" in capsys.readouterr().err
    assert not run_of(0).exists()
    assert main([*TOY, "-ni", "5", "--seed", "0", "1", "-exist", "resume"]) == 2
    assert "was made with another configuration: -ni 4 there and 5 here" in capsys.readouterr().err
    assert not run_of(0).exists()


@pytest.mark.parametrize("flag", ["-n", "--exp-name", "--exp_name"])
def test_a_text_is_the_experiment_s_name(flag: str) -> None:
    assert main([*TOY, flag, "first_try", "--seed", "0", "1"]) == 0
    assert [run_of(seed, "runs/first_try").exists() for seed in (0, 1)] == [True, True]


def test_the_paper_s_long_flags_are_known() -> None:
    flags = [
        "--env_name",
        "toy:plain",
        "--alg_name",
        "ppo",
        "--existing_policy",
        "resume",
        "--max_parallel",
        "4",
    ]
    assert main(["train", *flags, *TOY[3:], "--num_repeats", "1"]) == 0
    assert run_of(0).exists()


def test_a_raised_length_continues_a_finished_run_by_either_command(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([*TOY, "-n", "2"]) == 0
    assert main([*TOY, "-n", "2", "-exist", "resume", "-mt", "50"]) == 0
    assert [rounds_of(run_of(seed)) for seed in (0, 1)] == [5, 5]
    assert main(["resume", str(run_of(0)), "-mt", "60"]) == 0
    assert main([*TOY, "-mt", "60", "-sd", "whole"]) == 0
    with (
        open_run(run_of(0)).open_history(read_only=True) as extended,
        open_run(run_of(0, "whole")).open_history(read_only=True) as whole,
    ):
        assert extended.plans() == whole.plans()
    assert open_run(run_of(0)).description.configuration["max_timesteps"] == 60
    changes = json.loads((run_of(0) / "run.json").read_text(encoding="utf-8"))["changes"]
    assert [(change["before"], change["after"], change["step"]) for change in changes] == [
        (30, 50, 30),
        (50, 60, 50),
    ]
    capsys.readouterr()
    assert main(["resume", str(run_of(0)), "-mt", "50"]) == 2
    assert "-mt 50 is less than the 60 of the run that is there" in capsys.readouterr().err
    assert main(["resume", str(run_of(0)), "-mt", "60"]) == 0  # nothing is left to do


def test_an_extension_that_was_interrupted_is_not_lost(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(TOY) == 0
    extended_to(open_run(run_of(0)), 50)  # and the process died before a round was planned
    assert main([*TOY, "-mt", "50", "-exist", "resume"]) == 0
    assert rounds_of(run_of(0)) == 5


def test_an_extended_run_is_recovered() -> None:
    assert main(TOY) == 0
    assert main(["resume", str(run_of(0)), "--max-timesteps", "50"]) == 0
    with open_run(run_of(0)).open_history(read_only=True) as history:
        plans = history.plans()
    path = run_of(0) / "history.sqlite"
    damaged = path.read_bytes().replace(b'"steps"', b'"stops"', 1)
    path.write_bytes(damaged)
    assert main(["doctor", str(run_of(0)), "--recover"]) == 0
    assert main(["resume", str(run_of(0))]) == 0
    with open_run(run_of(0)).open_history(read_only=True) as history:
        assert history.plans() == plans


def test_a_race_has_the_length_that_it_was_started_with(capsys: pytest.CaptureFixture[str]) -> None:
    race = [*TOY, "-ni", "8", "--population-schedule", "race"]
    assert main(race) == 0
    assert main([*race, "-mt", "60", "-exist", "resume"]) == 2
    assert "-mt 60: " in (error := capsys.readouterr().err)
    assert "unless --population-schedule paper" in error


def test_a_replay_has_the_length_of_its_schedule(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(TOY) == 0
    assert main(["schedule", str(run_of(0)), "-o", "best.yaml"]) == 0
    assert main(["replay", "best.yaml"]) == 0
    assert main(["resume", "runs/best-replay", "-mt", "50"]) == 2
    assert "-mt 50: runs/best-replay trains along a schedule" in capsys.readouterr().err


def test_a_generation_that_had_no_room_keeps_a_run_from_being_extended(
    capsys: pytest.CaptureFixture[str],
) -> None:
    shapes = ["train", "-e", "toy:shapes", "-sm", "both", "-tr", "10", "-td", "20", "-de", "20", "-md", "1"]
    sizes = ["-ps", "4", "-ni", "4", "-qf", "0.25"]
    run = "runs/toy-shapes-bgpbt-both-seed0"
    assert main([*shapes, *sizes, "-mt", "40"]) == 0  # a generation that began at 20 would end at 40
    assert main(["resume", run, "-mt", "80"]) == 2
    error = capsys.readouterr().err
    assert f"-mt 80: {run} cannot be extended, since its strategy does in round 3 what depends" in error
    assert main([*shapes, *sizes, "-mt", "60", "-exist", "overwrite"]) == 0
    assert main(["resume", run, "-mt", "80"]) == 0
