"""The memory that training takes beside XLA's own account of the compiled program."""

from typing import Any

import pytest
from ConfigSpace import ConfigurationSpace, Integer, OrdinalHyperparameter

from bgpbt import envs
from bgpbt.agents import Architecture, Architectures, PPOSettings, PPOTrainer
from bgpbt.agents.compiled.memory_need import memory_need
from bgpbt.space import Space
from tests.envs.countdown import Countdown

NAME = "countdown-for-memory"


def space(batches: list[int], longest: int) -> Space:
    described = ConfigurationSpace(name="memory")
    described.add(OrdinalHyperparameter("batch_size", batches), Integer("unroll_length", (2, longest)))
    return Space.from_configspace(described)


def trainer(architectures: Architectures, environments: int, batches: list[int], longest: int) -> PPOTrainer:
    if NAME not in envs.names():
        envs.register(NAME, lambda: Countdown(3, 9))
    settings = PPOSettings(
        environment=NAME, environments=environments, minibatches=16, architectures=architectures
    )
    return PPOTrainer(settings, space(batches, longest))


@pytest.mark.parametrize(
    ("value", "environments", "batches", "longest", "most"),
    [
        ((3, 128), 256, [512, 1024], 4, "slice"),
        ((1, 8), 512, [512, 1024], 30, "rollout"),
        ((2, 512), 16, [15, 16], 4, "networks"),
    ],
)
def test_what_is_expected_is_what_xla_allocates(
    value: tuple[int, int], environments: int, batches: list[int], longest: int, most: str
) -> None:
    architectures = Architectures(
        policy=Architecture(depth=1, width=16), value=Architecture(depth=value[0], width=value[1])
    )
    made = trainer(architectures, environments, batches, longest)
    need = memory_need(made.learner, architectures)
    program: Any = made.programs(architectures).train
    account = program.compiled().memory_analysis()
    allocated = account.argument_size_in_bytes + account.output_size_in_bytes - account.alias_size_in_bytes
    allocated += account.temp_size_in_bytes
    assert 0.9 * allocated <= need.total <= 1.3 * allocated
    assert max(("rollout", "slice", "networks", "environments"), key=lambda part: getattr(need, part)) == most
