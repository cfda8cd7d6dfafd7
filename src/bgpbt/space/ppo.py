"""The paper's space for PPO: Wan et al. (2022), appendix, table of the search space."""

from ConfigSpace import ConfigurationSpace, Float, Integer, OrdinalHyperparameter

from bgpbt.space.inputs import LOG_COMPLEMENT
from bgpbt.space.space import Space

__all__ = ["ppo_space"]


def ppo_space() -> Space:
    """Return the nine hyperparameters of PPO that the paper searches.

    The default of `clip_epsilon` is the 0.3 that the released code's PPO ran with.
    """
    space = ConfigurationSpace(name="ppo")
    space.add(
        Float("learning_rate", (1e-4, 1e-3), log=True, default=3e-4),
        Float("discount", (0.9, 0.9999), default=0.97, meta={"transform": LOG_COMPLEMENT}),
        Float("entropy_cost", (1e-6, 1e-1), log=True, default=1e-2),
        Integer("unroll_length", (5, 15), default=5),
        OrdinalHyperparameter("batch_size", [64, 128, 256, 512, 1024], default_value=1024),
        Integer("update_epochs", (2, 16), log=True, default=4),
        Float("reward_scaling", (0.05, 20.0), log=True, default=10.0),
        Float("gae_lambda", (0.9, 1.0), default=0.95),
        Float("clip_epsilon", (0.1, 0.4), default=0.3),
    )
    return Space.from_configspace(space)
