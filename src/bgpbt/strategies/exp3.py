"""A bandit over choices whose rewards drift: EXP3 with a fixed share.

Auer et al. (2002), "The nonstochastic multiarmed bandit problem", algorithm Exp3.S and corollary 8.2, which
PB2-Mix (Parker-Holder et al., 2021, section 3) extends to several plays in a round. Each member's choice is
one play here. With C choices, weights w, exploration g, share a, and gains in [0, 1]:

    p = (1 - g) w / Σw + g / C,   w <- w exp(g x / C) + a e Σw / C,   x = gain / p for the choices played
"""

import math
from collections.abc import Sequence

import numpy as np

from bgpbt.arrays import Floats

__all__ = ["exploration_rate", "probabilities", "updated_weights"]


def exploration_rate(choices: int, plays: int) -> float:
    """Return g for so many plays in all and one change of the best choice: corollary 8.2."""
    return min(1.0, math.sqrt(choices * math.log(choices * plays) / ((math.e - 1.0) * plays)))


def probabilities(weight_c: Floats, exploration: float) -> Floats:
    """Return the probability of each choice."""
    return (1.0 - exploration) * weight_c / np.sum(weight_c) + exploration / weight_c.size


def updated_weights(
    weight_c: Floats, played: Sequence[int], gains: Sequence[float], exploration: float, share: float
) -> Floats:
    """Return the weights after a round of plays, scaled to add up to 1; `share` is a, 1 / plays in all.

    A choice that several members played counts with the mean over all plays, so that x stays an unbiased
    estimate of its gain when plays are drawn with the probabilities.
    """
    probability_c = probabilities(weight_c, exploration)
    estimate_c = np.zeros(weight_c.size)
    for choice, gain in zip(played, gains, strict=True):
        estimate_c[choice] += gain / probability_c[choice] / len(played)
    grown_c = weight_c * np.exp(exploration * estimate_c / weight_c.size)
    shared_c = grown_c + share * math.e * np.sum(weight_c) / weight_c.size
    return shared_c / np.sum(shared_c)
