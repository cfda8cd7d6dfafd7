"""A run on disk: what it is (run.json), what happened in it (history.sqlite), its checkpoints, its lock.

A run directory is built beside its place and renamed, so it is there completely or not at all.
"""

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bgpbt.encoding import decode, encode
from bgpbt.errors import DamagedRunError, InputError
from bgpbt.storage.checkpoints import CheckpointStore
from bgpbt.storage.files import StorageError, check_regular, naming_file, sync_directory, write_durably
from bgpbt.storage.history import History
from bgpbt.storage.lock import lock_run
from bgpbt.storage.machine import cores, machine, python, versions
from bgpbt.storage.overwriting import finish_overwriting, finish_overwriting_in, sibling

__all__ = [
    "CHECKPOINTS_DIRECTORY",
    "DESCRIPTION_FILE",
    "HISTORY_FILE",
    "RunDescription",
    "RunDirectory",
    "SettingChange",
    "create_run",
    "is_run",
    "lock_run",
    "open_run",
    "read_description",
    "runs_in",
    "there_is_something",
]

FORMAT_VERSION = 2  # 1 does not say how many cores
EXTENDED_FORMAT_VERSION = 3  # of a run whose settings were changed; what reads less would call it damaged
DESCRIPTION_FILE, HISTORY_FILE, CHECKPOINTS_DIRECTORY = "run.json", "history.sqlite", "checkpoints"


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingChange:
    """A setting that was changed after the run had started; `configuration` holds its last value."""

    setting: str
    before: int
    after: int
    round: int  # the newest that was planned when it was changed; -1: none
    step: int  # environment steps of each lineage when that round ends
    changed: str  # UTC, ISO 8601


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDescription:
    """What a run is, and what it was started with."""

    format_version: int
    configuration: Mapping[str, Any]  # plain values: the run's settings, as the caller gave them
    seed: int
    versions: Mapping[str, str]  # package to version, those installed
    python: str
    machine: str  # operating system and processor
    device: str  # what members are trained on
    created: str  # UTC, ISO 8601
    cores: int | None = None  # that the process could use; None: not known, in a run of an older version
    changes: tuple[SettingChange, ...] = ()  # of settings since then, oldest first


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDirectory:
    """A run that is there. Nothing is opened until it is asked for."""

    path: Path
    description: RunDescription

    @property
    def history_path(self) -> Path:
        """The file of the history."""
        return self.path / HISTORY_FILE

    @property
    def checkpoints(self) -> CheckpointStore:
        """The run's checkpoints."""
        return CheckpointStore(self.path / CHECKPOINTS_DIRECTORY)

    def open_history(self, *, read_only: bool = False) -> History:
        """Open the history and check it; close it at the end.

        Raises:
            DamagedRunError: it is missing or damaged.
            StorageError: it cannot be read.
        """
        return History.open(self.history_path, read_only=read_only)

    def changed(self, configuration: Mapping[str, Any], change: SettingChange) -> "RunDirectory":
        """Write down that a setting was changed, and return the run as it is then; hold the lock meanwhile.

        Args:
            configuration: all settings, with the new value.
            change: what was changed, and when.

        Raises:
            StorageError: the description cannot be written.
        """
        description = replace(
            self.description,
            format_version=EXTENDED_FORMAT_VERSION,
            configuration=_plain(configuration),
            changes=(*self.description.changes, change),
        )
        write_durably(self.path / DESCRIPTION_FILE, _as_file(description))
        return replace(self, description=description)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from writing this run. A dead process's lock is gone by itself.

        Raises:
            InputError: a living process holds it; the text has its number.
            StorageError: the lock's file cannot be written.
        """
        with lock_run(self.path):
            yield


def create_run(
    path: Path | str,
    configuration: Mapping[str, Any],
    *,
    seed: int,
    device: str = "cpu",
    overwrite: bool = False,
) -> RunDirectory:
    """Make the directory of a new run; if that fails, everything is as it was.

    Args:
        path: its place; directories above it are made.
        configuration: the run's settings as plain values (what JSON can hold).
        seed: of the run.
        device: what members are trained on, for people.
        overwrite: take the place of a run that is there.

    Raises:
        InputError: something else is there, or a run without `overwrite`, or one that a process is writing.
        StorageError: the file system refuses.
    """
    path = Path(path)
    finish_overwriting(path)
    occupied = _check_place(path, overwrite=overwrite)
    description = _describe(configuration, seed, device)
    with lock_run(path) if occupied else nullcontext():
        _put_in_place(path, description, occupied=occupied)
    return RunDirectory(path=path, description=description)


def open_run(path: Path | str) -> RunDirectory:
    """Return the run in a directory.

    Raises:
        InputError: there is no run.
        DamagedRunError: its description does not match its digest, or part of it is missing.
        StorageError: it was written by a newer version, or cannot be read.
    """
    path = Path(path)
    finish_overwriting(path)
    if not there_is_something(path):
        raise InputError(f"{path}: there is no run; start one with bgpbt train")
    check_regular(path / DESCRIPTION_FILE)
    if not is_run(path):
        raise InputError(f"{path} is not the directory of a run: it has no {DESCRIPTION_FILE}")
    description = read_description(path)
    for part in (HISTORY_FILE, CHECKPOINTS_DIRECTORY):
        if not (path / part).exists():
            raise DamagedRunError(f"{path / part} is missing")
    return RunDirectory(path=path, description=description)


def is_run(path: Path) -> bool:
    """Return whether a directory is that of a run, intact or not."""
    file = path / DESCRIPTION_FILE
    try:  # a pipe would be waited on for ever
        return file.is_file() and '"format_version"' in file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False


def there_is_something(path: Path | str) -> bool:
    """Return whether there is a run, or anything else, in a run's place."""
    path = Path(path)
    finish_overwriting(path)
    with naming_file(path):  # a name may be too long for the system
        return path.exists()


