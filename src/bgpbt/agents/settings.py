"""The settings of PPO that stay the same for a whole run, and the checks on them."""

from dataclasses import dataclass, field

from bgpbt import checks, envs
from bgpbt.agents.networks.architecture import PAPER_POLICY, PAPER_VALUE, Architecture, Architectures
from bgpbt.agents.ppo.distillation import DistillationSettings
from bgpbt.agents.ppo.hyperparameters import DEFAULTS, Hyperparameters
from bgpbt.agents.ppo.minibatch import SliceSize
from bgpbt.errors import InputError
from bgpbt.space import Space
from bgpbt.space.inputs import Categorical, Continuous, Ordered

__all__ = ["PPOSettings", "Ranges", "largest_architectures"]

LARGEST_SLICE_ON_CPU = 2560  # rows; their activations fit into a core's cache, and products run at full rate
LARGEST_SLICE_ON_ACCELERATOR = 8192  # rows of each member; fewer kernels are started, each for more work


@dataclass(frozen=True, slots=True, kw_only=True)
class PPOSettings:
    """What every member of the population has in common.

    Raises:
        InputError: the environment is unknown, or a count is not positive.
    """

    environment: str
    environments: int = 2048  # copies stepped together
    minibatches: int = 32  # in an iteration
    episode_length: int = 1000  # steps until an episode is truncated
    evaluation_episodes: int = 256
    evaluation_seed: int = 0  # start states and action noise of every member's score
    distillation: DistillationSettings = field(default_factory=DistillationSettings)
    architectures: Architectures = field(
        default_factory=lambda: Architectures(policy=PAPER_POLICY, value=PAPER_VALUE)
    )

    def __post_init__(self) -> None:
        envs.check_name(self.environment)
        for name in ("environments", "minibatches", "episode_length", "evaluation_episodes"):
            checks.at_least(name, getattr(self, name), 1)

    def unrolls_per_iteration(self, batch_size: int) -> int:
        """Return how many unrolls of every environment fill an iteration.

        Raises:
            InputError: the batch is not a whole number of them.
        """
        sequences = batch_size * self.minibatches
        if sequences % self.environments:
            raise InputError(
                f"batch_size = {batch_size} x minibatches = {self.minibatches} is {sequences} sequences, "
                f"which environments = {self.environments} does not divide; lower environments or raise "
                f"minibatches, so that it does"
            )
        return sequences // self.environments

    def one_unroll(self, space: Space) -> int:
        """Return the environment steps of the longest unroll that the space can propose."""
        return Ranges.of(space).largest_unroll * self.environments

    def validate(self, space: Space, t_ready: int) -> None:
        """Check the settings against all that the space can propose.

        Raises:
            InputError: a batch does not fit the environments, or `t_ready` is under one unroll.
        """
        ranges = Ranges.of(space)
        for batch_size in ranges.batch_sizes:
            self.unrolls_per_iteration(batch_size)
        one_unroll = self.one_unroll(space)
        if t_ready < one_unroll:
            raise InputError(
                f"t_ready = {t_ready} is less than one unroll of all environments "
                f"({ranges.largest_unroll} steps x {self.environments} environments = {one_unroll}); "
                f"raise t_ready or lower environments"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranges:
    """What a space can propose that sizes buffers."""

    batch_sizes: tuple[int, ...]  # sequences
    unroll_lengths: tuple[int, ...]  # steps

    @classmethod
    def of(cls, space: Space) -> "Ranges":
        """Return the ranges of a space; what it does not name has PPO's default."""
        return cls(batch_sizes=_levels(space, "batch_size"), unroll_lengths=_levels(space, "unroll_length"))

    @property
    def largest_batch(self) -> int:
        """Most sequences in a minibatch."""
        return max(self.batch_sizes)

    @property
    def largest_unroll(self) -> int:
        """Most steps in an unroll."""
        return max(self.unroll_lengths)

    def longest_rollout(self, settings: PPOSettings) -> int:
        """Return the most steps that an iteration takes in each environment."""
        return settings.unrolls_per_iteration(self.largest_batch) * self.largest_unroll

    def slice_sizes(self, *, accelerator: bool) -> tuple[SliceSize, ...]:
        """Return the slice sizes to compile in: powers of four of the smallest minibatch.

        The smallest minibatch then fills its slice, and the largest takes few slices.
        """
        largest = LARGEST_SLICE_ON_ACCELERATOR if accelerator else LARGEST_SLICE_ON_CPU
        shortest = min(self.unroll_lengths)
        steps = [max(min(self.batch_sizes) * shortest, self.largest_unroll)]
        while steps[-1] * 4 <= min(self.largest_batch * self.largest_unroll, largest):
            steps.append(steps[-1] * 4)
        return tuple(SliceSize(size, size // shortest) for size in steps)

    @property
    def stacked_slice(self) -> SliceSize:
        """Return the one slice size of a stack, which would compute every size for every member."""
        return self.slice_sizes(accelerator=True)[-1]

    def check(self, hyperparameters: Hyperparameters) -> None:
        """Refuse what the buffers were not made for.

        Raises:
            InputError: batch size or unroll length is beyond the space.
        """
        for name, value, largest in (
            ("batch_size", hyperparameters.batch_size, self.largest_batch),
            ("unroll_length", hyperparameters.unroll_length, self.largest_unroll),
        ):
            if value > largest:
                raise InputError(f"{name} = {value} is above {largest}, the largest in the space")


def largest_architectures(space: Space, default: Architectures) -> Architectures:
    """Return the smallest networks into which all fit that the space can propose.

    Raises:
        InputError: a depth or a width is not an integer input.
    """

    def largest(network: str, shape: Architecture) -> Architecture:
        names = space.configuration_space
        depth, width = f"{network}_depth", f"{network}_log2_width"
        return Architecture(
            depth=max(_levels(space, depth)) if depth in names else shape.depth,
            width=2 ** max(_levels(space, width)) if width in names else shape.width,
            spectral_norm=f"{network}_spectral_norm" in names or shape.spectral_norm,
        )

    return Architectures(policy=largest("policy", default.policy), value=largest("value", default.value))


def _levels(space: Space, name: str) -> tuple[int, ...]:
    """Return all values that an integer input can take."""
    if name in space.constants:
        return (int(space.constants[name]),)
    match next((item for item in space.inputs if item.name == name), None):
        case None:
            return (int(DEFAULTS[name]),)
        case Ordered(levels=values) | Categorical(choices=values):
            return tuple(int(value) for value in values)
        case Continuous(is_integer=True) as item:
            return tuple(range(int(item.low), int(item.high) + 1))
    raise InputError(f"{name} is a float; it must be an integer, ordinal, categorical or constant input")
