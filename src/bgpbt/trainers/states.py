"""What a function keeps from round to round, as named arrays and back.

Bytes are stored as they are. Of any other object the arrays (NumPy's, JAX's, PyTorch's) are stored as arrays,
and what holds them (dictionaries, tuples, any object that `pickle` takes) as a pickle that refers to them. So
equal states give equal checkpoints, arrays come back as they were, and neither JAX nor PyTorch is imported
unless a state holds arrays of theirs.

A checkpoint with a pickle runs code when it is read, as any pickle does.
"""

import io
import pickle
import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from bgpbt.contracts import Arrays
from bgpbt.trainers.job import TrainerError

__all__ = ["state_from", "state_to_arrays"]

_BYTES, _OBJECT = "content", "object"
_PROTOCOL = 5  # the same in every version of Python, so that equal states have equal checkpoints

_WIDEST = 8  # bytes of a number in a checkpoint

Array = npt.NDArray[Any]


def state_to_arrays(state: object) -> tuple[Arrays, dict[str, str]]:
    """Return what a checkpoint of a state holds: arrays and metadata.

    Raises:
        TrainerError: the state is None, which stands for a new member, or cannot be stored.
    """
    if state is None:
        raise TrainerError("the state is None, which is what a new member begins with; return what it learnt")
    if isinstance(state, bytes):
        return {_BYTES: np.frombuffer(state, dtype=np.uint8)}, {"content": "bytes"}
    arrays: dict[str, Array] = {}
    try:
        pickled = _pickled(state, arrays)
    except Exception as error:  # whatever the parts of a state raise
        raise TrainerError(f"a state of type {type(state).__name__} cannot be stored: {error}") from error
    arrays[_OBJECT] = np.frombuffer(pickled, dtype=np.uint8)
    return arrays, {"content": "state"}


def state_from(arrays: Mapping[str, Array]) -> Any:
    """Return the state of a checkpoint; its arrays can be written to.

    Raises:
        TrainerError: it holds none.
    """
    if _BYTES in arrays:
        return arrays[_BYTES].tobytes()
    if _OBJECT not in arrays:
        raise TrainerError("this checkpoint holds no state of a function")
    return _Unpickler(io.BytesIO(arrays[_OBJECT].tobytes()), arrays).load()


def _pickled(state: object, arrays: dict[str, Array]) -> bytes:
    """Pickle a state without its arrays, which go into `arrays`.

    Pickle notes which parts are one object, and equal states can differ in that; `fast` leaves the notes out.
    A state that contains itself needs them.
    """
    for is_fast in (True, False):
        arrays.clear()
        content = io.BytesIO()
        pickler = _Pickler(content, arrays)
        pickler.fast = is_fast
        try:
            pickler.dump(state)
        except (RecursionError, ValueError):
            if not is_fast:
                raise
            continue
        break
    return content.getvalue()


class _Pickler(pickle.Pickler):
    def __init__(self, file: io.BytesIO, arrays: dict[str, Array]) -> None:
        super().__init__(file, protocol=_PROTOCOL)
        self._arrays = arrays
        self._known: dict[
            int, tuple[object, Any]
        ] = {}  # by id: an array, which keeps its id, and its reference

    def persistent_id(self, found: Any) -> Any:
        """Return what stands for an array; None: it is none."""
        if id(found) in self._known:
            return self._known[id(found)][1]
        parts = _parts(found)
        if parts is None:
            return None
        kind, array, more = parts
        form = None
        if (
            array.dtype.kind not in "biuf" or array.dtype.itemsize > _WIDEST
        ):  # bfloat16, complex numbers, dates
            form = array.dtype, array.shape
            array = _raw(array)
        name = f"array/{len(self._arrays)}"
        self._arrays[name] = array
        reference = kind, name, form, more
        self._known[id(found)] = found, reference
        return reference


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, arrays: Mapping[str, Array]) -> None:
        super().__init__(file)
        self._arrays = arrays
        self._restored: dict[str, Any] = {}  # by name, so that what was one object is one again

    def persistent_load(self, reference: Any) -> Any:
        """Return the array that a reference stands for."""
        kind, name, form, more = reference
        if name not in self._restored:
            array = np.array(self._arrays[name])  # a copy, which may be written to
            if form is not None:
                array = array.view(form[0]).reshape(form[1])
            self._restored[name] = _RESTORE[kind](array, more)
        return self._restored[name]


def _parts(found: Any) -> tuple[str, Array, Any] | None:
    """Return the kind of an array, its numbers and what else it takes to restore it; None: it is none."""
    if type(found) is np.ndarray:
        return None if found.dtype.hasobject else ("numpy", found, None)
    jax, torch = sys.modules.get("jax"), sys.modules.get("torch")
    if jax is not None and isinstance(found, jax.Array):
        if jax.dtypes.issubdtype(found.dtype, jax.dtypes.prng_key):
            return "jax key", np.asarray(jax.random.key_data(found)), str(jax.random.key_impl(found))
        return "jax", np.asarray(found), None
    if torch is not None and type(found) is torch.Tensor and found.layout == torch.strided:
        return _parts_of_tensor(torch, found)
    return None


def _parts_of_tensor(torch: Any, tensor: Any) -> tuple[str, Array, Any]:
    numbers = tensor.detach().cpu().resolve_conj().resolve_neg().contiguous()
    is_trained = bool(tensor.requires_grad and tensor.is_leaf)
    try:
        return "torch", numbers.numpy(), (None, is_trained)
    except TypeError:  # NumPy has no such numbers
        name = str(tensor.dtype).removeprefix("torch.")
        raw = numbers.reshape(-1).view(torch.uint8).numpy()
        return "torch", raw, ((name, tuple(tensor.shape)), is_trained)


def _raw(array: Array) -> Array:
    return np.frombuffer(np.ascontiguousarray(array).tobytes(), dtype=np.uint8)


def _jax_array(array: Array, _: None) -> Any:
    import jax.numpy as jnp

    return jnp.asarray(array)


def _jax_key(array: Array, implementation: str) -> Any:
    import jax

    return jax.random.wrap_key_data(jax.numpy.asarray(array), impl=implementation)


def _tensor(array: Array, more: tuple[tuple[str, tuple[int, ...]] | None, bool]) -> Any:
    import torch

    form, is_trained = more
    tensor = torch.from_numpy(array)
    if form is not None:
        tensor = tensor.view(getattr(torch, form[0])).reshape(form[1])
    return tensor.requires_grad_() if is_trained else tensor


_RESTORE: Mapping[str, Callable[[Array, Any], Any]] = {
    "numpy": lambda array, _: array,
    "jax": _jax_array,
    "jax key": _jax_key,
    "torch": _tensor,
}
