import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bgpbt.agents.ppo.evaluation import episode_returns
from bgpbt.cli import main
from bgpbt.encoding import decode
from bgpbt.errors import InputError
from bgpbt.policies import TrainedPolicy, score_policy
from bgpbt.records import Checkpoint
from bgpbt.runs import ExperimentSettings, assemble
from bgpbt.storage import RunDirectory


def test_a_file_scores_as_the_trainer_scored_the_member(run: RunDirectory, policy: TrainedPolicy) -> None:
    from bgpbt.agents import PPOTrainer

    trainer = assemble(decode(ExperimentSettings, json.dumps(run.description.configuration))).trainer
    assert isinstance(trainer, PPOTrainer)
    assert policy.description.checkpoint is not None
    checkpoint = Checkpoint(policy.description.checkpoint)
    expected = trainer.evaluate(checkpoint, run.checkpoints, episodes=20, seed=12)
    (score,) = score_policy(policy, seeds=[12], episodes=20)
    np.testing.assert_array_equal(score.return_n, expected.return_n)
    assert (score.mean, score.standard_error) == (expected.mean, expected.standard_error)


def test_no_more_episodes_are_run_than_were_asked_for(
    policy: TrainedPolicy, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = []

    def counting(*arguments: Any, episodes: int, episode_length: int) -> Any:
        run.append(episodes)
        return episode_returns(*arguments, episodes=episodes, episode_length=episode_length)

    monkeypatch.setattr("bgpbt.policies.scoring.episode_returns", counting)
    (score,) = score_policy(policy, seeds=[0], episodes=3)  # the run's scores are of 8
    assert run == [3]
    assert score.return_n.size == 3


def test_a_seed_does_not_depend_on_its_company_or_on_the_number_of_episodes(policy: TrainedPolicy) -> None:
    first, second = score_policy(policy, seeds=[0, 1], episodes=12)
    (alone,) = score_policy(policy, seeds=[1], episodes=5)
    assert alone.return_n.tobytes() == second.return_n[:5].tobytes()
    assert first.return_n.tobytes() != second.return_n.tobytes()
    assert list(second.quantiles.values()) == sorted(second.quantiles.values())
    assert second.quantiles[0.5] == np.median(second.return_n)


@pytest.mark.parametrize(("seeds", "episodes"), [([], 1), ([-1], 1), ([2**63], 1), ([0], 0)])
def test_numbers_that_are_not_allowed_are_refused(
    policy: TrainedPolicy, seeds: list[int], episodes: int
) -> None:
    with pytest.raises(InputError, match="must be"):
        score_policy(policy, seeds=seeds, episodes=episodes)


def test_the_commands_write_a_policy_and_score_it_alike_twice(
    run: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["policy", str(run.path)]) == 0
    file = "reacher-pbt-hpo-seed3.safetensors"
    assert file in capsys.readouterr().out
    for output in ("a.json", "b.json"):
        assert main(["evaluate", file, "--seeds", "0", "5", "-n", "10", "-o", output]) == 0
    assert Path("a.json").read_bytes() == Path("b.json").read_bytes()
    record = json.loads(Path("a.json").read_text(encoding="utf-8"))
    assert [entry["seed"] for entry in record["seeds"]] == [0, 5]
    assert len(record["all"]["returns"]) == 20
    assert record["all"]["mean"] == pytest.approx(np.mean([entry["mean"] for entry in record["seeds"]]))
    assert f"{record['all']['mean']:.5g}" in capsys.readouterr().out


def test_what_has_no_policy_is_one_clear_line(toy_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    for command in (
        ["policy", str(toy_run)],
        ["evaluate", str(toy_run)],
        ["evaluate", "nothing.safetensors"],
    ):
        assert main(command) == 2
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 3
    assert "the members of toy:plain are no PPO agents, so they have no policy" in errors[0]
    assert "nothing.safetensors: there is no such file" in errors[2]
