import csv
import os
import re
import signal
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from bgpbt.cli import main
from bgpbt.toys import Toy

TOY = ["train", "-e", "toy:plain", "-tr", "10", "-mt", "60", "-ni", "8", "-ps", "4", "-qf", "0.25"]
TOY_RUN = Path("runs/toy-plain-bgpbt-hpo-seed0")

# The paper's flags, on a budget of seconds.
TINY_PPO = [
    *["-v", "-e", "reacher", "--pop_size", "4", "-mp", "2", "-qf", "0.25", "-ni", "5", "-exist", "overwrite"],
    *["-tr", "2_000", "-mt", "6_000", "-o", "bgpbt", "--seed", "3", "-sm", "hpo"],
    *["--num-envs", "32", "--num-minibatches", "4", "--episode-length", "50", "--eval-episodes", "8"],
    *["--test-episodes", "16", "--policy", "1", "8", "--value", "1", "8"],
]


@pytest.fixture(autouse=True)
def _own_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def exported(run: Path) -> list[dict[str, str]]:
    """The rows of a run without the one column that two equal runs differ in."""
    target = run.with_suffix(".csv")
    assert main(["export", str(run), "-o", str(target)]) == 0
    with target.open(encoding="utf-8") as file:
        return [
            {name: value for name, value in row.items() if name != "seconds"} for row in csv.DictReader(file)
        ]


