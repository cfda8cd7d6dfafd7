"""Weights part of the way back to new ones: what was learnt still helps, and can be left again.

Ash and Adams (2020), "On Warm-Starting Neural Network Training", section 4: keep x old + fresh x new, element
by element, for kernels and biases of both networks.
"""

import jax
import numpy as np
import numpy.typing as npt

from bgpbt.agents.networks.member import Member, optimiser_at_rest

__all__ = ["shrunk_and_perturbed"]

Floats32 = npt.NDArray[np.float32]


def shrunk_and_perturbed(old: Member, new: Member, *, keep: float, fresh: float) -> Member:
    """Return the old member with `keep` of its weights plus `fresh` of the new one's, its optimiser at rest.

    Both have the same architectures. Singular vectors, normaliser and environments continue.
    """
    parameters = jax.tree.map(
        lambda old_leaf, new_leaf: _blend(np.asarray(old_leaf), np.asarray(new_leaf), keep, fresh),
        old.parameters,
        new.parameters,
    )
    return old._replace(parameters=parameters, optimiser=optimiser_at_rest(parameters))


def _blend(old: Floats32, new: Floats32, keep: float, fresh: float) -> Floats32:
    kept: Floats32 = np.float32(keep) * old
    # Without new weights nothing is added: -0.0 + 0.0 is 0.0, another byte.
    return kept + np.float32(fresh) * new if fresh else kept
