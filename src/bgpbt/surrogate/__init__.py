"""The Gaussian process, its trust region and its acquisition: NumPy and SciPy, float64, no JAX."""

from typing import TYPE_CHECKING

from bgpbt.lazy import exports
from bgpbt.surrogate.requests import Observation, PendingPoint, Suggestion, SuggestRequest, newest_rounds
from bgpbt.surrogate.settings import SurrogateSettings
from bgpbt.surrogate.trust_region import TrustRegion, start_region, update_region

if TYPE_CHECKING:
    from bgpbt.surrogate.smoothing import smoothed, standardised
    from bgpbt.surrogate.suggestion import restart_centre, suggest

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

# SciPy's optimisers and distances take a third of a second to import.
_MODULE_OF = {
    "restart_centre": "suggestion",
    "smoothed": "smoothing",
    "standardised": "smoothing",
    "suggest": "suggestion",
}

__getattr__ = exports(__name__, _MODULE_OF)