def test_the_paper_command_trains_a_population_of_agents(capfd: pytest.CaptureFixture[str]) -> None:
    environment = os.environ | {"PYTHONPATH": ""}
    script = Path(__file__).parents[2] / "main.py"
    done = subprocess.run(
        [sys.executable, str(script), *TINY_PPO], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    run = Path("runs/reacher-bgpbt-hpo-seed3")
    rows = exported(run)
    assert [(int(row["round"]), int(row["member"])) for row in rows] == [
        *((0, member) for member in range(5)),
        *((round_index, member) for round_index in (1, 2) for member in range(4)),
    ]
    for row in rows:
        one_unroll = 32 * int(row["config.unroll_length"])
        assert 0 <= min(2_000 * (int(row["round"]) + 1), 6_000) - int(row["total_steps"]) < one_unroll
    for expected in ["round 3/3", "return on test seeds", "compilations", "evaluation", "learning_rate"]:
        assert expected in done.stdout
    with (run / "stats_seed_3.csv").open(encoding="utf-8") as file:
        stats = list(csv.DictReader(file))
    assert [row["R"] for row in stats] == [row["score"] for row in rows]
    assert {"trial", "t", "R", "learning_rate", "batch_size"} <= set(stats[0])


def test_without_its_environment_the_paper_command_says_how_to_enter_it() -> None:
    script = Path(__file__).parents[2] / "main.py"
    bare = [sys.executable, "-I", "-S", str(script), "-e", "ant"]  # without installed packages
    done = subprocess.run(bare, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "bgpbt is not installed for " in done.stderr
    assert "source .venv/bin/activate" in done.stderr
    readme = (script.parent / "README.md").read_text(encoding="utf-8")
    assert readme.index("source .venv/bin/activate") < readme.index("python3 main.py")


@pytest.mark.parametrize(
    "typed", [["--version"], ["train", "--version"], ["train", "--population-schedule", "paper", "--version"]]
)
def test_the_version_is_that_of_the_package(typed: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(typed) == 0
    assert capsys.readouterr().out == f"bgpbt {version('bgpbt')}\n"


@pytest.mark.parametrize("strategy", ["random", "no-mutation", "pbt", "bgpbt"])
def test_every_strategy_runs_and_repeats_itself(strategy: str, capsys: pytest.CaptureFixture[str]) -> None:
    run = Path(f"runs/toy-plain-{strategy}-hpo-seed0")
    assert main([*TOY, "-o", strategy]) == 0
    first = exported(run)
    assert main([*TOY, "-o", strategy, "-exist", "overwrite"]) == 0
    assert exported(run) == first
    returns = [float(median) for median in re.findall(r"return: median (\S+),", capsys.readouterr().out)]
    assert returns[-1] > returns[0]


def test_a_run_that_is_there_is_not_touched_without_being_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(TOY) == 0
    before = {path: path.read_bytes() for path in TOY_RUN.rglob("*") if path.is_file()}
    assert main(TOY) == 2
    assert "is there already; add -exist resume" in capsys.readouterr().err
    assert main([*TOY, "-ps", "5", "-exist", "resume"]) == 2
    assert "made with another configuration: -ps 4 there and 5 here" in capsys.readouterr().err
    Path("runs/toy-plain-pbt-hpo-seed0").mkdir()
    Path("runs/toy-plain-pbt-hpo-seed0/thesis.txt").write_text("years of work", encoding="utf-8")
    assert main([*TOY, "-o", "pbt", "-exist", "overwrite"]) == 2
    assert "is not the directory of a run; nothing in it was touched" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in TOY_RUN.rglob("*") if path.is_file()} == before


def test_a_damaged_run_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(TOY) == 0
    history = TOY_RUN / "history.sqlite"
    history.write_bytes(b"not a database")
    assert main(["resume", str(TOY_RUN)]) == 2
    error = capsys.readouterr().err
    assert "history.sqlite" in error
    assert error.count("\n") == 1
    assert history.read_bytes() == b"not a database"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_says_how_to_go_on_and_ends_as_if_undisturbed(number: signal.Signals) -> None:
    long = [*TOY, "-mt", "300"]
    process = subprocess.Popen(
        [sys.executable, "-m", "bgpbt", *long], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("round 2/"):
            break
    process.send_signal(number)
    rest = process.stdout.read()
    assert process.wait() == 130
    assert f"Go on with: bgpbt resume {TOY_RUN}" in rest
    assert "Traceback" not in rest
    interrupted = exported(TOY_RUN)
    assert main(["resume", str(TOY_RUN)]) == 0
    resumed = exported(TOY_RUN)
    assert len(interrupted) < len(resumed)
    assert main([*long, "-exist", "overwrite"]) == 0
    assert exported(TOY_RUN) == resumed


def test_repeats_have_seeds_of_their_own() -> None:
    assert main([*TOY, "-n", "2", "--seed", "7", "-o", "pbt"]) == 0
    runs = [Path(f"runs/toy-plain-pbt-hpo-seed{seed}") for seed in (7, 8)]
    assert exported(runs[0]) != exported(runs[1])


def test_flags_that_change_nothing_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*TOY, "-o", "pbt", "-td", "2", "--patience", "15"]) == 0
    error = capsys.readouterr().err
    assert "-td 2 changes nothing with --search-mode hpo" in error
    assert "--patience 15 changes nothing with --search-mode hpo" in error


def test_a_run_over_generations_says_what_each_changed(capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["-tr", "10", "-mt", "200", "-td", "24", "-de", "50", "-md", "1", "-ps", "4", "-ni", "8"]
    assert main(["train", "-e", "toy:shapes", "-sm", "both", *flags, "-qf", "0.25"]) == 0
    output = capsys.readouterr().out
    assert "generation 2, distilling" in output
    assert "Generations" in output
    rows = exported(Path("runs/toy-shapes-bgpbt-both-seed0"))
    assert {row["generation"] for row in rows} == {"0", "1"}
    assert {row["rung"] for row in rows if row["start"] == "distil"} == {"0"}
    assert all(row["teacher"] for row in rows if row["start"] == "distil")


def test_the_paper_s_settings_are_a_preset() -> None:
    from bgpbt.cli.arguments import TrainArguments

    ant = TrainArguments(env="ant", preset="paper").settings(0)
    hopper = TrainArguments(env="hopper", preset="paper").settings(0)
    own = TrainArguments(env="hopper", preset="paper", t_ready=3_000_000).settings(0)
    assert (ant.t_ready, ant.t_ready_end, ant.generations.max_distillation) == (1_000_000, None, 2)
    assert (hopper.t_ready, hopper.t_ready_end) == (5_000_000, 1_000_000)
    assert hopper.generations.t_distillation == 40_000_000
    assert (own.t_ready, own.t_ready_end) == (3_000_000, 1_000_000)


def test_tasks_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["envs"]) == 0
    listed = capsys.readouterr().out.split()
    assert {"ant", "fetch", "halfcheetah", "hopper", "humanoid", "reacher", "ur5e"} <= set(listed)
    assert {"brax:reacher", "toy:mixed"} <= set(listed)


def test_a_run_whose_members_all_failed_says_why_and_ends_with_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def burst(*_: object) -> None:
        raise ArithmeticError("it burst")

    flags = ["-tr", "10", "-mt", "20", "-ps", "2", "-ni", "2", "-qf", "0.5", "-sd", str(tmp_path)]
    run = tmp_path / "toy-plain-pbt-hpo-seed0"
    with monkeypatch.context() as patch:
        patch.setattr(Toy, "train", burst)
        assert main(["train", "-e", "toy:plain", "-o", "pbt", *flags]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "round 1: all 2 members failed, 2 of them with ArithmeticError: it burst (" in error
    assert error.endswith(f"bgpbt resume {run}\n")
    assert main(["resume", str(run)]) == 0
    assert "failed members" not in capsys.readouterr().out
