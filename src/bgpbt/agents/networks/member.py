"""Everything a member of the population carries from one order to the next, and its form on disk."""

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import optax

from bgpbt.agents.networks import normaliser, perceptron
from bgpbt.agents.networks.action_space import space_of
from bgpbt.agents.networks.architecture import Architectures
from bgpbt.contracts import Arrays
from bgpbt.envs.vector import StartStates, VectorEnvironment, VectorState
from bgpbt.errors import DamagedRunError

__all__ = [
    "ActorCritic",
    "Member",
    "Policy",
    "SpectralVectors",
    "arrays_of",
    "initialise_agent",
    "optimiser_at_rest",
    "restore",
]

Tree = TypeVar("Tree")


class ActorCritic(NamedTuple):
    """What gradient descent changes."""

    policy: perceptron.Parameters
    value: perceptron.Parameters


class SpectralVectors(NamedTuple):
    """Singular vectors of the normalised layers of both networks."""

    policy: perceptron.Spectral
    value: perceptron.Spectral


class Policy(NamedTuple):
    """What is needed to act: observation in, distribution over actions out."""

    parameters: perceptron.Parameters
    spectral: perceptron.Spectral
    normaliser: normaliser.Normaliser


class Member(NamedTuple):
    """A member in the middle of its training; a checkpoint holds all of it."""

    parameters: ActorCritic
    spectral: SpectralVectors
    optimiser: optax.ScaleByAdamState
    normaliser: normaliser.Normaliser
    environments: VectorState

    @property
    def policy(self) -> Policy:
        """The part that acts."""
        return Policy(self.parameters.policy, self.spectral.policy, self.normaliser)


def initialise_agent(
    rng: np.random.Generator,
    architectures: Architectures,
    environment: VectorEnvironment,
    starts: StartStates,
) -> Member:
    """Return a member with new networks, an optimiser at rest and no observation seen, on the host."""
    observations = environment.environment.observation_size
    actions = space_of(environment.environment)
    policy, policy_spectral = perceptron.initialise(
        rng, architectures.policy, observations, actions.outputs, output_scale=actions.output_scale
    )
    value, value_spectral = perceptron.initialise(rng, architectures.value, observations, 1)
    parameters = ActorCritic(policy, value)
    return Member(
        parameters=parameters,
        spectral=SpectralVectors(policy_spectral, value_spectral),
        optimiser=optimiser_at_rest(parameters),
        normaliser=normaliser.fresh(observations),
        environments=environment.reset(starts),
    )


def optimiser_at_rest(parameters: ActorCritic) -> optax.ScaleByAdamState:
    """Return what `optax.scale_by_adam().init` does, of NumPy's arrays, for which nothing is compiled."""
    count: Any = np.zeros((), np.int32)
    mu, nu = (jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), parameters) for _ in range(2))
    return optax.ScaleByAdamState(count=count, mu=mu, nu=nu)


def arrays_of(tree: Any) -> dict[str, npt.NDArray[np.generic]]:
    """Return a tree's leaves by their path, such as `parameters.policy.0.kernel`."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
    return {_name(path): np.asarray(leaf) for path, leaf in leaves}


def restore(template: Tree, arrays: Arrays, *, source: str) -> Tree:
    """Return a tree like `template` (arrays or their shapes) with the leaves that `arrays_of` named.

    Raises:
        DamagedRunError: a leaf is missing or has another shape or type.
    """
    restored: Tree = jax.tree_util.tree_map_with_path(
        lambda path, leaf: _leaf(arrays, _name(path), leaf, source), template
    )
    return restored


def _leaf(arrays: Mapping[str, Any], name: str, expected: Any, source: str) -> npt.NDArray[np.generic]:
    leaf: npt.NDArray[np.generic] | None = arrays.get(name)
    if leaf is None:
        raise DamagedRunError(f"{source} has no array {name}")
    if leaf.shape != expected.shape or leaf.dtype != expected.dtype:
        raise DamagedRunError(
            f"{source}: {name} is {leaf.dtype}{list(leaf.shape)}, "
            f"expected {jnp.dtype(expected.dtype)}{list(expected.shape)}"
        )
    return leaf


def _name(path: tuple[Any, ...]) -> str:
    return jax.tree_util.keystr(path, simple=True, separator=".")
