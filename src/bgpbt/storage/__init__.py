"""The history of a run (SQLite) and its checkpoints (safetensors)."""

from bgpbt.storage.checkpoints import CheckpointStore
from bgpbt.storage.files import StorageError
from bgpbt.storage.history import History, Position

__all__ = ["CheckpointStore", "History", "Position", "StorageError"]
