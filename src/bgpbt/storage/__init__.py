"""The history of a run (SQLite) and its checkpoints (safetensors), in one directory."""

from bgpbt.storage.checkpoints import CheckpointStore
from bgpbt.storage.conditions import changed_conditions, moved_note
from bgpbt.storage.examination import Examination, Finding, examine, salvage, salvage_pins, salvage_plans
from bgpbt.storage.files import StorageError
from bgpbt.storage.history import History, Position
from bgpbt.storage.lock import lock_holder, lock_run
from bgpbt.storage.run_directory import (
    CHECKPOINTS_DIRECTORY,
    HISTORY_FILE,
    RunDescription,
    RunDirectory,
    SettingChange,
    create_run,
    is_run,
    open_run,
    runs_in,
    there_is_something,
)

__all__ = [
    "CHECKPOINTS_DIRECTORY",
    "HISTORY_FILE",
    "CheckpointStore",
    "Examination",
    "Finding",
    "History",
    "Position",
    "RunDescription",
    "RunDirectory",
    "SettingChange",
    "StorageError",
    "changed_conditions",
    "create_run",
    "examine",
    "is_run",
    "lock_holder",
    "lock_run",
    "moved_note",
    "open_run",
    "runs_in",
    "salvage",
    "salvage_pins",
    "salvage_plans",
    "there_is_something",
]