def runs_in(directory: Path | str) -> list[Path]:
    """Return the runs in a directory by name, intact or not; those that begin with a dot are not whole."""
    directory = Path(directory)
    finish_overwriting_in(directory)
    with naming_file(directory):
        children = sorted(directory.iterdir())
    return [child for child in children if not child.name.startswith(".") and is_run(child)]


def _check_place(path: Path, *, overwrite: bool) -> bool:
    """Return whether a run is to be replaced."""
    if not path.exists():
        return False
    if path.is_dir() and not any(path.iterdir()):
        return False  # renaming onto an empty directory replaces it
    if not is_run(path):
        raise InputError(f"{path} is there and is not the directory of a run; nothing in it was touched")
    if not overwrite:
        raise InputError(f"{path} holds a run already; resume it, overwrite it or choose another place")
    return True


def _describe(configuration: Mapping[str, Any], seed: int, device: str) -> RunDescription:
    return RunDescription(
        format_version=FORMAT_VERSION,
        configuration=_plain(configuration),
        seed=seed,
        versions=versions(),
        python=python(),
        machine=machine(),
        device=device,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        cores=cores(),
    )


def _plain(configuration: Mapping[str, Any]) -> dict[str, Any]:
    try:
        plain: dict[str, Any] = json.loads(json.dumps(configuration, allow_nan=True))
    except TypeError as error:
        raise TypeError(f"the configuration must be plain values: {error}") from error
    return plain


def _put_in_place(path: Path, description: RunDescription, *, occupied: bool) -> None:
    building, aside = sibling(path, "new"), sibling(path, "old")
    with naming_file(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            building.mkdir()
            with lock_run(building):
                _build(building, description)
                if occupied:
                    path.rename(aside)
                building.rename(path)
        except BaseException:
            shutil.rmtree(building, ignore_errors=True)
            if aside.exists():
                aside.rename(path)
            raise
        sync_directory(path.parent)
        shutil.rmtree(aside, ignore_errors=True)


def _build(directory: Path, description: RunDescription) -> None:
    (directory / CHECKPOINTS_DIRECTORY).mkdir()
    History.create(directory / HISTORY_FILE).close()
    write_durably(directory / DESCRIPTION_FILE, _as_file(description))


def _as_file(description: RunDescription) -> bytes:
    content = {**json.loads(_stored(description)), "digest": _digest(description)}
    return json.dumps(content, indent=2).encode() + b"\n"


def read_description(directory: Path) -> RunDescription:
    """Return what a run is.

    Raises:
        DamagedRunError: its description does not match its digest, or cannot be read as one.
        StorageError: it was written by a newer version, or cannot be read.
    """
    path = directory / DESCRIPTION_FILE
    check_regular(path)
    with naming_file(path):
        content = path.read_bytes()
    try:
        fields = json.loads(content)
        digest, version = fields.pop("digest"), int(fields["format_version"])
    except (ValueError, KeyError, AttributeError, TypeError, OverflowError, RecursionError) as error:
        raise DamagedRunError(f"{path}: the file is damaged: {error}") from error
    if version > EXTENDED_FORMAT_VERSION:
        raise StorageError(f"{path}: format {version}; this bgpbt reads up to {EXTENDED_FORMAT_VERSION}")
    try:
        description = decode(RunDescription, json.dumps(fields))
    except Exception as error:  # the converter raises groups of whatever went wrong inside
        raise DamagedRunError(
            f"{path}: the file is damaged: a field is missing or of another kind"
        ) from error
    if _digest(description) != digest:
        raise DamagedRunError(f"{path}: the content does not match its digest; the file was changed")
    return description


def _digest(description: RunDescription) -> str:
    return hashlib.sha256(_stored(description).encode()).hexdigest()


def _stored(description: RunDescription) -> str:
    """Return a description as JSON text, without what an older version or an unchanged run lacks."""
    fields = json.loads(encode(description))
    return encode({name: value for name, value in fields.items() if value is not None and value != []})
