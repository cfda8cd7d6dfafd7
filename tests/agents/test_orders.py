from collections import Counter
from dataclasses import replace

import numpy as np

from bgpbt.agents import PPOTrainer
from bgpbt.records import (
    Checkpoint,
    Configuration,
    Distil,
    Fresh,
    Order,
    Proposal,
    ProposalSource,
    Purpose,
    Start,
)
from bgpbt.space import ppo_space
from bgpbt.toys import MemoryCheckpoints
from tests.agents.conftest import SETTINGS, small_space


class CountingCheckpoints(MemoryCheckpoints):
    """Says how often each checkpoint was read."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: Counter[Checkpoint] = Counter()

    def load(self, checkpoint: Checkpoint) -> tuple[dict[str, np.ndarray], dict[str, str]]:
        self.reads[checkpoint] += 1
        return super().load(checkpoint)


def order(start: Start, *, steps: int = 256, configuration: Configuration | None = None) -> Order:
    return Order(
        round=0,
        member=0,
        purpose=Purpose.TRAIN,
        start=start,
        configuration=configuration or {"batch_size": 8, "unroll_length": 4, "update_epochs": 1},
        first_step=0,
        steps=steps,
        seed=3,
        proposal=Proposal(source=ProposalSource.DEFAULT),
    )


def test_each_checkpoint_that_a_start_names_is_read_once(trainer: PPOTrainer) -> None:
    checkpoints = CountingCheckpoints()
    teacher = trainer.train(order(Fresh()), checkpoints).checkpoint
    assert teacher is not None
    student = trainer.train(order(Distil(teacher=teacher, total_steps=1_000)), checkpoints).checkpoint
    assert checkpoints.reads == {teacher: 1}
    trainer.train(
        order(Distil(teacher=teacher, student=student, first_step=256, total_steps=1_000)), checkpoints
    )
    assert checkpoints.reads == {teacher: 2, student: 1}


def test_a_new_student_takes_a_copy_of_its_teachers_normaliser(trainer: PPOTrainer) -> None:
    checkpoints = MemoryCheckpoints()
    teacher = trainer.train(order(Fresh()), checkpoints).checkpoint
    assert teacher is not None
    begun = trainer.desk.begin(order(Distil(teacher=teacher, total_steps=1_000)), checkpoints)
    assert begun.schedule is not None
    for own, taught in zip(begun.member.normaliser, begun.schedule.member.normaliser, strict=True):
        np.testing.assert_array_equal(own, taught)
        assert not np.shares_memory(own, taught)


def test_trainers_that_share_programs_compile_once_and_tell_their_own_callbacks() -> None:
    told: list[str] = []
    first = PPOTrainer(SETTINGS, small_space(), on_progress=lambda *_: told.append("first"))
    alone = first.train(order(Fresh()), MemoryCheckpoints())
    compiled = first.compilations
    second = first.sharing(
        replace(SETTINGS, evaluation_seed=8), small_space(), on_progress=lambda *_: told.append("second")
    )
    assert second is not None
    shared = second.train(order(Fresh()), MemoryCheckpoints())
    assert second.compilations == compiled > 0
    assert set(told[: len(told) // 2]) == {"first"}
    assert set(told[len(told) // 2 :]) == {"second"}
    assert shared.checkpoint == alone.checkpoint
    assert shared.score != alone.score  # on other start states


def test_what_programs_are_compiled_for_must_be_equal_to_share_them(trainer: PPOTrainer) -> None:
    assert trainer.sharing(SETTINGS, small_space()) is not None
    assert trainer.sharing(replace(SETTINGS, minibatches=8), small_space()) is None
    assert trainer.sharing(SETTINGS, ppo_space()) is None
