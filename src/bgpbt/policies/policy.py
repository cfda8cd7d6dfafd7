"""A trained policy, apart from the run it was trained in: to act with, to write to a file, to read back.

The file is a safetensors file of the acting network, its spectral vectors and the observations' statistics.
Its metadata hold the description as JSON and a digest of both, so that equal policies are equal files and a
changed byte is noticed. See docs/policies.md for the names of the arrays.
"""

import hashlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from bgpbt import envs
from bgpbt.agents.networks import normaliser, perceptron
from bgpbt.agents.networks.action_space import ActionSpace, space_of
from bgpbt.agents.networks.member import Policy, arrays_of, restore
from bgpbt.agents.ppo.rollout import distribution_of
from bgpbt.encoding import decode, encode
from bgpbt.envs import Environment
from bgpbt.errors import DamagedRunError, InputError
from bgpbt.policies.description import PolicyDescription
from bgpbt.storage.files import naming_file, write_durably
from bgpbt.storage.safetensors_format import from_bytes, to_bytes

__all__ = ["TrainedPolicy", "actions_of", "blank_weights", "environment_of", "read_policy", "write_policy"]

FORMAT, FORMAT_VERSION = "bgpbt-policy", "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedPolicy:
    """Weights and what they are."""

    description: PolicyDescription
    weights: Policy

    def act(
        self, observation: npt.ArrayLike, key: jax.Array | None = None
    ) -> npt.NDArray[np.float32] | npt.NDArray[np.int32]:
        """Return actions for one observation (o,) or for a batch (b, o).

        An action of a box is (a,), in [-1, 1]; a discrete one is the number of a choice, int32 of shape ().

        Args:
            observation: as the environment gives it; it is normalised here.
            key: JAX random key to sample the action with, as in training; None takes the tanh of the mean, or
                the most likely choice.

        Raises:
            InputError: the observation has another length than the policy's.
        """
        observation_bo = jnp.atleast_2d(jnp.asarray(observation, jnp.float32))
        expected = self.description.observation_size
        if observation_bo.ndim != 2 or observation_bo.shape[1] != expected:
            raise InputError(
                f"the policy takes observations of length {expected}, got {np.shape(observation)}"
            )
        actions = self.description.actions
        action_ba = _actions_of(actions, self.weights, observation_bo, key)
        return np.asarray(action_ba).reshape((*np.shape(observation)[:-1], *actions.shape))


def blank_weights(description: PolicyDescription) -> Policy:
    """Return shapes and types of a policy's weights, as `jax.ShapeDtypeStruct`s."""
    shapes: Policy = jax.eval_shape(partial(_fresh, description))
    return shapes


def environment_of(description: PolicyDescription) -> Environment:
    """Make the environment that a policy acts in.

    Raises:
        InputError: it is not installed, or it takes other actions than the policy's.
    """
    environment = envs.make(description.environment)
    if description.actions != space_of(environment):
        raise InputError(
            f"the policy's actions are {description.actions}, "
            f"but {description.environment} takes {space_of(environment)}"
        )
    return environment


def write_policy(policy: TrainedPolicy, path: Path | str) -> None:
    """Write a policy as one file, replacing what has its name; the file is complete or not there at all.

    Raises:
        StorageError: the file cannot be written.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise InputError(f"{path.parent}: there is no such directory")
    write_durably(path, _to_file(arrays_of(policy.weights), encode(policy.description)))


def read_policy(path: Path | str) -> TrainedPolicy:
    """Read a policy that `write_policy` wrote.

    Raises:
        InputError: there is no file, or it is no policy, or one of a newer format.
        DamagedRunError: the file is damaged.
        StorageError: the file cannot be read.
    """
    path = Path(path)
    with naming_file(path):
        if not path.is_file():
            raise InputError(f"{path}: there is no such file")
        content = path.read_bytes()
    try:
        arrays, metadata = from_bytes(content)
    except Exception as error:  # the library and JSON raise whatever a broken header leads to
        raise InputError(f"{path} is not a policy: it does not read as a safetensors file") from error
    if metadata.get("format") != FORMAT:
        raise InputError(
            f"{path} is not a policy, but another safetensors file; write one with bgpbt policy RUN"
        )
    if metadata.get("format_version") != FORMAT_VERSION:
        raise InputError(
            f"{path}: policy format {metadata.get('format_version')}; this bgpbt reads {FORMAT_VERSION}"
        )
    if _to_file(arrays, metadata.get("description", "")) != content:
        raise DamagedRunError(f"{path}: the content does not match its digest; the file is damaged")
    description = _description(metadata["description"], path)
    return TrainedPolicy(
        description=description, weights=restore(blank_weights(description), arrays, source=f"{path}")
    )


def _description(text: str, path: Path) -> PolicyDescription:
    try:
        return decode(PolicyDescription, text)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    except Exception as error:  # the converter raises groups of whatever went wrong inside
        raise InputError(f"{path}: the description is not one this version of bgpbt can read") from error


def _to_file(arrays: dict[str, npt.NDArray[np.generic]], description: str) -> bytes:
    metadata = {"format": FORMAT, "format_version": FORMAT_VERSION, "description": description}
    digest = hashlib.sha256(to_bytes(arrays, metadata)).hexdigest()
    return to_bytes(arrays, metadata | {"digest": digest})


def _fresh(description: PolicyDescription) -> Policy:
    parameters, spectral = perceptron.initialise(
        np.random.default_rng(0),
        description.architecture,
        description.observation_size,
        description.actions.outputs,
    )
    return Policy(parameters, spectral, normaliser.fresh(description.observation_size))


def actions_of(
    actions: ActionSpace, weights: Policy, observation_bo: jax.Array, key: jax.Array | None
) -> jax.Array:
    """Return actions as the environment takes them: sampled with the key, or without one deterministic."""
    distribution = distribution_of(actions, weights, observation_bo)
    return actions.performed(distribution.mode() if key is None else distribution.sample(key))


_actions_of = jax.jit(actions_of, static_argnums=0)
