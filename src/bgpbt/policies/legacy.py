"""The policies that the paper's authors published, as policies of ours.

They are PyTorch files of `custom_brax_train.ppo_torch.Agent`: a tanh-squashed normal over a SiLU network, as
ours. Their statistics of observations are a mean and a sum of squares over the number of steps plus one, with
variances of at least 1e-6. The files are pickles, so they are read with PyTorch's restricted loader, which
makes nothing but tensors, plain containers and the one class that is named below.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from bgpbt import envs
from bgpbt.agents import Architecture
from bgpbt.agents.networks import normaliser
from bgpbt.agents.networks.member import Policy
from bgpbt.agents.networks.squashed_normal import Box
from bgpbt.errors import InputError
from bgpbt.policies.description import PolicyDescription
from bgpbt.policies.policy import TrainedPolicy

__all__ = ["convert_policy", "read_legacy_policy"]

STATISTICS = ("num_steps", "running_mean", "running_variance")
SMALLEST_VARIANCE = 1e-6
EPISODE_LENGTH, EVALUATION_EPISODES = 1000, 256  # steps; the paper's episodes, and ours for a score

_LAYER = re.compile(r"policy\.(\d+)\.weight")
_ALLOWED = "custom_brax_train.utils.LinearSchedule"  # of the learning rate; nothing of it is used


class _Ignored:
    """Stands for a class whose content is not needed."""


def read_legacy_policy(path: Path | str, environment: str | None = None) -> TrainedPolicy:
    """Read a published policy.

    Args:
        path: the `.pt` file.
        environment: its task; None takes it from the file's name up to the first underscore.

    Raises:
        InputError: PyTorch is not installed, or the file is not such a policy.
    """
    path = Path(path)
    name = environment or path.name.split("_")[0]
    envs.check_name(name)
    if not path.is_file():
        raise InputError(f"{path}: there is no such file")
    return convert_policy(_load(path), name, source=f"{path}")


def convert_policy(
    content: Mapping[str, npt.NDArray[np.generic]], environment: str, *, source: str
) -> TrainedPolicy:
    """Return the policy of a published agent's arrays, by the names that PyTorch has for them.

    Raises:
        InputError: arrays are missing or do not fit the environment; the text begins with `source`.
    """
    missing = [name for name in STATISTICS if name not in content]
    if missing:
        raise InputError(f"{source} is not a published policy: it has no {', '.join(missing)}")
    layers = sorted(int(match[1]) for name in content if (match := _LAYER.fullmatch(name)))
    if len(layers) < 2:
        raise InputError(f"{source} is not a published policy: it has no hidden layer")
    parameters = tuple(
        {
            "kernel": jnp.asarray(content[f"policy.{layer}.weight"].T, jnp.float32),
            "bias": jnp.asarray(content[f"policy.{layer}.bias"], jnp.float32),
        }
        for layer in layers
    )
    task = envs.make(environment)
    sizes = [layer["kernel"].shape for layer in parameters]
    expected = (task.observation_size, Box(actuators=task.action_size).outputs)
    if (sizes[0][0], sizes[-1][1]) != expected or len({columns for _, columns in sizes[:-1]}) != 1:
        raise InputError(
            f"{source}: layers of {sizes} are not a policy of {environment}, which takes {expected}"
        )
    description = PolicyDescription(
        environment=environment,
        observation_size=task.observation_size,
        action_size=task.action_size,
        architecture=Architecture(depth=len(layers) - 1, width=sizes[0][1]),
        episode_length=EPISODE_LENGTH,
        evaluation_episodes=EVALUATION_EPISODES,
        score=None,  # the file does not say
        steps=int(content["num_steps"]),
        strategy="bgpbt (published by its authors)",
    )
    return TrainedPolicy(description=description, weights=Policy(parameters, (), _statistics(content)))


def _statistics(content: Mapping[str, npt.NDArray[np.generic]]) -> normaliser.Normaliser:
    count = np.float32(content["num_steps"]) + np.float32(1.0)
    variance_o = np.maximum(np.asarray(content["running_variance"], np.float32) / count, SMALLEST_VARIANCE)
    return normaliser.Normaliser(
        observation_count=jnp.asarray(count),
        mean_o=jnp.asarray(content["running_mean"], jnp.float32),
        squares_o=jnp.asarray(variance_o * count),
    )


def _load(path: Path) -> dict[str, npt.NDArray[np.generic]]:
    try:
        import torch
    except ModuleNotFoundError as error:
        raise InputError("torch is not installed; run pip install 'bgpbt[legacy]'") from error
    try:
        with torch.serialization.safe_globals([(_Ignored, _ALLOWED)]):
            content: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # PyTorch raises many kinds on what it will not read
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{path} is not a published policy: {reason}") from error
    if not isinstance(content, dict) or not isinstance(content.get("agent"), dict):
        raise InputError(f"{path} is not a published policy: it has no agent")
    # Some files have the statistics beside the agent, some in it.
    tensors = {name: content[name] for name in STATISTICS if name in content} | dict(content["agent"])
    return {name: tensor.numpy() for name, tensor in tensors.items() if isinstance(tensor, torch.Tensor)}
