"""From observations to a fitted process that knows what is already running.

Wan et al. (2022), section 3.1: the target is the rate of improvement as Gaussian ranks, taken once. Inputs
are the configuration, the score before the round and the time. Members that go on training are pending.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bgpbt.arrays import Floats
from bgpbt.surrogate.coordinates import Coordinates, ScoreScale, score_scale
from bgpbt.surrogate.copula import gaussian_ranks, standardised
from bgpbt.surrogate.fit import fit
from bgpbt.surrogate.gp import Posterior, condition, posterior
from bgpbt.surrogate.kernels import Points
from bgpbt.surrogate.parameters import Layout, from_theta
from bgpbt.surrogate.requests import Observation, PendingPoint, SuggestRequest, newest_rounds
from bgpbt.surrogate.settings import SurrogateSettings
from bgpbt.surrogate.skill import skill_of

__all__ = ["Model", "TooLittleDataError", "model_of", "points_of"]


class TooLittleDataError(Exception):
    """The data say nothing about where to go; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A fitted process, pending points included."""

    posterior: Posterior
    theta_p: Floats
    layout: Layout
    coordinates: Coordinates
    scale: ScoreScale
    data: int  # number of observations it was fitted to
    skill: float  # share of what context and time leave open that configurations explain (`skill_of`)


def model_of(
    coordinates: Coordinates,
    observations: Sequence[Observation],
    request: SuggestRequest,
    settings: SurrogateSettings,
    random: np.random.Generator,
) -> Model:
    """Return the model of the newest usable observations.

    Raises:
        TooLittleDataError: fewer than two are usable, or all rates are equal.
    """
    usable = newest_rounds(_usable(observations), settings.most_points)
    if len(usable) < 2:
        raise TooLittleDataError(f"the model needs 2 observations, there are {len(usable)}")
    rate_n = np.array([observation.improvement_rate for observation in usable])
    if rate_n.min() == rate_n.max():
        raise TooLittleDataError(f"all {len(usable)} observations improved at the same rate")
    pending = request.pending if settings.pending == "continuing" else ()
    members: list[Observation | PendingPoint] = [*usable, *pending]
    scale = score_scale([request.score_before, *(member.score_before for member in members)])
    points = points_of(coordinates, scale, usable, [observation.time for observation in usable])
    layout = coordinates.layout(
        shared=settings.lengthscales == "shared",
        fit_lengthscales=settings.fit_lengthscales,
        noise_prior=settings.noise_prior,
    )
    y_n = gaussian_ranks(rate_n) if settings.copula else standardised(rate_n)
    warm_start = _warm_start(request, layout)
    # A fit costs the cube of its points, so with many of them the last fit is the only start.
    has_many = warm_start is not None and len(usable) > settings.most_points // 2
    starts = 1 if has_many else settings.fit_starts
    theta_p = fit(points, y_n, layout, random, starts=starts, warm_start=warm_start)
    given_data = posterior(points, y_n, from_theta(theta_p, layout))
    running = points_of(coordinates, scale, pending, [request.time] * len(pending))
    return Model(
        posterior=condition(given_data, running),
        theta_p=theta_p,
        layout=layout,
        coordinates=coordinates,
        scale=scale,
        data=len(usable),
        skill=skill_of(given_data, y_n, layout),
    )


def _usable(observations: Sequence[Observation]) -> list[Observation]:
    return [o for o in observations if math.isfinite(o.improvement_rate) and math.isfinite(o.time)]


def points_of(
    coordinates: Coordinates,
    scale: ScoreScale,
    members: Sequence[Observation | PendingPoint],
    times: Sequence[float],
) -> Points:
    """Return members as the covariance takes them; times are in rounds."""
    x_nd = coordinates.space.encode([member.configuration for member in members])
    context_n = scale([member.score_before for member in members])
    return coordinates.points(x_nd, context_n, np.array(times, dtype=np.float64))


def _warm_start(request: SuggestRequest, layout: Layout) -> Floats | None:
    """Return the earlier fit, if it is one of this layout."""
    theta_p = np.array(request.warm_start, dtype=np.float64)
    return theta_p if theta_p.shape == (layout.size,) and np.isfinite(theta_p).all() else None
