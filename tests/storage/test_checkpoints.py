import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors import safe_open

from bgpbt.errors import DamagedRunError
from bgpbt.records import Checkpoint
from bgpbt.storage.checkpoints import CheckpointStore
from bgpbt.storage.files import StorageError
from bgpbt.storage.safetensors_format import from_bytes, to_bytes

Array = npt.NDArray[Any]

DTYPES = st.sampled_from(
    [
        "bool",
        "int8",
        "int16",
        "int32",
        "int64",
        "uint8",
        "uint16",
        "uint32",
        "uint64",
        "float16",
        "<f4",
        ">f4",
        "f8",
    ]
)
ARRAYS = DTYPES.flatmap(
    lambda dtype: hnp.arrays(
        dtype=np.dtype(dtype), shape=hnp.array_shapes(min_dims=0, min_side=0, max_side=4)
    )
)
NAMES = st.text(st.characters(codec="utf-8"), max_size=8).filter(lambda name: name != "__metadata__")
METADATA = st.dictionaries(
    st.text(st.characters(codec="utf-8"), max_size=8), st.text(st.characters(codec="utf-8"))
)


@pytest.fixture
def store(tmp_path: Path) -> CheckpointStore:
    return CheckpointStore(tmp_path)


def small() -> dict[str, Array]:
    return {"weight": np.arange(6, dtype=np.float32).reshape(2, 3), "step": np.array(7, dtype=np.uint32)}


@given(arrays=st.dictionaries(NAMES, ARRAYS, max_size=5), metadata=METADATA)
def test_arrays_come_back_bit_for_bit(arrays: dict[str, Array], metadata: dict[str, str]) -> None:
    back, metadata_back = from_bytes(to_bytes(arrays, metadata))
    assert metadata_back == metadata
    assert set(back) == set(arrays)
    for name, array in arrays.items():
        assert back[name].shape == array.shape
        little = array.astype(array.dtype.newbyteorder("<"))
        assert back[name].dtype == little.dtype
        assert back[name].tobytes() == little.tobytes()  # NaN payloads and signed zeros too


@given(arrays=st.dictionaries(NAMES, ARRAYS, max_size=4), metadata=METADATA)
def test_equal_content_gives_equal_bytes_in_any_sequence(
    arrays: dict[str, Array], metadata: dict[str, str]
) -> None:
    backwards = dict(reversed(arrays.items()))
    assert to_bytes(arrays, metadata) == to_bytes(backwards, dict(reversed(metadata.items())))


def test_memory_layout_does_not_matter() -> None:
    array = np.arange(12.0).reshape(3, 4)
    assert to_bytes({"a": array}, {}) == to_bytes({"a": np.asfortranarray(array)}, {})
    assert to_bytes({"a": array[::2]}, {}) == to_bytes({"a": array[::2].copy()}, {})


def test_the_library_reads_our_files(store: CheckpointStore) -> None:
    checkpoint = store.save(small(), {"agent": "ppo", "environment": "ant"})
    with safe_open(store.path(checkpoint), framework="numpy") as file:
        assert file.metadata() == {"agent": "ppo", "environment": "ant"}
        np.testing.assert_array_equal(file.get_tensor("weight"), small()["weight"])
        np.testing.assert_array_equal(file.get_tensor("step"), small()["step"])


def test_every_array_is_aligned_to_its_items() -> None:
    content = to_bytes({"a": np.ones(3, np.uint8), "b": np.ones(3), "c": np.ones(3, np.float16)}, {"k": "v"})
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    for name, size in {"a": 1, "b": 8, "c": 2}.items():
        assert (8 + length + header[name]["data_offsets"][0]) % size == 0


def test_a_dtype_without_a_code_is_refused(store: CheckpointStore) -> None:
    with pytest.raises(TypeError, match=r"'a' has dtype complex128"):
        store.save({"a": np.ones(1, dtype=complex)}, {})
    with pytest.raises(ValueError, match="__metadata__"):
        store.save({"__metadata__": np.ones(1)}, {})


def test_the_name_is_the_hash_of_the_file(store: CheckpointStore) -> None:
    checkpoint = store.save(small(), {})
    assert hashlib.sha256(store.path(checkpoint).read_bytes()).hexdigest() == checkpoint


def test_saving_again_changes_nothing(store: CheckpointStore, tmp_path: Path) -> None:
    checkpoint = store.save(small(), {})
    before = store.path(checkpoint).stat()
    assert store.save(small(), {}) == checkpoint
    assert store.path(checkpoint).stat().st_ino == before.st_ino
    assert [path.name for path in tmp_path.iterdir()] == [f"{checkpoint}.safetensors"]


def test_every_flipped_byte_is_detected(store: CheckpointStore) -> None:
    checkpoint = store.save(small(), {"agent": "ppo"})
    path = store.path(checkpoint)
    intact = path.read_bytes()
    for position in range(len(intact)):
        damaged = bytearray(intact)
        damaged[position] ^= 1 << (position % 8)
        path.write_bytes(damaged)
        with pytest.raises(DamagedRunError, match=path.name):
            store.load(checkpoint)
    path.write_bytes(intact)
    store.verify(checkpoint)


@pytest.mark.parametrize("length", [0, 1, 8, 50, -1])
def test_a_truncated_file_is_detected_and_healed_by_saving(store: CheckpointStore, length: int) -> None:
    checkpoint = store.save(small(), {})
    path = store.path(checkpoint)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(DamagedRunError, match=path.name):
        store.load(checkpoint)
    assert store.save(small(), {}) == checkpoint
    store.load(checkpoint)


def test_a_missing_checkpoint_is_named(store: CheckpointStore) -> None:
    with pytest.raises(DamagedRunError, match="0" * 64 + r".*missing"):
        store.load(Checkpoint("0" * 64))


def test_a_vanished_directory_is_named(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path / "gone")
    with pytest.raises(StorageError, match="gone"):
        store.save(small(), {})
    with pytest.raises(StorageError, match="gone"):
        store.total_bytes()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(kept=st.sets(st.integers(0, 5)))
def test_clean_up_keeps_the_referenced_and_foreign_files(
    tmp_path_factory: pytest.TempPathFactory, kept: set[int]
) -> None:
    directory = tmp_path_factory.mktemp("checkpoints")
    store = CheckpointStore(directory)
    checkpoints = [store.save({"a": np.array(i)}, {}) for i in range(6)]
    foreign = ["notes.txt", "a" * 64, "A" * 64 + ".safetensors", "b" * 64 + ".safetensors.bak", "x.tmp"]
    for name in foreign:
        (directory / name).write_text("mine")
    (directory / f"{'c' * 64}.safetensors.0badcafe.tmp").write_text("half-written")
    referenced = {checkpoints[i] for i in kept}
    store.remove_all_but(referenced | {Checkpoint("f" * 64)})
    assert store.stored() == referenced
    assert {path.name for path in directory.iterdir()} == {store.path(c).name for c in referenced} | set(
        foreign
    )
    assert store.total_bytes() == sum(store.path(c).stat().st_size for c in referenced)


def test_threads_may_save_the_same_content_at_once(store: CheckpointStore, tmp_path: Path) -> None:
    arrays = {"a": np.random.default_rng(0).normal(size=50_000)}
    with ThreadPoolExecutor(8) as pool:
        checkpoints = set(pool.map(lambda _: store.save(arrays, {}), range(32)))
    assert len(checkpoints) == 1
    assert len(list(tmp_path.iterdir())) == 1
    store.verify(checkpoints.pop())
