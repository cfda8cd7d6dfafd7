"""The deceptive toy: what raises the score now loses in the end.

A member has a skill s (its score) and a capacity c. `greed` h in [0, 1] says what a step is used for, and
`aim` how well: with q = 1 - (aim - 0.7)²,

    s <- s + q h c / HORIZON,   c <- c + q GROWTH (1 - h) / HORIZON

so a greedy member leads at every early comparison and never builds capacity. The final skill is linear in
each step's h, and of a greedy step followed by a building one, the other way round is better; so the best
schedule builds for k steps and then cashes in. With q = 1 it reaches max over k of
(T - k) (1 + GROWTH k / HORIZON) / HORIZON in T steps.
"""

import numpy as np
from ConfigSpace import ConfigurationSpace, Float

from bgpbt.arrays import Floats
from bgpbt.records import Configuration
from bgpbt.space import Space
from bgpbt.toys.toy import HORIZON, Toy

__all__ = ["deceptive"]

GROWTH = 10.0  # capacity built in HORIZON steps; a fresh member's is 1
BEST_AIM = 0.7


def deceptive() -> Toy:
    """Return the deceptive toy: two floats."""
    space = ConfigurationSpace(name="toy-deceptive")
    space.add(Float("aim", (0.0, 1.0), default=0.5), Float("greed", (0.0, 1.0), default=0.5))
    return Toy(
        name="deceptive",
        space=Space.from_configspace(space),
        horizon=HORIZON,
        initial_w=np.array([0.0, 1.0]),
        advance=_advance,
        score=lambda weights_w: float(weights_w[0]),
        best_score=_best_score,
    )


def _advance(weights_w: Floats, configuration: Configuration, progress_t: Floats) -> Floats:
    """Return skill and capacity after the steps: the sum of an arithmetic series."""
    skill, capacity = weights_w
    n = progress_t.size
    greed = float(configuration["greed"])
    quality = 1.0 - (float(configuration["aim"]) - BEST_AIM) ** 2
    growth = quality * GROWTH * (1.0 - greed) / HORIZON  # of the capacity, per step
    summed_capacity = n * capacity + growth * n * (n - 1) / 2.0
    return np.array([skill + quality * greed * summed_capacity / HORIZON, capacity + n * growth])


def _best_score(steps: int) -> float:
    building_k = np.arange(steps + 1)
    return float(np.max((steps - building_k) * (1.0 + GROWTH * building_k / HORIZON)) / HORIZON)
