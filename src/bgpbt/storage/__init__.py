"""The history of a run (SQLite) and its checkpoints (safetensors), in one directory."""

from bgpbt.storage.checkpoints import CheckpointStore
from bgpbt.storage.files import StorageError
from bgpbt.storage.history import History, Position
from bgpbt.storage.run_directory import RunDescription, RunDirectory, create_run, is_run, open_run

__all__ = [
    "CheckpointStore",
    "History",
    "Position",
    "RunDescription",
    "RunDirectory",
    "StorageError",
    "create_run",
    "is_run",
    "open_run",
]
