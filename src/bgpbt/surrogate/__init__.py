"""The Gaussian process, its trust region and its acquisition: NumPy and SciPy, float64, no JAX."""

from bgpbt.surrogate.requests import Observation, PendingPoint, Suggestion, SuggestRequest, newest_rounds
from bgpbt.surrogate.settings import SurrogateSettings
from bgpbt.surrogate.smoothing import smoothed, standardised
from bgpbt.surrogate.suggest import restart_centre, suggest
from bgpbt.surrogate.trust_region import TrustRegion, start_region, update_region

__all__ = [
    "Observation",
    "PendingPoint",
    "SuggestRequest",
    "Suggestion",
    "SurrogateSettings",
    "TrustRegion",
    "newest_rounds",
    "restart_centre",
    "smoothed",
    "standardised",
    "start_region",
    "suggest",
    "update_region",
]
