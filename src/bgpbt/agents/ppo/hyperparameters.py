"""The hyperparameters of PPO as traced numbers, so that no value of theirs is compiled in.

Names, ranges and defaults are those of Wan et al. (2022), appendix; `bgpbt.space.ppo_space` searches them.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import numpy as np

from bgpbt.errors import InputError
from bgpbt.records import Configuration
from bgpbt.space.rules import Rule

__all__ = ["DEFAULTS", "RULES", "Hyperparameters", "hyperparameters_of"]

DEFAULTS: Configuration = {
    "learning_rate": 3e-4,
    "discount": 0.97,
    "entropy_cost": 1e-2,
    "unroll_length": 5,
    "batch_size": 1024,
    "update_epochs": 4,
    "reward_scaling": 10.0,
    "gae_lambda": 0.95,
    "clip_epsilon": 0.3,
}


class Hyperparameters(NamedTuple):
    """One agent's PPO settings: float32 and int32 scalars, leaves of a pytree (NumPy's outside of JAX)."""

    learning_rate: jax.Array  # of Adam
    discount: jax.Array  # per environment step
    entropy_cost: jax.Array  # weight of the entropy bonus
    unroll_length: jax.Array  # environment steps between two bootstraps
    batch_size: jax.Array  # unrolls in a minibatch
    update_epochs: jax.Array  # passes over an iteration's data
    reward_scaling: jax.Array  # factor on every reward in training, never in scores
    gae_lambda: jax.Array
    clip_epsilon: jax.Array  # PPO's bound on the probability ratio


_COUNT = Rule(low=1, high=2**31 - 1, is_whole=True)

RULES: Mapping[str, Rule] = {
    "learning_rate": Rule(),
    "discount": Rule(high=1.0),
    "entropy_cost": Rule(),
    "unroll_length": _COUNT,
    "batch_size": _COUNT,
    "update_epochs": _COUNT,
    "reward_scaling": Rule(),
    "gae_lambda": Rule(high=1.0),
    "clip_epsilon": Rule(),
}
"""What each hyperparameter can be."""


def hyperparameters_of(configuration: Configuration) -> Hyperparameters:
    """Return the PPO settings a configuration names; what it does not name has its default.

    Raises:
        InputError: a value is not a number, or not one that PPO can take.
    """
    named = {name: configuration.get(name, default) for name, default in DEFAULTS.items()}
    for name, value in named.items():
        rule = RULES[name].complaint(value)
        if rule is not None:
            raise InputError(f"{name} = {value!r} {rule}")
    scalars: dict[str, Any] = {
        name: np.int32(value) if RULES[name].is_whole else np.float32(value) for name, value in named.items()
    }
    return Hyperparameters(**scalars)
