"""Published policies act as their authors' code has them act."""

import itertools
from pathlib import Path

import numpy as np
import pytest

from bgpbt import envs
from bgpbt.errors import InputError
from bgpbt.policies import convert_policy, read_legacy_policy, read_policy, write_policy

Arrays = dict[str, np.ndarray]


def published(depth: int = 2, width: int = 8, *, seed: int = 0) -> Arrays:
    random = np.random.default_rng(seed)
    task = envs.make("reacher")
    sizes = [task.observation_size, *[width] * depth, 2 * task.action_size]
    arrays: Arrays = {
        "num_steps": np.array(1000.0, np.float32),
        "running_mean": random.normal(size=sizes[0]).astype(np.float32),
        "running_variance": (1000 * random.random(sizes[0])).astype(np.float32),
        "value.0.weight": np.zeros((3, 3), np.float32),
    }
    for layer, (size_in, size_out) in enumerate(itertools.pairwise(sizes)):
        arrays[f"policy.{2 * layer}.weight"] = random.normal(size=(size_out, size_in)).astype(np.float32)
        arrays[f"policy.{2 * layer}.bias"] = random.normal(size=size_out).astype(np.float32)
    return arrays


def mode(arrays: Arrays, observation_bo: np.ndarray) -> np.ndarray:
    """The authors' agent in NumPy and double precision: normalise, SiLU layers, tanh of the mean."""
    variance_o = np.clip(arrays["running_variance"] / (float(arrays["num_steps"]) + 1.0), 1e-6, 1e6)
    x = np.clip((observation_bo - arrays["running_mean"]) / np.sqrt(variance_o), -5, 5)
    layers = sorted(int(n.split(".")[1]) for n in arrays if n.startswith("policy.") and n.endswith("weight"))
    for layer in layers:
        x = x @ arrays[f"policy.{layer}.weight"].T.astype(np.float64) + arrays[f"policy.{layer}.bias"]
        if layer != layers[-1]:
            x = x / (1.0 + np.exp(-x))
    return np.tanh(np.split(x, 2, axis=-1)[0])


@pytest.mark.parametrize("depth", [1, 3])
def test_a_published_policy_acts_as_in_its_authors_code(depth: int, tmp_path: Path) -> None:
    arrays = published(depth)
    arrays["running_variance"][0] = 0.0  # an input that never changed
    policy = convert_policy(arrays, "reacher", source="file")
    write_policy(policy, tmp_path / "policy.safetensors")
    observation_bo = np.random.default_rng(1).normal(size=(20, arrays["running_mean"].size))
    read = read_policy(tmp_path / "policy.safetensors")
    np.testing.assert_allclose(read.act(observation_bo), mode(arrays, observation_bo), atol=1e-4)
    assert read.description.architecture.depth == depth
    assert read.description.steps == 1000


def test_what_is_not_one_is_named_in_one_line() -> None:
    arrays = published()
    del arrays["running_mean"]
    with pytest.raises(InputError, match="file is not a published policy: it has no running_mean"):
        convert_policy(arrays, "reacher", source="file")
    with pytest.raises(InputError, match="are not a policy of ant, which takes"):
        convert_policy(published(), "ant", source="file")
    with pytest.raises(InputError, match="environment 'walker' is not known"):
        read_legacy_policy(Path("walker_seed0.pt"))


def test_files_are_read_without_running_what_is_in_them(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="reads PyTorch's files; pip install 'bgpbt[legacy]'")
    tensors = {name: torch.as_tensor(array) for name, array in published().items()}
    torch.save({"agent": tensors, "opt": {}}, tmp_path / "reacher_seed0.pt")
    policy = read_legacy_policy(tmp_path / "reacher_seed0.pt")
    assert policy.description.environment == "reacher"
    torch.save({"agent": tensors, "opt": Path("code")}, tmp_path / "reacher_seed1.pt")
    with pytest.raises(InputError, match="is not a published policy"):
        read_legacy_policy(tmp_path / "reacher_seed1.pt")
