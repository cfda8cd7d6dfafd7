"""What an agent's actions are: the distribution that its policy network gives, and how actions are stored.

Rollout, loss and evaluation know this protocol alone. A box of numbers
(`bgpbt.agents.networks.squashed_normal`) and a set of choices (`bgpbt.agents.networks.categorical`) implement
it. The environment decides which one is compiled in.

Symbols: b batch, l outputs of the policy network, k numbers that store an action.
"""

from collections.abc import Mapping
from typing import Any, Protocol, Self

import jax

from bgpbt.agents.networks.categorical import Discrete
from bgpbt.agents.networks.squashed_normal import Box
from bgpbt.envs.protocol import Environment
from bgpbt.errors import InputError

__all__ = ["ActionSpace", "Distribution", "check_metadata", "metadata_of", "space_named", "space_of"]

_METADATA_NAME = "action_distribution"


class Distribution(Protocol):
    """Distributions of a batch of actions; a pytree. Actions are as they are stored: (b, k)."""

    def sample(self, key: jax.Array, /) -> jax.Array:
        """Draw actions."""
        ...

    def mode(self) -> jax.Array:
        """Return the actions of a deterministic policy."""
        ...

    def log_prob(self, action_bk: jax.Array, /) -> jax.Array:
        """Return the logarithm of the actions' density or probability: (b,)."""
        ...

    def entropy(self, noise_bn: jax.Array, /) -> jax.Array:
        """Return an unbiased estimate of the entropy in nats from the space's noise: (b,)."""
        ...

    def kl_divergence(self, student: Self, /) -> jax.Array:
        """Return KL(self || student) in nats: (b,)."""
        ...


class ActionSpace(Protocol):
    """One kind of actions, of one size; static in every program."""

    @property
    def name(self) -> str:
        """The distribution's name in files."""
        ...

    @property
    def outputs(self) -> int:
        """Outputs of the policy network."""
        ...

    @property
    def output_scale(self) -> float:
        """Factor on the last layer of a new policy network."""
        ...

    @property
    def columns(self) -> int:
        """Numbers that store an action."""
        ...

    @property
    def noise_columns(self) -> int:
        """Numbers of noise that a step's entropy takes."""
        ...

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of an action that the environment takes."""
        ...

    def from_logits(self, logits_bl: jax.Array, /) -> Any:  # a `Distribution` of the space's own type
        """Return the distributions that outputs of the policy network stand for."""
        ...

    def noise(self, key: jax.Array, batch: int, /) -> jax.Array:
        """Draw the noise of a batch of entropies: (b, noise_columns)."""
        ...

    def performed(self, action_bk: jax.Array, /) -> jax.Array:
        """Return stored actions as the environment takes them: (b, *shape)."""
        ...


def space_of(environment: Environment) -> ActionSpace:
    """Return the action space of an environment."""
    if getattr(environment, "discrete_actions", False):
        return Discrete(choices=environment.action_size)
    return Box(actuators=environment.action_size)


def space_named(name: str, size: int) -> ActionSpace:
    """Return the action space of a distribution's name and a number of actuators or choices.

    Raises:
        InputError: there is no such distribution.
    """
    match name:
        case Box.name:
            return Box(actuators=size)
        case Discrete.name:
            return Discrete(choices=size)
    raise InputError(
        f"action distribution {name!r} is not known; there are {Box.name!r} and {Discrete.name!r}"
    )


def metadata_of(space: ActionSpace) -> Mapping[str, str]:
    """Return what a checkpoint says of its actions.

    A box is not named, since it was the only space once: its checkpoints are the same bytes as ever.
    """
    return {} if space.name == Box.name else {_METADATA_NAME: space.name}


def check_metadata(metadata: Mapping[str, str], environment: Environment, *, source: str) -> None:
    """Check that a checkpoint's agent acts as the environment takes it.

    Raises:
        InputError: it does not: an older version trained it when discrete tasks had no categorical policy.
    """
    stored, expected = metadata.get(_METADATA_NAME, Box.name), space_of(environment).name
    if stored != expected:
        raise InputError(
            f"{source} acts with the distribution {stored!r}, but {environment.name} now takes {expected!r}: "
            f"start a new run, or continue with the version of bgpbt that began this one"
        )
