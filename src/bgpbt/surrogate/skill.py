"""How far a model can be trusted with configurations: what it predicts that context and time alone do not.

How fast a member improves is in good part a matter of where it stands and how old it is, which says nothing
about what to try next.
"""

import numpy as np

from bgpbt.arrays import Floats
from bgpbt.surrogate.fit import fit
from bgpbt.surrogate.gp import Posterior, leave_one_out_residuals, posterior
from bgpbt.surrogate.kernels import Points
from bgpbt.surrogate.parameters import Layout, from_theta

__all__ = ["skill_of"]


def skill_of(model: Posterior, y_n: Floats, layout: Layout) -> float:
    """Return the share of what context and time leave open that the configurations explain: at most 1.

    That is one minus the ratio of squared leave-one-out residuals, of the model of targets (n,) and of one
    that does not know the configurations. It is negative where knowing them makes predictions worse.
    """
    context_layout = Layout((0,), 0, layout.fit_lengthscales, layout.noise_prior)
    context = _without_configurations(model.points)
    # A single start, at the mean of the priors, takes no random number.
    theta_p = fit(context, y_n, context_layout, np.random.default_rng(0), starts=1)
    blind = posterior(context, y_n, from_theta(theta_p, context_layout))
    left_open = float(np.sum(leave_one_out_residuals(blind) ** 2))
    return 1.0 - float(np.sum(leave_one_out_residuals(model) ** 2)) / left_open


def _without_configurations(points: Points) -> Points:
    """Return the points with their last feature, the context, alone."""
    return Points(
        features_nd=points.features_nd[:, -1:],
        categories_nc=points.categories_nc[:, :0],
        time_n=points.time_n,
    )
