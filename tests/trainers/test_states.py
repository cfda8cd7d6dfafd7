"""What a function keeps comes back as it was, and equal states are equal checkpoints."""

import pickle
import subprocess
import sys
from collections import OrderedDict, namedtuple
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from bgpbt.contracts import Arrays
from bgpbt.storage.safetensors_format import from_bytes, to_bytes
from bgpbt.trainers import TrainerError, state_from
from bgpbt.trainers.states import state_to_arrays

Moments = namedtuple("Moments", ["mean", "variance"])


@dataclass
class Learner:
    weight: npt.NDArray[np.float64]
    history: list[float] = field(default_factory=list)


def stored(state: object) -> bytes:
    return to_bytes(*state_to_arrays(state))


def through(state: object) -> Any:
    arrays, metadata = from_bytes(stored(state))
    assert metadata["content"] in ("bytes", "state")
    return state_from(arrays)


def names_of(arrays: Arrays) -> set[str]:
    return {name for name in arrays if name.startswith("array/")}


@pytest.mark.parametrize(
    "state",
    [
        b"weights",
        b"",
        0.25,
        "text",
        {"steps": 3, 7: [1, (2.5, None)], "name": "adam"},
        OrderedDict(a=1, b=2),
        Moments(mean=1.0, variance=2.0),
    ],
)
def test_plain_states_come_back(state: object) -> None:
    restored = through(state)
    assert restored == state
    assert type(restored) is type(state)


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype=np.float32).reshape(2, 3),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.array(2.5),
        np.zeros((0, 3), dtype=np.int8),
        np.array([True, False]),
        np.array([1 + 2j, 3.0], dtype=np.complex128),
        np.array(1 + 2j, dtype=np.complex64),
        np.array(["2026-01-01"], dtype="datetime64[D]"),
        np.array(["ab", "c"]),
        np.array([{"a": 1}, None], dtype=object),
        np.arange(3, dtype=np.longdouble),
    ],
)
def test_arrays_come_back_and_can_be_written_to(array: npt.NDArray[Any]) -> None:
    restored = through({"x": array})["x"]
    assert restored.dtype == array.dtype
    assert restored.shape == array.shape
    np.testing.assert_array_equal(restored, array)
    assert restored.flags.writeable


def test_arrays_anywhere_in_an_object_are_arrays_of_the_checkpoint() -> None:
    learner = Learner(weight=np.ones(3), history=[1.0])
    arrays, _ = state_to_arrays({"learner": learner, "moments": Moments(np.zeros(2), np.ones(2))})
    assert len(names_of(arrays)) == 3
    assert b"\xf0?" not in arrays["object"].tobytes()  # the end of 1.0 in float64: no number is in the pickle
    restored = through({"learner": learner})["learner"]
    assert isinstance(restored, Learner)
    assert restored.history == [1.0]
    np.testing.assert_array_equal(restored.weight, learner.weight)


def test_what_was_one_array_is_one_array() -> None:
    tied = np.ones(2)
    restored = through({"encoder": tied, "decoder": tied, "other": tied.copy()})
    assert restored["encoder"] is restored["decoder"]
    assert restored["encoder"] is not restored["other"]


def test_a_state_that_contains_itself() -> None:
    state: dict[str, Any] = {"weight": np.ones(2)}
    state["self"] = state
    restored = through(state)
    assert restored["self"] is restored
    np.testing.assert_array_equal(restored["weight"], np.ones(2))


def test_equal_states_are_equal_checkpoints_whichever_parts_are_one_object() -> None:
    name = "".join(["w", "eight"])  # not the constant's object
    first = [{"weight": 1000.5}, {"weight": 1000.5}]
    second = [{name: 1000.5}, {"weight": float("1000.5")}]
    assert pickle.dumps(first) != pickle.dumps(second)
    assert stored(first) == stored(second)
    assert stored(through(first)) == stored(first)


def test_a_state_of_none_is_refused() -> None:
    with pytest.raises(TrainerError, match="the state is None"):
        state_to_arrays(None)


def test_what_pickle_does_not_take_is_named() -> None:
    with pytest.raises(TrainerError, match=r"a state of type dict cannot be stored: .*lambda"):
        state_to_arrays({"schedule": lambda step: step})


def test_a_checkpoint_of_another_trainer_is_no_state() -> None:
    with pytest.raises(TrainerError, match="holds no state of a function"):
        state_from({"policy": np.ones(2)})


def test_arrays_of_jax_come_back_as_arrays_of_jax() -> None:
    jax = pytest.importorskip("jax")
    state = {
        "weight": jax.numpy.arange(3.0),
        "half": jax.numpy.asarray([1.5, 2.5], dtype=jax.numpy.bfloat16),
        "step": jax.numpy.asarray(3),
        "key": jax.random.key(5),
        "old_key": jax.random.PRNGKey(5),
    }
    restored = through(state)
    for name, array in state.items():
        assert isinstance(restored[name], jax.Array)
        assert restored[name].dtype == array.dtype
    for name in ("weight", "half", "step", "old_key"):
        np.testing.assert_array_equal(restored[name], state[name])
    assert jax.random.uniform(restored["key"]) == jax.random.uniform(state["key"])
    assert stored(restored) == stored(state)


def test_tensors_of_pytorch_come_back_as_tensors() -> None:
    torch = pytest.importorskip("torch")
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    model(torch.ones(2, 3)).sum().backward()
    optimizer.step()
    state = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "half": torch.tensor([1.5], dtype=torch.bfloat16),
        "half of a scalar": torch.tensor(1.5, dtype=torch.bfloat16),
        "free": torch.ones(2, requires_grad=True),
    }
    restored = through(state)
    again = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 1))
    again.load_state_dict(restored["model"])
    for name, tensor in model.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor)
    torch.optim.Adam(again.parameters()).load_state_dict(restored["optimizer"])
    for name in ("half", "half of a scalar", "free"):
        assert torch.equal(restored[name], state[name])
        assert restored[name].dtype == state[name].dtype
        assert restored[name].requires_grad == state[name].requires_grad
    assert stored(restored) == stored(state)


def test_neither_jax_nor_pytorch_is_imported_for_a_state_without_them(tmp_path: Path) -> None:
    program = (
        "import sys; from bgpbt.trainers.states import state_from, state_to_arrays; "
        "assert state_from(state_to_arrays({'a': 1})[0]) == {'a': 1}; "
        "print(sorted({'jax', 'torch'} & set(sys.modules)))"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
