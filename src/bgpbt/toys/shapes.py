"""The toy with architectures: what a member can reach depends on the shape of its networks.

One weight ρ, the loss that is left, shrinks towards the floor φ of the shape, and while a student is
distilled also towards its teacher's loss, as far as its own floor lets it:

    ρ <- ρ - RATE f (ρ - φ),   ρ <- ρ - TEACHING (ρ - max(φ, ρ_teacher)),   score = 1 - ρ

with f = exp(-((x - c(u)) / WIDTH)²) of the learning rate at coordinate x, and c(u) falling linearly in the
training progress u. The floor rises with the distance from one best shape, where it is 0. What a
configuration does not name of the shape is the smallest.
"""

import math
from collections.abc import Mapping

import numpy as np
from ConfigSpace import ConfigurationSpace, Float

from bgpbt.arrays import Floats
from bgpbt.records import Configuration
from bgpbt.space import Space
from bgpbt.toys.toy import HORIZON, Toy

__all__ = ["shapes"]

RATE = 0.01  # perfect training leaves about 2% of the loss above the floor after HORIZON steps
TEACHING = 0.1  # share of the way to the teacher in one step of distillation
WIDTH = 0.35  # in the unit coordinate of the learning rate
LOW, HIGH = 1e-4, 1e-1  # of the learning rate
BEST_POSITIONS = (0.8, 0.3)  # c at progress 0 and 1

SMALLEST: Mapping[str, int] = {
    "policy_depth": 1,
    "policy_log2_width": 5,
    "policy_spectral_norm": False,
    "value_depth": 1,
    "value_log2_width": 5,
    "value_spectral_norm": False,
}
BEST: Mapping[str, int] = {
    "policy_depth": 2,
    "policy_log2_width": 7,
    "policy_spectral_norm": True,
    "value_depth": 4,
    "value_log2_width": 6,
    "value_spectral_norm": False,
}
FLOOR_PER_STEP = 0.05  # for each step of depth, doubling of width or wrong normalisation


def shapes() -> Toy:
    """Return the toy with architectures: one float, and the shapes where they are searched."""
    space = ConfigurationSpace(name="toy-shapes")
    space.add(Float("learning_rate", (LOW, HIGH), log=True, default=1e-3))
    return Toy(
        name="shapes",
        space=Space.from_configspace(space),
        horizon=HORIZON,
        initial_w=np.array([1.0]),
        advance=_advance,
        score=lambda loss_w: float(1.0 - loss_w[0]),
        best_score=lambda steps: (1.0 - floor({})) * (1.0 - (1.0 - RATE) ** steps),
        teach=_teach,
        shape=_shape,
    )


def floor(configuration: Configuration) -> float:
    """Return the loss that a shape cannot get below."""
    shape = _shape(configuration)
    return FLOOR_PER_STEP * sum(abs(int(shape[name]) - int(best)) for name, best in BEST.items())


def _shape(configuration: Configuration) -> Configuration:
    return {name: configuration.get(name, smallest) for name, smallest in SMALLEST.items()}


def _advance(loss_w: Floats, configuration: Configuration, progress_t: Floats) -> Floats:
    rate = float(configuration["learning_rate"])
    position = (math.log(rate) - math.log(LOW)) / (math.log(HIGH) - math.log(LOW))
    first, last = BEST_POSITIONS
    efficacy_t = np.exp(-(((position - (first + (last - first) * progress_t)) / WIDTH) ** 2))
    lowest = floor(configuration)
    return np.asarray(lowest + (loss_w - lowest) * np.prod(1.0 - RATE * efficacy_t))


def _teach(loss_w: Floats, teacher_w: Floats, configuration: Configuration, steps: int) -> Floats:
    goal_w = np.maximum(teacher_w, floor(configuration))
    return np.asarray(goal_w + (loss_w - goal_w) * (1.0 - TEACHING) ** steps)
