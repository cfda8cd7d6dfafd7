"""What the model says of configurations at one context and time: of a given member, in the coming round.

Symbols: n points; d searched inputs.
"""

from dataclasses import dataclass

import numpy as np

from bgpbt.arrays import Floats
from bgpbt.surrogate import gp
from bgpbt.surrogate.coordinates import Coordinates
from bgpbt.surrogate.kernels import Points

__all__ = ["Forecast"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """A model as a function of complete coordinates of the space, (n, d), all else held fixed."""

    model: gp.Posterior
    coordinates: Coordinates
    context: float  # scaled score before the round
    time: float  # rounds

    def marginals(self, x_nd: Floats) -> tuple[Floats, Floats]:
        """Return mean and variance of the noise-free function: (n,), (n,)."""
        return gp.predict(self.model, self._points(self.coordinates.with_activity(x_nd)))

    def joint(self, x_nd: Floats) -> tuple[Floats, Floats]:
        """Return mean and covariance of the noise-free function at points taken together: (n,), (n, n)."""
        return gp.joint(self.model, self._points(self.coordinates.with_activity(x_nd)))

    def with_slopes(self, x_nd: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Return mean, variance and their gradients: (n,), (n,), (n, d), (n, d).

        Gradients are 0 by categories and inactive inputs.
        """
        active_nd = self.coordinates.with_activity(x_nd)
        mean_n, variance_n, mean_nf, variance_nf = gp.predict_with_slopes(self.model, self._points(active_nd))
        is_inactive_nd = np.isnan(active_nd)

        def slopes(slope_nf: Floats) -> Floats:
            return np.where(is_inactive_nd, 0.0, self.coordinates.slopes(active_nd, slope_nf))

        return mean_n, variance_n, slopes(mean_nf), slopes(variance_nf)

    def _points(self, active_nd: Floats) -> Points:
        n = len(active_nd)
        return self.coordinates.points(active_nd, np.full(n, self.context), np.full(n, self.time))
