"""The plain toy: the PBT paper's quadratic, with hyperparameters whose best values move.

Jaderberg et al. (2017), section 4.1, maximise Q(θ) = 1.2 - θ₀² - θ₁² from θ = (0.9, 0.9) by gradient ascent
on a surrogate that weighs the two terms by h₀ and h₁. There h = (1, 1) is best for ever. Here the weight of
term i is g(hᵢ, u) = exp(-((hᵢ - cᵢ(u)) / W)²), and the best value cᵢ moves as training progress u goes from
0 to 1:

    θᵢ <- θᵢ (1 - 2 RATE g(hᵢ, u)),   c₀(u) = 0.2 + 0.6 u,   c₁(u) = 0.8 - 0.6 u

Whatever is best for the score now is best for the end too. With h on its optimum throughout,
θᵢ = 0.9 (1 - 2 RATE)^steps, which gives the best score.
"""

import numpy as np
from ConfigSpace import ConfigurationSpace, Float

from bgpbt.arrays import Floats
from bgpbt.records import Configuration
from bgpbt.space import Space
from bgpbt.toys.toy import HORIZON, Toy

__all__ = ["plain"]

RATE = 0.0025  # step size of the ascent; perfect training shrinks θ to 13% in HORIZON steps
WIDTH = 0.2  # W: how far off a hyperparameter may be before its term stands still
START = 0.9  # θ₀ and θ₁ of a fresh member, as in the paper


def plain() -> Toy:
    """Return the plain toy: two floats."""
    space = ConfigurationSpace(name="toy-plain")
    space.add(Float("h0", (0.0, 1.0), default=0.5), Float("h1", (0.0, 1.0), default=0.5))
    return Toy(
        name="plain",
        space=Space.from_configspace(space),
        horizon=HORIZON,
        initial_w=np.array([START, START]),
        advance=_advance,
        score=_score,
        best_score=lambda steps: 1.2 - 2.0 * (START * (1.0 - 2.0 * RATE) ** steps) ** 2,
    )


def _advance(theta_w: Floats, configuration: Configuration, progress_t: Floats) -> Floats:
    h_w = np.array([float(configuration["h0"]), float(configuration["h1"])])
    best_tw = np.stack([0.2 + 0.6 * progress_t, 0.8 - 0.6 * progress_t], axis=1)
    weight_tw = np.exp(-(((h_w - best_tw) / WIDTH) ** 2))
    return np.asarray(theta_w * np.prod(1.0 - 2.0 * RATE * weight_tw, axis=0))


def _score(theta_w: Floats) -> float:
    return float(1.2 - np.sum(theta_w**2))
