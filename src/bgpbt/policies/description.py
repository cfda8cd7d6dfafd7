"""What a policy file says of its weights: enough to act, and to know where they come from."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bgpbt.agents.networks.action_space import ActionSpace, space_named
from bgpbt.agents.networks.architecture import Architecture
from bgpbt.agents.networks.squashed_normal import Box
from bgpbt.errors import InputError
from bgpbt.records import Configuration

__all__ = ["PolicyDescription"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyDescription:
    """Everything about a policy but its weights.

    Raises:
        InputError: it names a distribution or an activation that this version cannot act with.
    """

    environment: str
    observation_size: int
    action_size: int  # actuators, or choices
    architecture: Architecture
    activation: str = "silu"
    action_distribution: str = Box.name  # or `Discrete.name`
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
        space_named(self.action_distribution, self.action_size)
        if self.activation != "silu":
            raise InputError(f"activation {self.activation!r} is not known; there is 'silu'")

    @property
    def actions(self) -> ActionSpace:
        """The policy's action space."""
        return space_named(self.action_distribution, self.action_size)
