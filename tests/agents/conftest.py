import numpy as np
import pytest
from ConfigSpace import ConfigurationSpace, Integer, OrdinalHyperparameter

from bgpbt.agents import Architecture, Architectures, PPOSettings, PPOTrainer
from bgpbt.space import Space

ARCHITECTURES = Architectures(policy=Architecture(depth=1, width=16), value=Architecture(depth=2, width=16))
SETTINGS = PPOSettings(
    environment="reacher",
    environments=32,
    minibatches=4,
    evaluation_episodes=8,
    episode_length=50,
    evaluation_seed=7,
    architectures=ARCHITECTURES,
)


def small_space() -> Space:
    """Batches of 8 to 32 sequences: iterations of 1 to 4 unrolls of 32 environments."""
    space = ConfigurationSpace(name="small")
    space.add(
        OrdinalHyperparameter("batch_size", [8, 16, 32], default_value=16),
        Integer("unroll_length", (2, 6), default=4),
        Integer("update_epochs", (1, 4), default=2),
    )
    return Space.from_configspace(space)


@pytest.fixture(scope="session")
def trainer() -> PPOTrainer:
    """One trainer for all tests, so that its programs are compiled once."""
    return PPOTrainer(SETTINGS, small_space())


def same_arrays(first: dict[str, np.ndarray], second: dict[str, np.ndarray]) -> bool:
    return first.keys() == second.keys() and all(
        first[name].tobytes() == second[name].tobytes() for name in first
    )
