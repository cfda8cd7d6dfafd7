"""Policies on their own: taken from a run, kept in a file, scored, acted with, looked at."""

from bgpbt.policies.description import PolicyDescription
from bgpbt.policies.extraction import best_policy
from bgpbt.policies.legacy import convert_policy, read_legacy_policy
from bgpbt.policies.policy import TrainedPolicy, read_policy, write_policy
from bgpbt.policies.scoring import QUANTILES, PolicyScore, score_policy

__all__ = [
    "QUANTILES",
    "PolicyDescription",
    "PolicyScore",
    "TrainedPolicy",
    "best_policy",
    "convert_policy",
    "read_legacy_policy",
    "read_policy",
    "score_policy",
    "write_policy",
]
