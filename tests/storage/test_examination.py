"""What an examination says of runs in which much looks like a checkpoint that is none."""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from ConfigSpace import ConfigurationSpace

from bgpbt.cli.care import DoctorArguments, examine_run
from bgpbt.contracts import Checkpoints
from bgpbt.records import Order, Outcome
from bgpbt.runs import Options, optimise
from bgpbt.space import Space
from bgpbt.storage import examine
from bgpbt.strategies import PopulationSettings, strategy_names
from bgpbt.trainers import BytesTrainer, Job

SETTINGS = PopulationSettings(t_ready=10, max_timesteps=60, population=4, initial=6, quantile_fraction=0.25)
DATA_SETS = ("a" * 64, "b" * 64)
NAME, FIGURE, FAILURE = "c" * 64, "d" * 64, "e" * 64
SPACE = Space.from_configspace(ConfigurationSpace({NAME: (0.0, 1.0), "data": list(DATA_SETS)}))


def score(job: Job, weights: bytes | None) -> tuple[bytes, float]:
    return f"{job.seed}".encode(), float(job.configuration[NAME])


@dataclass(frozen=True, slots=True)
class Trainer:
    """Names what it measures, and what went wrong, by hashes."""

    def train(self, order: Order, checkpoints: Checkpoints) -> Outcome:
        outcome = BytesTrainer(score).train(order, checkpoints)
        if order.member == order.round % 4:
            return replace(outcome, checkpoint=None, score=float("nan"), failure=FAILURE)
        return replace(outcome, figures={FIGURE: 1.0})


@pytest.mark.parametrize("strategy", strategy_names())
def test_a_run_full_of_text_that_looks_like_a_checkpoint_is_intact(strategy: str, tmp_path: Path) -> None:
    run = tmp_path / "run"
    finished = optimise(Trainer(), SPACE, SETTINGS, run, options=Options(strategy=strategy))
    refused = {failure for failure in finished.failures if "knows no networks" in failure}  # by restarts
    assert set(finished.failures) - refused == {FAILURE}
    examination = examine(run)
    assert [finding.problem for finding in examination.findings if finding.problem] == []
    assert examine_run(DoctorArguments(run=run)) == 0
