"""Moved to `bgpbt.ray.round_time`."""

from bgpbt.moved import moved

__getattr__ = moved(
    __name__,
    {"bgpbt.ray.round_time": ("Cluster", "predicted_seconds", "simulated_seconds")},
)
