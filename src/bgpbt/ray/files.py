"""Where an experiment of Tune is stored, which may be a file system of another machine."""

from typing import Any

from ray.tune.experiment import Trial

__all__ = ["experiment_of", "storage_of", "write_whole"]


def storage_of(trial: Trial) -> Any:
    """Return Ray's record of where a trial is stored."""
    assert trial.storage is not None
    return trial.storage


def experiment_of(trial: Trial) -> tuple[Any, str]:
    """Return the file system of a trial's experiment and the experiment's directory in it."""
    storage = storage_of(trial)
    return storage.storage_filesystem, str(storage.experiment_fs_path)


def write_whole(files: Any, path: str, content: str) -> None:
    """Write a file, all of it or nothing."""
    with files.open_output_stream(f"{path}.new") as stream:
        stream.write(content.encode())
    files.move(f"{path}.new", path)
