"""Stable-Baselines3's PPO on a Gymnasium environment, as a task of `bgpbt train`.

Gymnasium and PyTorch are imported only where such a task is checked.
"""

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bgpbt.contracts import Checkpoints
from bgpbt.errors import InputError, naming_extra, one_line
from bgpbt.execution import StackTrainer
from bgpbt.outcomes import EpisodeReturns
from bgpbt.records import Checkpoint
from bgpbt.runs.settings import ExperimentSettings, derived_seed
from bgpbt.space import Space
from bgpbt.space.rules import values_of

if TYPE_CHECKING:
    from bgpbt.agents import MemoryNeed
    from bgpbt.trainers.sb3 import SB3Trainer

__all__ = ["GYMNASIUM_PREFIX", "ReadyGymnasium", "gymnasium_trainer"]

GYMNASIUM_PREFIX = "gymnasium:"


@dataclass(frozen=True, slots=True)
class ReadyGymnasium:
    """A task with its trainer; members of one process train one after the other."""

    trainer: "SB3Trainer"
    device: str = "cpu"
    compiles: bool = False
    fills_one_core: bool = False
    devices: int = 1
    is_faster_stacked: bool = False

    def memory(self) -> int | None:
        """Nothing is known of memory."""
        return None

    def memory_need(self, *, stacked: bool) -> "MemoryNeed | None":
        """Nothing is known of memory."""
        return None

    def stack(self) -> StackTrainer | None:
        """There is no program to train members together."""
        return None

    def test_returns(
        self, checkpoint: Checkpoint, checkpoints: Checkpoints, *, episodes: int, seed: int
    ) -> EpisodeReturns | None:
        """Score a member on start states of its own."""
        return self.trainer.evaluate(checkpoint, checkpoints, episodes=episodes, seed=seed)


def gymnasium_trainer(settings: ExperimentSettings, space: Space, *, is_new: bool) -> "SB3Trainer":
    """Return the trainer that a run's settings name.

    Args:
        settings: of the run; minibatches and episode_length are not read: `batch_size` says how large a
            minibatch is, and the environment how long an episode is.
        space: what is searched.
        is_new: whether the trainer must read all of the space.

    Raises:
        InputError: the extra is not installed, there is no such environment, or a setting is not allowed.
    """
    if settings.is_generational:
        raise InputError(f"{settings.environment} has no architectures to search; use search mode hpo")
    with naming_extra("sb3"):
        from bgpbt.trainers.sb3 import SB3Trainer, default_of
    name = settings.environment.removeprefix(GYMNASIUM_PREFIX)
    _check_name(name)
    (depth, width), (value_depth, value_width) = settings.policy, settings.value
    trainer = SB3Trainer(
        environment=name,
        arguments={"policy_kwargs": {"net_arch": {"pi": [width] * depth, "vf": [value_width] * value_depth}}},
        environments=settings.environments,
        evaluation_episodes=settings.evaluation_episodes,
        evaluation_seed=derived_seed(settings.seed, "evaluation"),
        total_steps=settings.max_timesteps,
    )
    if is_new:
        trainer.check_space(space)
    longest = max(map(int, values_of(space, "n_steps") or (default_of("PPO", "n_steps"),)))
    if longest * settings.environments > settings.shortest_order:
        raise InputError(
            f"n_steps = {longest} of {settings.environments} environments makes rollouts of "
            f"{longest * settings.environments} steps, more than a round of {settings.shortest_order}; "
            f"raise t_ready or lower environments"
        )
    return trainer


def _check_name(name: str) -> None:
    """Check that Gymnasium has an environment; a module before a colon, which registers it, is imported."""
    import gymnasium

    module, _, task = name.rpartition(":")
    try:
        if module:
            importlib.import_module(module)
        gymnasium.spec(task)
    except (ModuleNotFoundError, gymnasium.error.Error) as error:
        raise InputError(f"environment {GYMNASIUM_PREFIX + name!r}: {one_line(error)}") from error
