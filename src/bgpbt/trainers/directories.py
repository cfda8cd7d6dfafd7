"""A directory as a checkpoint, and back: every file is an array of bytes, named by its path.

Empty directories, permissions and times are not kept, so that equal contents are equal checkpoints.
"""

from pathlib import Path

import numpy as np

from bgpbt.contracts import Checkpoints
from bgpbt.records import Checkpoint
from bgpbt.trainers.job import TrainerError

__all__ = ["restore_directory", "save_directory"]

_METADATA = {"content": "directory"}


def save_directory(directory: Path, checkpoints: Checkpoints) -> Checkpoint:
    """Store the files of a directory.

    Raises:
        TrainerError: there is none, or it holds a link or another thing that is not a plain file.
    """
    paths = sorted(path for path in directory.rglob("*") if path.is_symlink() or not path.is_dir())
    if not paths:
        raise TrainerError("the trainer wrote no checkpoint: its directory is empty")
    for path in paths:
        if path.is_symlink() or not path.is_file():
            raise TrainerError(f"{path.relative_to(directory)} in the checkpoint is not a plain file")
    arrays = {
        path.relative_to(directory).as_posix(): np.frombuffer(path.read_bytes(), dtype=np.uint8)
        for path in paths
    }
    return checkpoints.save(arrays, _METADATA)


def restore_directory(checkpoint: Checkpoint, checkpoints: Checkpoints, directory: Path) -> None:
    """Write the files of a checkpoint into a new directory.

    Raises:
        TrainerError: the checkpoint was not made from a directory.
        DamagedRunError: it is missing or damaged.
    """
    arrays, metadata = checkpoints.load(checkpoint)
    if metadata != _METADATA:
        raise TrainerError(f"checkpoint {checkpoint} is not that of a directory")
    directory.mkdir()
    for name, content in arrays.items():
        path = directory / name
        if not path.resolve().is_relative_to(directory.resolve()):
            raise TrainerError(f"checkpoint {checkpoint} holds {name!r}, which leads out of its directory")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.tobytes())
