import numpy as np
import pytest

from bgpbt.contracts import Arrays
from bgpbt.errors import DamagedRunError
from bgpbt.records import Checkpoint
from bgpbt.toys import MemoryCheckpoints


def test_what_is_saved_is_loaded_and_a_copy() -> None:
    checkpoints = MemoryCheckpoints()
    weights = np.arange(6.0).reshape(2, 3)
    name = checkpoints.save({"weights": weights}, {"toy": "plain"})
    weights[:] = -1.0
    arrays, metadata = checkpoints.load(name)
    np.testing.assert_array_equal(arrays["weights"], np.arange(6.0).reshape(2, 3))
    arrays["weights"][:] = -2.0
    np.testing.assert_array_equal(checkpoints.load(name)[0]["weights"], np.arange(6.0).reshape(2, 3))
    assert metadata == {"toy": "plain"}


def test_the_name_depends_on_every_part_of_the_content_and_on_nothing_else() -> None:
    checkpoints = MemoryCheckpoints()
    zeros = np.zeros(4)
    contents: list[tuple[Arrays, dict[str, str]]] = [
        ({"a": zeros}, {}),
        ({"b": zeros}, {}),
        ({"a": zeros + 1}, {}),
        ({"a": zeros.astype(np.int64)}, {}),
        ({"a": zeros.reshape(2, 2)}, {}),
        ({"a": zeros}, {"key": "value"}),
    ]
    names = [checkpoints.save(arrays, metadata) for arrays, metadata in contents]
    assert len(set(names)) == len(checkpoints) == len(contents)
    assert checkpoints.save({"a": np.zeros(4)}, {}) == names[0]
    assert len(checkpoints) == len(contents)


def test_a_missing_checkpoint_is_an_error_that_names_it() -> None:
    with pytest.raises(DamagedRunError, match="abc"):
        MemoryCheckpoints().load(Checkpoint("abc"))
