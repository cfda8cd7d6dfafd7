from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bgpbt.errors import InputError
from bgpbt.execution.attempt import attempt
from bgpbt.records import (
    Checkpoint,
    Distil,
    Fresh,
    From,
    Grow,
    Order,
    Proposal,
    ProposalSource,
    Purpose,
    ShrinkPerturb,
    Start,
)
from bgpbt.storage import CheckpointStore
from bgpbt.trainers import (
    BytesTrainer,
    DirectoryTrainer,
    FunctionTrainer,
    Job,
    Result,
    TrainerError,
    state_from,
)
from bgpbt.trainers.job import job_of


def order(start: Start, round_index: int = 0) -> Order:
    return Order(
        round=round_index,
        member=1,
        purpose=Purpose.TRAIN,
        start=start,
        configuration={"rate": 0.5},
        first_step=10 * round_index,
        steps=10,
        seed=3,
        proposal=Proposal(source=ProposalSource.RANDOM),
    )


def append_bytes(job: Job, weights: bytes | None) -> tuple[bytes, float]:
    assert (weights is None) == (job.round == 0)
    return (weights or b"") + bytes([job.seed]), 1.5


def append_files(job: Job, start: Path | None, directory: Path) -> Result:
    if start is not None:
        for path in start.rglob("*.txt"):
            (directory / path.name).write_bytes(path.read_bytes())
    (directory / "sub").mkdir()
    (directory / "sub" / f"{job.round}.txt").write_text("")
    return Result(score=2.0, steps=7, evaluation_steps=3, figures={"loss": float(np.float32(0.5))})


def test_bytes_go_from_round_to_round(tmp_path: Path) -> None:
    store, trainer = CheckpointStore(tmp_path), BytesTrainer(append_bytes)
    first = trainer.train(order(Fresh()), store)
    assert first.checkpoint is not None
    assert (first.score, first.steps) == (1.5, 10)
    second = trainer.train(order(From(checkpoint=first.checkpoint), 1), store)
    assert second.checkpoint is not None
    assert store.load(second.checkpoint)[0]["content"].tobytes() == b"\x03\x03"


def test_directories_go_from_round_to_round(tmp_path: Path) -> None:
    store, trainer = CheckpointStore(tmp_path), DirectoryTrainer(append_files)
    first = trainer.train(order(Fresh()), store)
    assert first.checkpoint is not None
    assert (first.score, first.steps, first.evaluation_steps, dict(first.figures)) == (
        2.0,
        7,
        3,
        {"loss": 0.5},
    )
    second = trainer.train(order(From(checkpoint=first.checkpoint), 1), store)
    assert second.checkpoint is not None
    assert set(store.load(second.checkpoint)[0]) == {"0.txt", "sub/1.txt"}


def test_equal_directories_are_equal_checkpoints(tmp_path: Path) -> None:
    store, trainer = CheckpointStore(tmp_path), DirectoryTrainer(append_files)
    assert trainer.train(order(Fresh()), store).checkpoint == trainer.train(order(Fresh()), store).checkpoint


def test_a_link_in_a_checkpoint_is_refused(tmp_path: Path) -> None:
    def link(job: Job, start: Path | None, directory: Path) -> float:
        (directory / "passwords").symlink_to("/etc/passwd")
        return 0.0

    with pytest.raises(TrainerError, match="passwords in the checkpoint is not a plain file"):
        DirectoryTrainer(link).train(order(Fresh()), CheckpointStore(tmp_path))


def test_a_name_that_leads_out_of_the_directory_is_refused(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path)
    evil = store.save({"../evil": np.zeros(1, np.uint8)}, {"content": "directory"})
    with pytest.raises(TrainerError, match="leads out"):
        DirectoryTrainer(append_files).train(order(From(checkpoint=evil), 1), store)


@pytest.mark.parametrize("steps", [-1, 11])
def test_more_steps_than_asked_for_is_a_failure(tmp_path: Path, steps: int) -> None:
    trainer = BytesTrainer(lambda job, weights: (b"w", Result(score=1.0, steps=steps)))
    outcome = attempt(trainer, order(Fresh()), CheckpointStore(tmp_path))
    assert outcome.failure == f"ValueError: the trainer says it trained {steps} steps of 10 asked for"


