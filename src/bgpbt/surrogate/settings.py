"""The switches and numbers of the surrogate, its trust region and its acquisition.

Defaults are those of Wan et al. (2022), section 3 and appendix, unless a comment says otherwise. The switches
turn single parts back to what the released code of that paper did.
"""

import math
from dataclasses import dataclass

from bgpbt import checks
from bgpbt.errors import InputError

__all__ = ["SurrogateSettings"]

_CHOICES = {
    "lengthscales": ("ard", "shared"),
    "restart": ("guided", "random"),
    "pending": ("continuing", "none"),
    "success": ("proposal", "lineage"),
    "acquisition": ("adaptive", "converged", "sign", "thompson"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SurrogateSettings:
    """How to model the data and to search the model.

    Raises:
        InputError: a value is outside its range; the text names it.
    """

    # Switches.
    fit_lengthscales: bool = (
        True  # False: lengthscales stay at 1.8, as they in effect did in the released code
    )
    lengthscales: str = "ard"  # "ard": one for each input; "shared": one for all
    categorical_region: bool = True  # False: any number of categories may change
    restart: str = "guided"  # "guided": by the auxiliary global model; "random"
    pending: str = "continuing"  # "continuing": condition on all members that go on; "none"
    copula: bool = True  # False: targets are standardised, as suits a smooth function without noise
    # What the region counts as a success: that the best member of a round has a configuration which the model
    # proposed for that round ("proposal"), or for any until then, as in the paper ("lineage"). After some
    # rounds the latter holds for every member, and the region grows until it is the whole space.
    success: str = "proposal"
    # "adaptive": "converged" where the model has skill (`bgpbt.surrogate.skill`), else "thompson";
    # "converged": the upper bound's maximum by line-searched gradients; "sign": by fixed steps of 0.1;
    # "thompson": the maximum of a function drawn from the model, over random points of the region.
    acquisition: str = "adaptive"

    # Acquisition.
    ucb_beta: float = 2.0  # the bound is mean + sqrt(beta) * standard deviation; our choice
    candidates: int = 512  # random points of the region that compete to be starts
    starts: int = 24  # starts that are searched from, all at once

    # Fit.
    fit_starts: int = 3  # optimisations of the marginal likelihood
    # Median of the noise variance's prior, where targets have variance 1. How returns improve in a round is
    # mostly luck: with 0.3 the model of one round predicts the next better than with 0.01 (docs/study.md).
    noise_prior: float = 0.3
    # Newest observations that are kept: whole rounds, three at least. A fit costs the cube of their number,
    # so beyond half of it a fit starts from the last one alone.
    most_points: int = 200

    # Trust region, in coordinates of [0, 1].
    initial_length: float = 0.4
    minimum_length: float = 0.15  # falling to it restarts the region
    maximum_length: float = 1.0
    initial_categorical_length: float = 1.0  # normalised Hamming distance
    minimum_categorical_length: float = 0.1
    maximum_categorical_length: float = 1.0
    length_factor: float = 1.5
    successes_to_grow: int = 3
    failures_to_shrink: int = 10

    def __post_init__(self) -> None:
        for name, allowed in _CHOICES.items():
            checks.one_of(name, getattr(self, name), allowed)
        for name in ("candidates", "starts", "fit_starts", "successes_to_grow", "failures_to_shrink"):
            checks.at_least(name, getattr(self, name), 1)
        checks.at_least("most_points", self.most_points, 2)
        checks.require(0 <= self.ucb_beta < math.inf, "ucb_beta", self.ucb_beta, "finite, 0 or more")
        checks.within("noise_prior", self.noise_prior, 1e-8, 1)
        is_growing = 1 < self.length_factor < math.inf
        checks.require(is_growing, "length_factor", self.length_factor, "finite and above 1")
        self._check_lengths("")
        self._check_lengths("categorical_")

    def _check_lengths(self, kind: str) -> None:
        low, start, high = (getattr(self, f"{end}_{kind}length") for end in ("minimum", "initial", "maximum"))
        if not 0 < low <= start <= high <= 1:
            raise InputError(
                f"need 0 < minimum_{kind}length <= initial_{kind}length <= maximum_{kind}length <= 1, "
                f"got {low}, {start} and {high}"
            )
