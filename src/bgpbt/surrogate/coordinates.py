"""From a space's coordinates to the points of the kernel: scaled context, and inputs that may be inactive.

An input that conditions may switch off lies on an arc of one radian of the unit circle when it is active,
and at the circle's centre when it is not (after Swersky et al., 2013, "Raiders of the lost architecture:
kernels for Bayesian optimization in conditional parameter spaces", section 3). So its values are compared
where both points have one, at nearly their own distance (a chord is at most 4% shorter than its arc); where
only one has it, they differ by the same amount whatever the value; where neither has, it does not count.
Leaving such an input out of the distance instead would make covariances that are not positive definite.
An inactive category is a choice of its own, for the same reason.

The context, the score before the round, is the last feature, scaled to [0, 1] by the smallest and largest
score in view.

Symbols: n points; d searched inputs; f features.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bgpbt.arrays import Floats
from bgpbt.records import Configuration
from bgpbt.space import Space
from bgpbt.surrogate.kernels import Points
from bgpbt.surrogate.parameters import Layout

__all__ = ["Coordinates", "ScoreScale", "coordinates_of", "score_scale"]

Columns = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreScale:
    """Puts scores into [0, 1]; the bounds are halved, so that the span of huge scores is finite."""

    half_low: float
    half_high: float

    def __call__(self, scores: Sequence[float]) -> Floats:
        """Return scaled scores; what is no number is as bad as the worst."""
        half_n = np.asarray(scores, dtype=np.float64) / 2.0
        span = self.half_high - self.half_low
        if not span > 0.0:
            return np.full(half_n.shape, 0.5)
        bounded_n = np.clip(np.where(np.isnan(half_n), -np.inf, half_n), self.half_low, self.half_high)
        scaled_n: Floats = (bounded_n - self.half_low) / span
        return scaled_n


def score_scale(scores: Sequence[float]) -> ScoreScale:
    """Return the scale that spans the finite scores."""
    score_n = np.asarray(scores, dtype=np.float64)
    finite = score_n[np.isfinite(score_n)] / 2.0
    if finite.size == 0:
        return ScoreScale(half_low=0.0, half_high=0.0)
    return ScoreScale(half_low=float(finite.min()), half_high=float(finite.max()))


@dataclass(frozen=True, eq=False)
class Coordinates:
    """Which columns of a space become which features: made by `coordinates_of`.

    The features are: each ordered column (its sine, if it is conditional), then the cosines of the
    conditional ones, then the context.
    """

    space: Space
    ordered: Columns  # columns of floats, integers and ordinals
    categorical: Columns  # columns of categories
    conditional: npt.NDArray[np.intp]  # positions in `ordered` of inputs that may be inactive
    parents: Columns  # columns that conditions look at
    activity_of_parents: dict[bytes, npt.NDArray[np.bool_]]  # what conditions answered before

    def layout(self, *, shared: bool, fit_lengthscales: bool, noise_prior: float) -> Layout:
        """Return the layout of theta: a lengthscale for each input and the context, or one for all."""
        own = (*range(self.ordered.size), *self.conditional.tolist(), self.ordered.size)
        group_d = (0,) * len(own) if shared else own
        return Layout(group_d, self.categorical.size, fit_lengthscales, noise_prior)

    def points(self, x_nd: Floats, context_n: Floats, time_n: Floats) -> Points:
        """Return the points of encoded configurations (n, d), NaN where an input is inactive."""
        ordered_n = x_nd[:, self.ordered]
        cosine_n = np.zeros((len(x_nd), 0))
        if self.conditional.size:
            angle_n = ordered_n[:, self.conditional]
            cosine_n = np.nan_to_num(np.cos(angle_n), nan=0.0)
            ordered_n[:, self.conditional] = np.sin(angle_n)
        features_nd = np.hstack([ordered_n, cosine_n, context_n[:, None]])
        categories_nc = np.nan_to_num(x_nd[:, self.categorical], nan=-1.0).astype(np.int64)
        return Points(
            features_nd=np.nan_to_num(features_nd, nan=0.0), categories_nc=categories_nc, time_n=time_n
        )

    def slopes(self, x_nd: Floats, gradient_nf: Floats) -> Floats:
        """Return the gradient by the columns from that by the features; 0 by categories: (n, d)."""
        slope_nd = np.zeros_like(x_nd)
        count = self.ordered.size
        slope_nd[:, self.ordered] = gradient_nf[:, :count]
        if self.conditional.size:
            columns = self.ordered[self.conditional]
            angle_n = x_nd[:, columns]
            by_cosine_n = gradient_nf[:, count : count + self.conditional.size]
            turned_n = gradient_nf[:, self.conditional] * np.cos(angle_n) - by_cosine_n * np.sin(angle_n)
            slope_nd[:, columns] = np.nan_to_num(turned_n, nan=0.0)
        return slope_nd

    def with_activity(self, x_nd: Floats) -> Floats:
        """Return complete coordinates with NaN where the conditions switch an input off."""
        if self.parents.size == 0:
            return x_nd
        masked_nd = x_nd.copy()
        for row, x_d in enumerate(x_nd):
            key = x_d[self.parents].tobytes()
            if key not in self.activity_of_parents:
                self.activity_of_parents[key] = np.isnan(self.space.encode(self.space.decode(x_d[None])))[0]
            masked_nd[row, self.activity_of_parents[key]] = np.nan
        return masked_nd

    def completed(self, configuration: Configuration) -> Floats:
        """Return complete coordinates (d,): inactive inputs at their defaults, or the middle."""
        x_d, default_d = self.space.encode([configuration, self.space.default()])
        middle_d = np.zeros(x_d.size)
        for column in self.ordered:
            levels = self.space.levels_d[column]
            middle_d[column] = levels[levels.size // 2] if levels.size else 0.5
        return np.where(np.isnan(x_d), np.where(np.isnan(default_d), middle_d, default_d), x_d)


def coordinates_of(space: Space) -> Coordinates:
    """Return the coordinates of a space."""
    described = space.configuration_space
    conditions = {name: described.parent_conditions_of[name] for name in space.names}
    parents = {parent.name for name in space.names for parent in described.parents_of[name]}
    ordered = np.flatnonzero(~space.is_categorical_d)
    is_conditional = [bool(conditions[space.names[column]]) for column in ordered]
    return Coordinates(
        space=space,
        ordered=ordered,
        categorical=np.flatnonzero(space.is_categorical_d),
        conditional=np.flatnonzero(is_conditional),
        parents=np.array([i for i, name in enumerate(space.names) if name in parents], dtype=np.intp),
        activity_of_parents={},
    )
