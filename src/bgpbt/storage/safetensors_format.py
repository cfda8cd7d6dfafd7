"""Named arrays as safetensors bytes: equal content gives equal bytes.

The format (https://github.com/huggingface/safetensors): 8 bytes, the length of a JSON header as
little-endian integer; the header, from name to dtype, shape and byte range; the arrays. The library writes
the header's metadata in a random sequence, so we write the bytes ourselves, sorted, and let the library
read them.
"""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load as load_safetensors

from bgpbt.contracts import Arrays

__all__ = ["from_bytes", "to_bytes"]

_METADATA = "__metadata__"
_ALIGNMENT = 8  # bytes; a reader may map the arrays without copying
_DTYPE_CODES = {
    "bool": "BOOL",
    "int8": "I8",
    "int16": "I16",
    "int32": "I32",
    "int64": "I64",
    "uint8": "U8",
    "uint16": "U16",
    "uint32": "U32",
    "uint64": "U64",
    "float16": "F16",
    "float32": "F32",
    "float64": "F64",
}


def to_bytes(arrays: Arrays, metadata: Mapping[str, str]) -> bytes:
    """Return the file of these arrays; it depends on names, dtypes, shapes, values and metadata alone.

    Raises:
        TypeError: the format or the library has no such dtype.
        ValueError: an array is named as the metadata are.
    """
    if _METADATA in arrays:
        raise ValueError(f"{_METADATA} cannot be the name of an array")
    header: dict[str, Any] = {_METADATA: dict(metadata)}
    contents: list[bytes] = []
    end = 0
    # Wide items first keeps every array aligned to its item size, as the library does.
    for name in sorted(arrays, key=lambda name: (-arrays[name].dtype.itemsize, name)):
        array = arrays[name]
        if array.dtype.name not in _DTYPE_CODES:
            raise TypeError(
                f"array {name!r} has dtype {array.dtype}, a checkpoint can hold {', '.join(_DTYPE_CODES)}"
            )
        contents.append(array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes())
        begin, end = end, end + len(contents[-1])
        header[name] = {
            "dtype": _DTYPE_CODES[array.dtype.name],
            "shape": list(array.shape),
            "data_offsets": [begin, end],
        }
    text = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _ALIGNMENT)
    return b"".join([len(text).to_bytes(8, "little"), text, *contents])


def from_bytes(content: bytes) -> tuple[dict[str, npt.NDArray[Any]], dict[str, str]]:
    """Return arrays and metadata of a file that `to_bytes` wrote."""
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    arrays = load_safetensors(content)
    return {name: np.asarray(arrays[name]) for name in sorted(arrays)}, header[_METADATA]
