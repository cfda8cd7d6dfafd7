import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest
from ConfigSpace import ConfigurationSpace, Float

from bgpbt.contracts import Trainer
from bgpbt.errors import InputError
from bgpbt.execution.attempt import attempt
from bgpbt.records import Fresh, From, Order, Outcome
from bgpbt.runs import Options, optimise
from bgpbt.space import Space
from bgpbt.storage import CheckpointStore
from bgpbt.strategies import PopulationSettings
from bgpbt.trainers import BytesTrainer, IsolatedTrainer, Job
from tests.execution.walkers import WalkTrainer
from tests.trainers.test_functions import append_bytes, order


def die(job: Job, weights: bytes | None) -> tuple[bytes, float]:
    os.kill(os.getpid(), signal.SIGKILL)
    return b"", 0.0


def leave(job: Job, weights: bytes | None) -> tuple[bytes, float]:
    os._exit(7)


def hang(job: Job, weights: bytes | None) -> tuple[bytes, float]:
    time.sleep(1000)
    return b"", 0.0


def fail(job: Job, weights: bytes | None) -> tuple[bytes, float]:
    raise ArithmeticError("the loss is not finite")


@pytest.mark.parametrize(
    ("function", "limit", "reason"),
    [
        (die, 60.0, "was killed by SIGKILL"),
        (leave, 60.0, "exited with status 7"),
        (hang, 4.0, "killed at its time limit of 4 s"),
        (fail, 60.0, "ArithmeticError: the loss is not finite"),
    ],
)
def test_a_trainer_that_dies_costs_one_member(
    tmp_path: Path, function: object, limit: float, reason: str
) -> None:
    trainer = IsolatedTrainer(BytesTrainer(function), time_limit_s=limit)  # type: ignore[arg-type]
    outcome = attempt(trainer, order(Fresh()), CheckpointStore(tmp_path))
    assert reason in str(outcome.failure)


def test_weights_go_there_and_back(tmp_path: Path) -> None:
    store, trainer = CheckpointStore(tmp_path), IsolatedTrainer(BytesTrainer(append_bytes), time_limit_s=60.0)
    first = trainer.train(order(Fresh()), store)
    assert first.checkpoint is not None
    second = trainer.train(order(From(checkpoint=first.checkpoint), 1), store)
    assert second.checkpoint is not None
    assert store.load(second.checkpoint)[0]["content"].tobytes() == b"\x03\x03"


def history(trainer: Trainer, path: Path) -> list[tuple[Order, Outcome]]:
    configuration_space = ConfigurationSpace()
    configuration_space.add(Float("scale", (0.1, 1.0)))
    settings = PopulationSettings(
        t_ready=10, max_timesteps=30, population=2, initial=2, quantile_fraction=0.5
    )
    space, options = Space.from_configspace(configuration_space), Options(strategy="pbt", max_parallel=2)
    trained = optimise(trainer, space, settings, path, options=options).trained
    return [(order, replace(outcome, seconds=0.0)) for order, outcome in trained]


def test_isolation_changes_nothing_in_a_run(tmp_path: Path) -> None:
    isolated = history(IsolatedTrainer(WalkTrainer(), time_limit_s=60.0), tmp_path / "isolated")
    assert isolated == history(WalkTrainer(), tmp_path / "here")
    assert len(isolated) == 2 * 3


def test_a_trainer_that_cannot_travel_is_refused() -> None:
    with pytest.raises(InputError, match="cannot be sent to another process"):
        IsolatedTrainer(BytesTrainer(lambda job, weights: (b"", 0.0)), time_limit_s=1.0)
