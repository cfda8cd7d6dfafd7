"""Members trained together come out as members trained one after the other."""

import os
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np

from bgpbt.agents import PPOTrainer
from bgpbt.agents.stack import StackedTrainer
from bgpbt.records import Configuration, Distil, Fresh, From, Order, Proposal, ProposalSource, Purpose, Start
from bgpbt.toys import MemoryCheckpoints
from tests.agents.conftest import SETTINGS, small_space

OTHER_SHAPE: Configuration = {"policy_depth": 2, "policy_log2_width": 3, "policy_spectral_norm": True}
CONFIGURATIONS: list[Configuration] = [
    {"batch_size": 8, "unroll_length": 2, "update_epochs": 3, "learning_rate": 1e-3},
    {"batch_size": 32, "unroll_length": 6, "update_epochs": 1, **OTHER_SHAPE},
    {"batch_size": 16, "unroll_length": 5},
    {"batch_size": 16, "unroll_length": 4, **OTHER_SHAPE},
]
ITERATIONS = 3
TOLERANCE = 1e-5


def orders(starts: list[Start]) -> list[Order]:
    """Orders of three iterations each, which are of different length."""
    result = []
    for member, (configuration, start) in enumerate(zip(CONFIGURATIONS, starts, strict=True)):
        batch, unroll = (int(configuration[name]) for name in ("batch_size", "unroll_length"))
        result.append(
            Order(
                round=0,
                member=member,
                purpose=Purpose.TRAIN,
                start=start,
                configuration={**small_space().default(), **configuration},
                first_step=0,
                steps=ITERATIONS * batch * SETTINGS.minibatches * unroll,
                seed=100 + member,
                proposal=Proposal(source=ProposalSource.DEFAULT),
            )
        )
    return result


def check_equal(
    stacked: StackedTrainer, trainer: PPOTrainer, starts: list[Start], kept: MemoryCheckpoints
) -> None:
    together = stacked.train(orders(starts), kept)
    alone = [trainer.train(order, kept) for order in orders(starts)]
    for one, other in zip(together, alone, strict=True):
        assert one.checkpoint is not None
        assert other.checkpoint is not None
        assert one.steps == other.steps > 0
        assert one.evaluation_steps == other.evaluation_steps
        np.testing.assert_allclose(one.score, other.score, rtol=1e-4)
        (arrays, metadata), (expected, expected_metadata) = (
            kept.load(one.checkpoint),
            kept.load(other.checkpoint),
        )
        assert metadata == expected_metadata
        assert arrays.keys() == expected.keys()
        for name, array in expected.items():
            if name.startswith(("parameters.", "normaliser.", "environments.observation")):
                scale = max(1.0, float(np.abs(array).max()))
                np.testing.assert_allclose(arrays[name] / scale, array / scale, atol=TOLERANCE, err_msg=name)


def test_members_together_are_members_one_after_the_other(trainer: PPOTrainer) -> None:
    kept = MemoryCheckpoints()
    stacked = StackedTrainer(trainer)
    check_equal(stacked, trainer, [Fresh()] * 4, kept)
    made = [outcome.checkpoint for outcome in stacked.train(orders([Fresh()] * 4), kept)]
    continued: list[Start] = [From(checkpoint=checkpoint) for checkpoint in made if checkpoint is not None]
    check_equal(stacked, trainer, continued, kept)
    teachers = [made[1], made[0], made[1]]
    students: list[Start] = [
        Distil(teacher=teacher, total_steps=5_000) for teacher in teachers if teacher is not None
    ]
    check_equal(stacked, trainer, [*students, Fresh()], kept)


def test_four_devices_share_a_stack() -> None:
    environment = os.environ | {"XLA_FLAGS": "--xla_force_host_platform_device_count=4"}
    command = [sys.executable, "-m", "tests.agents.test_stack"]
    root = Path(__file__).parents[2]
    finished = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=root, check=False)
    assert finished.returncode == 0, finished.stderr[-3000:]
    assert finished.stdout.strip() == "4 devices agree"


def main() -> None:
    kept = MemoryCheckpoints()
    trainer = PPOTrainer(SETTINGS, small_space())
    stacked = StackedTrainer(trainer, jax.devices())
    check_equal(stacked, trainer, [Fresh()] * 4, kept)
    print(f"{len(jax.devices())} devices agree")  # noqa: T201


if __name__ == "__main__":
    main()
