"""The trust region: how far from its centre the next configuration may lie.

A box for inputs with an order and a Hamming ball for categories: Wan et al. (2022), section 3.1, after TuRBO
(Eriksson et al., 2019, section 2) and Casmopolitan (Wan et al., 2021, section 3.2). The size follows from
counts of successes and failures; the lengthscales of the model shape the box.
"""

from dataclasses import dataclass, replace

import numpy as np

from bgpbt.arrays import Floats
from bgpbt.surrogate.settings import SurrogateSettings

__all__ = ["TrustRegion", "box", "hamming_radius", "side_scales", "start_region", "update_region"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustRegion:
    """The size of the region and the counts that change it."""

    length: float  # side of the box before it is shaped by lengthscales, in coordinates of [0, 1]
    categorical_length: float  # share of the categories that may change
    successes: int = 0  # in a row
    failures: int = 0  # in a row
    restarts: int = 0  # times that the length has fallen to its minimum


def start_region(settings: SurrogateSettings) -> TrustRegion:
    """Return the region of a run that has seen no data."""
    return TrustRegion(length=settings.initial_length, categorical_length=settings.initial_categorical_length)


def update_region(region: TrustRegion, success: bool, settings: SurrogateSettings) -> TrustRegion:
    """Count a success or a failure; grow, shrink or restart.

    A region whose length would fall to its minimum restarts: `restarts` is one higher and everything else
    is as at the start. Wan et al. (2022), algorithm 2.
    """
    if success:
        if region.successes + 1 < settings.successes_to_grow:
            return replace(region, successes=region.successes + 1, failures=0)
        return _resized(region, settings.length_factor, settings)
    if region.failures + 1 < settings.failures_to_shrink:
        return replace(region, successes=0, failures=region.failures + 1)
    shrunk = _resized(region, 1.0 / settings.length_factor, settings)
    if shrunk.length > settings.minimum_length:
        return shrunk
    return replace(start_region(settings), restarts=region.restarts + 1)


def side_scales(lengthscale_d: Floats) -> Floats:
    """Return how much longer than L each side of the box is; their product is 1.

    Eriksson et al. (2019), section 2: in proportion to the lengthscales.
    """
    if lengthscale_d.size == 0:
        return np.ones(0)
    log_d = np.log(lengthscale_d)
    scale_d: Floats = np.exp(log_d - log_d.mean())
    return scale_d


def box(centre_d: Floats, lengthscale_d: Floats, length: float) -> tuple[Floats, Floats]:
    """Return the lower and upper corner of the box, inside the unit cube.

    Where the centre is NaN (an inactive input) there is nothing to stay close to: the box is [0, 1].
    """
    half_d = length * side_scales(lengthscale_d) / 2.0
    lower_d = np.where(np.isnan(centre_d), 0.0, np.clip(centre_d - half_d, 0.0, 1.0))
    upper_d = np.where(np.isnan(centre_d), 1.0, np.clip(centre_d + half_d, 0.0, 1.0))
    return lower_d, upper_d


def hamming_radius(region: TrustRegion, categories: int, settings: SurrogateSettings) -> int:
    """Return how many of the categories may differ from the centre: at least one, if there are any."""
    if not settings.categorical_region:
        return categories
    return min(categories, max(1, int(region.categorical_length * categories + 1e-9)))


def _resized(region: TrustRegion, factor: float, settings: SurrogateSettings) -> TrustRegion:
    categorical = min(
        max(region.categorical_length * factor, settings.minimum_categorical_length),
        settings.maximum_categorical_length,
    )
    return replace(
        region,
        length=min(region.length * factor, settings.maximum_length),
        categorical_length=categorical,
        successes=0,
        failures=0,
    )
