"""All that an agent of Stable-Baselines3 has learnt, as named arrays, and back; nothing is pickled.

Kept are the networks with their targets, the optimisers' moments, the statistics of `VecNormalize`, the
replay buffer as far as it is filled, and the counters by which schedules and delayed updates go. Not kept are
hyperparameters, which every order brings, and running episodes: Gymnasium's environments cannot be stored.
"""

import functools
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.buffers import NStepReplayBuffer, ReplayBuffer
from stable_baselines3.common.running_mean_std import RunningMeanStd

from bgpbt.errors import InputError
from bgpbt.trainers.job import TrainerError

__all__ = ["arrays_of", "restore"]

Arrays = dict[str, npt.NDArray[Any]]

_COUNTERS = ("num_timesteps", "_n_updates", "_episode_num", "_n_calls")
_REPLAYED = ("observations", "next_observations", "actions", "rewards", "dones", "timeouts")


def arrays_of(model: BaseAlgorithm) -> Arrays:
    """Return what an agent has learnt.

    Raises:
        InputError: its replay buffer is of a kind that is not known here.
    """
    arrays: Arrays = {}
    for name, part in _parts(model):
        if isinstance(part, torch.optim.Optimizer):
            arrays.update(_moments(name, part))
        else:
            arrays.update({f"{name}/{key}": _array(tensor) for key, tensor in part.state_dict().items()})
    for name, tensor in _variables(model):
        arrays[name] = _array(tensor)
    for name, statistics in _statistics(model):
        for field in ("mean", "var", "count"):
            arrays[f"{name}/{field}"] = np.array(getattr(statistics, field))
    for name in _COUNTERS:
        if hasattr(model, name):
            arrays[f"counters/{name}"] = np.array(getattr(model, name), dtype=np.int64)
    buffer = _replay_buffer(model)
    return arrays if buffer is None else arrays | _replayed(buffer)


def restore(model: BaseAlgorithm, arrays: Mapping[str, npt.NDArray[Any]], *, to_train: bool = True) -> None:
    """Give a new agent what another has learnt.

    Args:
        model: made with the hyperparameters that it is to have, and the same networks.
        arrays: from `arrays_of`.
        to_train: whether the agent will be trained further, and not only act.

    Raises:
        TrainerError: the networks are others.
    """
    for name, part in _parts(model):
        own = {key[len(name) + 1 :]: a for key, a in arrays.items() if key.startswith(f"{name}/")}
        if not isinstance(part, torch.optim.Optimizer):
            _restore_networks(part, own)
        elif to_train and own:  # none of an entropy coefficient that was fixed before
            _restore_moments(part, own)
    for name, tensor in _variables(model):
        if name in arrays:
            tensor.data.copy_(_tensor(arrays[name]))
    for name, statistics in _statistics(model):
        if f"{name}/mean" not in arrays:
            raise TrainerError(f"the checkpoint has no {name}: its agent was trained without normalisation")
        for field in ("mean", "var", "count"):
            setattr(statistics, field, arrays[f"{name}/{field}"].copy()[()])
    if to_train:
        _restore_training(model, arrays)


def _restore_training(model: BaseAlgorithm, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    for name in _COUNTERS:
        if hasattr(model, name):
            setattr(model, name, int(arrays[f"counters/{name}"]))
    buffer = _replay_buffer(model)
    if buffer is None:
        return
    rows = min(len(arrays["replay/rewards"]), buffer.buffer_size)
    for name in _REPLAYED:
        getattr(buffer, name)[:rows] = arrays[f"replay/{name}"][-rows:] if rows else ()
    buffer.pos, buffer.full = rows % buffer.buffer_size, rows == buffer.buffer_size


def _parts(model: BaseAlgorithm) -> Iterator[tuple[str, Any]]:
    """Yield the networks and optimisers by Stable-Baselines3's names, such as `policy.optimizer`."""
    for name in model._get_torch_save_params()[0]:
        yield name, functools.reduce(getattr, name.split("."), model)


def _variables(model: BaseAlgorithm) -> Iterator[tuple[str, torch.Tensor]]:
    """Yield learnt tensors outside of networks; SAC's fixed entropy coefficient is a hyperparameter."""
    for name in model._get_torch_save_params()[1]:
        if name != "ent_coef_tensor":
            yield name, getattr(model, name)


def _statistics(model: BaseAlgorithm) -> Iterator[tuple[str, RunningMeanStd]]:
    normaliser = model.get_vec_normalize_env()
    if normaliser is None:
        return
    observed = normaliser.obs_rms
    if isinstance(observed, dict):
        for key in sorted(observed):
            yield f"normaliser/observations/{key}", observed[key]
    else:
        yield "normaliser/observations", observed
    yield "normaliser/returns", normaliser.ret_rms


def _moments(name: str, optimiser: torch.optim.Optimizer) -> Arrays:
    """Return an optimiser's state by parameter; Python's numbers become arrays of 64 bits without axes."""
    moments: Arrays = {}
    for index, fields in optimiser.state_dict()["state"].items():
        for field, value in fields.items():
            if value is not None:
                array = _array(value) if isinstance(value, torch.Tensor) else np.array(value)
                moments[f"{name}/{index}/{field}"] = array
    return moments


def _restore_networks(module: torch.nn.Module, arrays: Arrays) -> None:
    try:
        module.load_state_dict({key: _tensor(array) for key, array in arrays.items()})
    except RuntimeError as error:
        raise TrainerError(f"the checkpoint is of an agent with other networks: {error}") from error


def _restore_moments(optimiser: torch.optim.Optimizer, arrays: Arrays) -> None:
    state: dict[int, dict[str, Any]] = {}
    for key, array in arrays.items():
        index, field = key.split("/")
        is_number = array.ndim == 0 and array.dtype.itemsize == 8
        state.setdefault(int(index), {})[field] = array.item() if is_number else _tensor(array)
    groups = optimiser.state_dict()["param_groups"]  # the order's learning rate, not that of the checkpoint
    optimiser.load_state_dict({"state": state, "param_groups": groups})


def _replay_buffer(model: BaseAlgorithm) -> ReplayBuffer | None:
    buffer = getattr(model, "replay_buffer", None)
    if buffer is None:
        return None
    if type(buffer) not in (ReplayBuffer, NStepReplayBuffer) or buffer.optimize_memory_usage:
        raise InputError(
            f"a {type(buffer).__name__} cannot be kept in a checkpoint: observations must be no dictionary, "
            f"and replay_buffer_class and optimize_memory_usage as they are by default"
        )
    return buffer


def _replayed(buffer: ReplayBuffer) -> Arrays:
    """Return the transitions, the oldest first; the last episodes count as cut off by a time limit."""
    arrays: Arrays = {}
    for name in _REPLAYED:
        array = getattr(buffer, name)
        arrays[f"replay/{name}"] = (
            np.roll(array, -buffer.pos, axis=0) if buffer.full else array[: buffer.pos].copy()
        )
    # The next order begins new episodes. A multi-step return must not run from one into the other.
    is_cut = arrays["replay/dones"][-1:] == 0
    arrays["replay/timeouts"][-1:][is_cut] = 1
    arrays["replay/dones"][-1:] = 1
    return arrays


def _array(tensor: torch.Tensor) -> npt.NDArray[Any]:
    array: npt.NDArray[Any] = tensor.detach().cpu().numpy().copy()
    return array


def _tensor(array: npt.NDArray[Any]) -> torch.Tensor:
    return torch.from_numpy(np.array(array))
