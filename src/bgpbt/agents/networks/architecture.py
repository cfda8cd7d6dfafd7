"""The shape of a policy or value network, as the optimiser proposes it.

Wan et al. (2022), section 4: depth 1 to 5, log2 width 5 to 8 and spectral normalisation, for the policy
and the value network separately.
"""

from dataclasses import dataclass

from bgpbt import checks
from bgpbt.records import Configuration

__all__ = ["PAPER_POLICY", "PAPER_VALUE", "Architecture", "Architectures", "architectures_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """A multilayer perceptron: `depth` hidden layers of `width` units.

    Raises:
        InputError: depth or width is not positive.
    """

    depth: int
    width: int
    spectral_norm: bool = False  # divide hidden kernels by their largest singular value

    def __post_init__(self) -> None:
        checks.at_least("a network's depth", self.depth, 1)
        checks.at_least("a network's width", self.width, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Architectures:
    """The two networks of an actor-critic agent."""

    policy: Architecture
    value: Architecture


PAPER_POLICY = Architecture(depth=4, width=32)
"""Policy network where architectures are not searched (Wan et al., 2022, appendix on PPO)."""

PAPER_VALUE = Architecture(depth=5, width=256)
"""Value network where architectures are not searched."""


def architectures_of(configuration: Configuration, default: Architectures) -> Architectures:
    """Return the networks a configuration names; what it does not name is as in `default`.

    The names are `policy_depth`, `policy_log2_width`, `policy_spectral_norm` and the same with `value_`.
    """
    return Architectures(
        policy=_architecture_of(configuration, "policy", default.policy),
        value=_architecture_of(configuration, "value", default.value),
    )


def _architecture_of(configuration: Configuration, network: str, default: Architecture) -> Architecture:
    log2_width = configuration.get(f"{network}_log2_width")
    return Architecture(
        depth=int(configuration.get(f"{network}_depth", default.depth)),
        width=default.width if log2_width is None else 2 ** int(log2_width),
        spectral_norm=bool(configuration.get(f"{network}_spectral_norm", default.spectral_norm)),
    )
