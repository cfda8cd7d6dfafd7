"""`bgpbt train -e gymnasium:NAME` trains Stable-Baselines3's PPO, or says in one line what it needs."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from bgpbt.cli import main
from bgpbt.cli.arguments import TrainArguments
from bgpbt.storage import open_run

TRAIN = [
    *("train", "-e", "gymnasium:CartPole-v1", "-ps", "2", "-ni", "2", "-qf", "0.5", "-tr", "1_024"),
    *("-mt", "2_048", "--policy", "1", "8", "--value", "1", "8"),
]
FEW_EPISODES = ["--num-envs", "2", "--eval-episodes", "2", "--test-episodes", "2"]


@pytest.fixture
def installed() -> None:
    pytest.importorskip("stable_baselines3", reason="pip install 'bgpbt[sb3]'")
    pytest.importorskip("gymnasium")


def test_what_is_missing_is_named_with_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [
        name for name in sys.modules if name.startswith(("stable_baselines3", "bgpbt.trainers.sb3"))
    ]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "stable_baselines3", None)
    assert main([*TRAIN, "-sd", str(tmp_path / "runs")]) == 2
    message = "bgpbt: stable_baselines3 is not installed; run pip install 'bgpbt[sb3]'\n"
    assert capsys.readouterr().err == message
    assert not (tmp_path / "runs").exists()


def test_there_are_no_architectures_to_search(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*TRAIN, "-sm", "both"]) == 2
    assert (
        "gymnasium:CartPole-v1 has no architectures to search; use search mode hpo" in capsys.readouterr().err
    )


def test_defaults_are_for_environments_in_python() -> None:
    gymnasium = TrainArguments(env="gymnasium:CartPole-v1").settings(0)
    assert (gymnasium.environments, gymnasium.t_ready, gymnasium.policy) == (8, 20_000, (2, 64))
    ours = TrainArguments(env="ant").settings(0)
    assert (ours.environments, ours.t_ready, ours.max_timesteps) == (2048, 1_000_000, 150_000_000)
    assert (ours.policy, ours.value, ours.minibatches, ours.episode_length) == ((4, 32), (5, 256), 32, 1000)
    assert (ours.evaluation_episodes, ours.test_episodes) == (256, 1024)


def test_flags_of_our_ppo_alone_are_named() -> None:
    ours = TrainArguments(env="ant", num_minibatches=4, episode_length=100)
    assert ours.notes() == []
    assert replace(ours, env="gymnasium:CartPole-v1").notes() == [
        "num_minibatches = 4 changes nothing with env = gymnasium:CartPole-v1",
        "episode_length = 100 changes nothing with env = gymnasium:CartPole-v1",
    ]


@pytest.mark.usefixtures("installed")
def test_a_run_is_trained_stopped_and_resumed_to_the_byte(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "gymnasium-CartPole-v1-bgpbt-hpo-seed0"
    for directory in ("one", "other"):
        assert main([*TRAIN, *FEW_EPISODES, "-sd", str(tmp_path / directory)]) == 0
    assert "its return on test seeds" in capsys.readouterr().out
    made = []
    for directory in ("one", "other"):
        with open_run(tmp_path / directory / name).open_history(read_only=True) as history:
            made.append([outcome.checkpoint for _, outcome in history.trained()])
    assert made[0] == made[1]
    assert len(made[0]) == 4
    assert main(["resume", str(tmp_path / "one" / name)]) == 0
    assert main(["policy", str(tmp_path / "one" / name)]) == 2
    assert "are no PPO agents" in capsys.readouterr().err


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["-e", "gymnasium:CartPol-v1"],
            "-e 'gymnasium:CartPol-v1': NameNotFound: Environment `CartPol`",
        ),
        (["-e", "gymnasium:nowhere:CartPole-v1"], "ModuleNotFoundError: No module named 'nowhere'"),
        (
            ["--num-envs", "4"],
            "n_steps = 512 of 4 environments makes rollouts of 2048 steps, more than a round",
        ),
        (["--stack", "on"], "--stack on: gymnasium:CartPole-v1 has no networks to stack"),
    ],
)
def test_a_mistake_is_one_line(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*TRAIN, *FEW_EPISODES, *arguments, "-sd", str(tmp_path / "runs")]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.count("\n") == 1
    assert not (tmp_path / "runs").exists()
