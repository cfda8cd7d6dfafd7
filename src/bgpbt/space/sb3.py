"""A space for the PPO of Stable-Baselines3, by its names."""

from ConfigSpace import ConfigurationSpace, Float, Integer, OrdinalHyperparameter

from bgpbt.space.inputs import LOG_COMPLEMENT
from bgpbt.space.space import Space

__all__ = ["sb3_ppo_space"]


def sb3_ppo_space() -> Space:
    """Return ten hyperparameters of Stable-Baselines3's PPO, ranges around its defaults.

    Defaults are Stable-Baselines3's, but for `ent_coef`, which a logarithmic scale keeps above its 0, and for
    `n_steps`: 256 steps of each of eight environments are as many as its 2048 of one.
    """
    space = ConfigurationSpace(name="sb3_ppo")
    space.add(
        Float("learning_rate", (3e-5, 3e-3), log=True, default=3e-4),
        OrdinalHyperparameter("n_steps", [32, 64, 128, 256, 512], default_value=256),
        OrdinalHyperparameter("batch_size", [32, 64, 128, 256, 512], default_value=64),
        Integer("n_epochs", (1, 20), log=True, default=10),
        Float("gamma", (0.9, 0.9999), default=0.99, meta={"transform": LOG_COMPLEMENT}),
        Float("gae_lambda", (0.8, 1.0), default=0.95),
        Float("clip_range", (0.1, 0.4), default=0.2),
        Float("ent_coef", (1e-6, 1e-1), log=True, default=1e-6),
        Float("vf_coef", (0.1, 1.0), default=0.5),
        Float("max_grad_norm", (0.3, 5.0), log=True, default=0.5),
    )
    return Space.from_configspace(space)
