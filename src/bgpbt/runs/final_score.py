"""The best member on start states that selection never saw."""

from bgpbt.analysis import BestMember
from bgpbt.contracts import Checkpoints
from bgpbt.outcomes import EpisodeReturns
from bgpbt.runs.experiment import Experiment
from bgpbt.runs.settings import derived_seed

__all__ = ["returns_on_test_seeds"]


def returns_on_test_seeds(
    experiment: Experiment, best: BestMember, checkpoints: Checkpoints
) -> EpisodeReturns | None:
    """Return the returns of a run's best member on test seeds; None for a toy, which has no luck in it.

    Raises:
        DamagedRunError: its checkpoint is missing or damaged.
    """
    assert best.outcome.checkpoint is not None
    settings = experiment.settings
    return experiment.task.test_returns(
        best.outcome.checkpoint,
        checkpoints,
        episodes=settings.test_episodes,
        seed=derived_seed(settings.seed, "test"),
    )
