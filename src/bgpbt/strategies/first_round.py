"""How long the first rounds of IPBT are: a share of a member's steps, whatever `t_ready` was."""

from dataclasses import replace

from bgpbt.errors import InputError
from bgpbt.strategies.settings import PopulationSettings

__all__ = ["FIRST_ROUND", "with_first_round"]

FIRST_ROUND = 0.01
"""Length of the first rounds, as a share of a member's environment steps."""


def with_first_round(settings: PopulationSettings, share: float) -> PopulationSettings:
    """Return settings whose rounds begin with a share of a member's steps, whatever `t_ready` was.

    Raises:
        InputError: the share is not allowed.
    """
    if not 0.0 < share <= 1.0:
        raise InputError(f"first_round = {share} must be above 0 and at most 1, a share of max_timesteps")
    return replace(settings, t_ready=max(1, round(share * settings.max_timesteps)), t_ready_end=None)
