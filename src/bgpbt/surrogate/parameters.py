"""The hyperparameters as one unconstrained vector, their weak priors and their bounds.

The vector theta holds, in this order: log lengthscales (one for each group of features), log overlaps, logit
of the mixing, log of the forgetting rate -log(1 - eps), log signal variance, log noise variance. Mixing and
overlaps are left out where the points have no categories, lengthscales and mixing where they have no
features. Each coordinate has a normal prior, wide enough that a dozen points outweigh it: it holds back what
the data say nothing about. Targets are Gaussian ranks, so their variance is near 1.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from bgpbt.arrays import Floats
from bgpbt.surrogate.kernels import Hyperparameters

__all__ = ["FIXED_LENGTHSCALE", "Layout", "from_theta"]

FIXED_LENGTHSCALE = 1.8  # where the released code's untrained lengthscales lie: between 1.6 and 2


@dataclass(frozen=True)
class Layout:
    """Which coordinate of theta is what."""

    group_d: tuple[int, ...]  # which lengthscale each feature has
    categories: int
    fit_lengthscales: bool = True
    noise_prior: float = 0.3  # median of the noise variance's prior

    @cached_property
    def groups(self) -> int:
        """Number of lengthscales."""
        return max(self.group_d, default=-1) + 1

    @cached_property
    def is_mixed(self) -> bool:
        """Whether there are features and categories."""
        return self.groups > 0 and self.categories > 0

    @cached_property
    def lengthscales(self) -> slice:
        """The log lengthscales in theta."""
        return slice(0, self.groups)

    @cached_property
    def overlaps(self) -> slice:
        """The log overlaps in theta."""
        return slice(self.groups, self.groups + self.categories)

    @property
    def size(self) -> int:
        """Length of theta."""
        return self.groups + self.categories + self.is_mixed + 3

    @cached_property
    def prior_mean_p(self) -> Floats:
        """Means of the priors."""
        # Lengthscales are short as chosen on Hartmann-6 and a mixed Ackley function: a median of
        # sqrt(dimension) / 2 left more regret after 100 evaluations, on the former ten times as much.
        lengthscale = 0.5 if self.fit_lengthscales else FIXED_LENGTHSCALE
        return self._vector(
            lengthscale=math.log(lengthscale), rate=math.log(0.05), noise=math.log(self.noise_prior)
        )

    @cached_property
    def prior_deviation_p(self) -> Floats:
        """Standard deviations of the priors."""
        return self._vector(lengthscale=1.0, overlap=1.0, mixing=1.5, rate=1.5, signal=1.0, noise=1.0)

    @cached_property
    def bounds(self) -> tuple[Floats, Floats]:
        """Lowest and highest theta."""
        low_p = self._vector(-4.5, overlap=-4.0, mixing=-6.0, rate=-9.0, signal=-4.0, noise=math.log(1e-8))
        high_p = self._vector(5.0, overlap=4.0, mixing=6.0, rate=1.6, signal=4.0, noise=1.0)
        if not self.fit_lengthscales:
            low_p[self.lengthscales] = high_p[self.lengthscales] = math.log(FIXED_LENGTHSCALE)
        return low_p, high_p

    def _vector(
        self,
        lengthscale: float,
        *,
        rate: float,
        noise: float,
        overlap: float = 0.0,
        mixing: float = 0.0,
        signal: float = 0.0,
    ) -> npt.NDArray[np.float64]:
        parts = [lengthscale] * self.groups + [overlap] * self.categories + [mixing] * self.is_mixed
        return np.array([*parts, rate, signal, noise])


def from_theta(theta_p: Floats, layout: Layout) -> Hyperparameters:
    """Return the hyperparameters that theta stands for."""
    lengthscale_g = np.exp(theta_p[layout.lengthscales])
    return Hyperparameters(
        lengthscale_d=lengthscale_g[list(layout.group_d)] if layout.group_d else np.zeros(0),
        overlap_c=np.exp(theta_p[layout.overlaps]),
        mixing=float(expit(theta_p[-4])) if layout.is_mixed else 0.0,
        forgetting=-math.expm1(-math.exp(theta_p[-3])),
        signal_variance=math.exp(theta_p[-2]),
        noise_variance=math.exp(theta_p[-1]),
    )