@pytest.mark.parametrize("score", [float("nan"), float("inf")])
def test_a_score_that_is_no_number_is_a_failure(tmp_path: Path, score: float) -> None:
    outcome = attempt(BytesTrainer(lambda job, w: (b"w", score)), order(Fresh()), CheckpointStore(tmp_path))
    assert outcome.failure == f"the score is {score}"


def test_weights_that_are_not_bytes_are_a_failure(tmp_path: Path) -> None:
    trainer = BytesTrainer(lambda job, weights: ("text", 1.0))  # type: ignore[arg-type, return-value]
    outcome = attempt(trainer, order(Fresh()), CheckpointStore(tmp_path))
    assert outcome.failure == "TrainerError: the weights are of type str; they must be bytes"


@pytest.mark.parametrize(
    "start",
    [
        Distil(teacher=Checkpoint("0" * 64), total_steps=10),
        Grow(parent=Checkpoint("0" * 64)),
        ShrinkPerturb(checkpoint=Checkpoint("0" * 64)),
    ],
)
def test_some_starts_take_a_trainer_that_knows_networks(tmp_path: Path, start: Start) -> None:
    with pytest.raises(InputError, match="knows no networks, so nothing can be distilled, grown or shrunk"):
        BytesTrainer(append_bytes).train(order(start), CheckpointStore(tmp_path))


def count(config: dict[str, Any], steps: int, state: Any, seed: int) -> tuple[Any, float]:
    state = {"weight": np.zeros(2), "seeds": []} if state is None else state
    state["weight"] += steps * config["rate"]
    state["seeds"].append(seed)
    return state, float(state["weight"][0])


def test_a_state_goes_from_round_to_round(tmp_path: Path) -> None:
    store, trainer = CheckpointStore(tmp_path), FunctionTrainer(count)
    first = trainer.train(order(Fresh()), store)
    assert first.checkpoint is not None
    assert (first.score, first.steps) == (5.0, 10)
    second = trainer.train(order(From(checkpoint=first.checkpoint), 1), store)
    assert second.checkpoint is not None
    assert second.score == 10.0
    assert state_from(store.load(second.checkpoint)[0])["seeds"] == [3, 3]
    assert trainer.train(order(From(checkpoint=first.checkpoint), 1), store).checkpoint == second.checkpoint


def test_a_function_may_say_more_than_its_score(tmp_path: Path) -> None:
    told = Result(score=2.0, steps=7, evaluation_steps=3, figures={"loss": 0.5})
    outcome = FunctionTrainer(lambda config, steps, state, seed: (b"w", told)).train(
        order(Fresh()), CheckpointStore(tmp_path)
    )
    assert (outcome.score, outcome.steps, outcome.evaluation_steps) == (2.0, 7, 3)
    assert dict(outcome.figures) == {"loss": 0.5}


def test_seeds_are_ones_that_every_library_takes(tmp_path: Path) -> None:
    trainer = FunctionTrainer(lambda config, steps, state, seed: (b"w", float(seed)))
    large = replace(order(Fresh()), seed=2**63 - 1)
    seed = int(trainer.train(large, CheckpointStore(tmp_path)).score)
    np.random.RandomState(seed)  # raises above 2**32 - 1
    assert seed == 2**31 - 1


@pytest.mark.parametrize("function", [lambda job, weights: (b"", 0.0), lambda: None, 3])
def test_a_function_of_other_arguments_is_refused(function: Any) -> None:
    with pytest.raises(InputError, match=r"must take four arguments \(config, steps, state, seed\)"):
        FunctionTrainer(function)


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (b"w", "it must return a state and a score"),
        ((b"w", 1.0, {}), "it must return a state and a score"),
        ((None, 1.0), "the state is None"),
    ],
)
def test_what_is_no_state_with_a_score_costs_the_member(returned: Any, message: str, tmp_path: Path) -> None:
    trainer = FunctionTrainer(lambda config, steps, state, seed: returned)
    with pytest.raises(TrainerError, match=message):
        trainer.train(order(Fresh()), CheckpointStore(tmp_path))


def test_a_jobs_seed_is_one_that_every_library_takes() -> None:
    seeds = [0, 1, 2**31 - 1, 2**31, 2**31 + 5, 2**63 - 1]
    given = [job_of(replace(order(Fresh()), seed=seed)).seed for seed in seeds]
    assert given == [0, 1, 2**31 - 1, 0, 5, 2**31 - 1]
    for seed in given:
        np.random.seed(seed)  # noqa: NPY002  what users do
        np.int32(seed)
