"""Moved to `bgpbt.analysis.collection`."""

from bgpbt.moved import moved

__getattr__ = moved(
    __name__,
    {"bgpbt.analysis.collection": ("Curve", "RunRecord", "common_grid", "read_runs")},
)
