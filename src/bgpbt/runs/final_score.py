"""The best member on start states that selection never saw."""

from typing import TYPE_CHECKING

from bgpbt.analysis import BestMember
from bgpbt.contracts import Checkpoints
from bgpbt.runs.experiment import Experiment, derived_seed

if TYPE_CHECKING:
    from bgpbt.agents import EpisodeReturns

__all__ = ["returns_on_test_seeds"]


def returns_on_test_seeds(
    experiment: Experiment, best: BestMember, checkpoints: Checkpoints
) -> "EpisodeReturns | None":
    """Return the returns of a run's best member on test seeds; None for a toy, which has no luck in it.

    Raises:
        DamagedRunError: its checkpoint is missing or damaged.
    """
    if experiment.settings.is_toy:
        return None
    from bgpbt.agents import PPOTrainer

    assert isinstance(experiment.trainer, PPOTrainer)
    assert best.outcome.checkpoint is not None
    return experiment.trainer.evaluate(
        best.outcome.checkpoint,
        checkpoints,
        episodes=experiment.settings.test_episodes,
        seed=derived_seed(experiment.settings.seed, "test"),
    )
