"""What `--space` takes and what it refuses, before anything is touched."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from ConfigSpace import ConfigurationSpace, Float

from bgpbt.cli import main
from bgpbt.cli.arguments import TrainArguments
from bgpbt.errors import InputError
from bgpbt.execution import Options, assemble, check_settings, optimise
from bgpbt.records import Order, Outcome
from bgpbt.space import Space
from bgpbt.strategies import PopulationSettings

ENTROPY = {"type": "uniform_float", "name": "ent_coef", "lower": 0.0, "upper": 0.1, "log": False}
TYPO = {"type": "uniform_float", "name": "typo_rate", "lower": 0.0, "upper": 0.1, "log": False}
DISCOUNT = {"type": "uniform_float", "name": "discount", "lower": 0.9, "upper": 1.5, "log": False}


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ([ENTROPY, TYPO], "PPO does not read ent_coef (did you mean entropy_cost?), typo_rate; it reads"),
        ([DISCOUNT], "discount = 1.5 must be a number from 0 to 1"),
    ],
)
def test_a_space_that_ppo_does_not_read_is_refused_at_the_start(
    inputs: list[object], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(yaml.safe_dump({"hyperparameters": inputs, "conditions": [], "forbiddens": []}))
    assert main(["train", "-e", "reacher", "--space", str(path), "-sd", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == [path]


def test_a_run_that_an_earlier_version_began_with_such_a_space_can_be_resumed() -> None:
    described = {"name": "old", "hyperparameters": [TYPO], "conditions": [], "forbiddens": []}
    settings = TrainArguments(env="reacher").settings(0)
    old = replace(settings, space=json.dumps(described))
    with pytest.raises(InputError, match="typo_rate"):
        check_settings(old)
    assert assemble(old).space.names == ("typo_rate",)


class Picky:
    """A trainer that refuses every space."""

    def check_space(self, space: Space) -> None:
        raise InputError(f"no {space.names[0]} here")

    def train(self, order: Order, checkpoints: object) -> Outcome:
        raise AssertionError("nothing is to be trained")


def test_a_trainer_can_refuse_the_space_of_a_new_run(tmp_path: Path) -> None:
    described = ConfigurationSpace()
    described.add(Float("typo_rate", (0.0, 1.0)))
    settings = PopulationSettings(population=2, initial=2, quantile_fraction=0.5, t_ready=1, max_timesteps=2)
    with pytest.raises(InputError, match="no typo_rate here"):
        optimise(Picky(), Space.from_configspace(described), settings, tmp_path / "run", options=Options())
    assert list(tmp_path.iterdir()) == []


def test_an_option_without_a_dot_is_a_number() -> None:
    settings = TrainArguments(env="toy:plain", option=("ucb_beta=4e-1",)).settings(0)
    assert settings.options == {"ucb_beta": 0.4}
