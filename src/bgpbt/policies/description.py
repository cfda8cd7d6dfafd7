"""What a policy file says of its weights: enough to act, and to know where they come from."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bgpbt.agents.architecture import Architecture
from bgpbt.errors import InputError
from bgpbt.records import Configuration

__all__ = ["ACTION_DISTRIBUTION", "PolicyDescription"]

ACTION_DISTRIBUTION = "tanh_normal"
"""A normal squashed by tanh: the network gives its means, then its scales before softplus plus 0.001."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyDescription:
    """Everything about a policy but its weights.

    Raises:
        InputError: it names a distribution or an activation that this version cannot act with.
    """

    environment: str
    observation_size: int
    action_size: int
    architecture: Architecture
    activation: str = "silu"
    action_distribution: str = ACTION_DISTRIBUTION
    observation_clip: float = 5.0  # standard deviations; observations are normalised, then clipped
    episode_length: int  # environment steps until an episode is cut
    evaluation_episodes: int  # episodes that are run together when it is scored
    score: float | None  # mean return in selection, the best of many, so optimistic; None: it is not known
    score_standard_error: float | None = None
    steps: int | None = None  # environment steps behind the weights
    strategy: str | None = None
    seed: int | None = None  # of the run
    round: int | None = None
    member: int | None = None
    checkpoint: str | None = None  # SHA-256 of the checkpoint it was taken from
    configuration: Configuration = field(default_factory=dict)  # hyperparameters of its last interval
    versions: Mapping[str, str] = field(default_factory=dict)  # package to version, of the run

    def __post_init__(self) -> None:
        if self.action_distribution != ACTION_DISTRIBUTION or self.activation != "silu":
            raise InputError(
                f"a policy with activation {self.activation!r} and action distribution "
                f"{self.action_distribution!r} cannot be used; "
                f"this version knows 'silu' and {ACTION_DISTRIBUTION!r}"
            )
