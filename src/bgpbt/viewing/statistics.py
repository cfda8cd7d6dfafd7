"""Moved to `bgpbt.analysis.statistics`."""

from bgpbt.moved import moved

__getattr__ = moved(
    __name__,
    {
        "bgpbt.analysis.statistics": (
            "CONFIDENCE",
            "Interval",
            "Scores",
            "interquartile_mean",
            "interval_of",
            "performance_profile",
            "probability_of_improvement",
            "resample",
        )
    },
)
