"""The mixed toy: floats, integers, an ordinal and categories, whose best values drift and switch.

One weight ρ, the loss that is left, shrinks at a rate that is a product of factors in (0, 1], one per input:

    ρ <- ρ (1 - RATE Π f),   score = 1 - ρ

An ordered input at coordinate x has f = exp(-((x - c(u)) / W)²), with c(u) linear in the training progress u.
A category has f = 1 for the choice that is best now, and less for the others; `optimizer` switches its best
choice once, half way, and `schedule` keeps it. The factors do not depend on each other, so the best schedule
takes the best float, level and choice at each step.
"""

from collections.abc import Mapping

import numpy as np
from ConfigSpace import Categorical, ConfigurationSpace, Float, Integer, OrdinalHyperparameter

from bgpbt.arrays import Floats
from bgpbt.records import Configuration
from bgpbt.space import Space
from bgpbt.toys.toy import HORIZON, Toy

__all__ = ["mixed"]

RATE = 0.01  # perfect training leaves about 2% of the loss after HORIZON steps
WIDTH = 0.35  # W, in the unit coordinates of the ordered inputs
SWITCH = 0.5  # training progress at which the best optimizer changes

BEST_POSITIONS: Mapping[str, tuple[float, float]] = {  # c at progress 0 and 1
    "batch_size": (0.0, 1.0),
    "epochs": (0.8, 0.4),
    "learning_rate": (0.9, 0.2),
    "momentum": (0.3, 0.7),
}
OPTIMIZERS: Mapping[str, tuple[float, float]] = {  # f before and after the switch
    "adam": (1.0, 0.4),
    "lamb": (0.7, 0.6),
    "rmsprop": (0.5, 0.3),
    "sgd": (0.2, 1.0),
}
SCHEDULES: Mapping[str, float] = {"constant": 0.5, "cosine": 1.0, "step": 0.7}


def mixed() -> Toy:
    """Return the mixed toy: two floats, an integer, an ordinal and two categories."""
    space = ConfigurationSpace(name="toy-mixed")
    space.add(
        Float("learning_rate", (1e-4, 1e-1), log=True, default=1e-3),
        Float("momentum", (0.0, 1.0), default=0.5),
        Integer("epochs", (1, 16), log=True, default=4),
        OrdinalHyperparameter("batch_size", [16, 32, 64, 128, 256], default_value=64),
        Categorical("optimizer", list(OPTIMIZERS), default="rmsprop"),
        Categorical("schedule", list(SCHEDULES), default="constant"),
    )
    task_space = Space.from_configspace(space)

    def advance(loss_w: Floats, configuration: Configuration, progress_t: Floats) -> Floats:
        return loss_w * np.prod(1.0 - RATE * _efficacy(task_space, configuration, progress_t))

    return Toy(
        name="mixed",
        space=task_space,
        horizon=HORIZON,
        initial_w=np.array([1.0]),
        advance=advance,
        score=lambda loss_w: float(1.0 - loss_w[0]),
        best_score=lambda steps: _best_score(task_space, steps),
    )


def _efficacy(space: Space, configuration: Configuration, progress_t: Floats) -> Floats:
    """Return the product of all factors, for each step."""
    (x_d,) = space.encode([configuration])
    efficacy_t = np.full(progress_t.shape, SCHEDULES[str(configuration["schedule"])])
    before, after = OPTIMIZERS[str(configuration["optimizer"])]
    efficacy_t *= np.where(progress_t < SWITCH, before, after)
    for name in BEST_POSITIONS:
        efficacy_t *= _closeness(name, float(x_d[space.names.index(name)]), progress_t)
    return efficacy_t


def _closeness(name: str, position: float, progress_t: Floats) -> Floats:
    first, last = BEST_POSITIONS[name]
    best_t = first + (last - first) * progress_t
    return np.asarray(np.exp(-(((position - best_t) / WIDTH) ** 2)))


def _best_score(space: Space, steps: int) -> float:
    """Return the score of the schedule that has the best factors at every step."""
    progress_t = np.arange(steps) / HORIZON
    best_t = np.ones(steps)
    for name in BEST_POSITIONS:
        levels_l = space.levels_d[space.names.index(name)]
        if levels_l.size:  # a float follows its best value exactly
            best_t *= np.max([_closeness(name, float(level), progress_t) for level in levels_l], axis=0)
    return float(1.0 - np.prod(1.0 - RATE * best_t))
