"""What a Tune experiment needs to go on with the same optimiser: one file in the experiment's directory.

Ray Tune stores its trials and not its scheduler. The journal holds the newest round that was closed: the
strategy's state, and for every trial the configuration and the checkpoint it goes on with. A round that was
under way is trained again from there.
"""

import json
from dataclasses import dataclass, field
from typing import Any

import pyarrow.fs
from ray.train._internal.session import _TrainingResult
from ray.tune import Checkpoint
from ray.tune.experiment import Trial

from bgpbt.encoding import decode, encode
from bgpbt.errors import DamagedRunError

__all__ = ["Journal", "Standing", "put_back", "read_journal", "standing_of", "write_journal"]

FILE_NAME = "bgpbt.journal"  # not .json: what is called so, Tune restores by itself, over newer content


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What one trial begins a round with."""

    trial_id: str
    configuration: dict[str, Any]  # the trial's whole configuration
    checkpoint: str | None  # its path, below the experiment's directory; None: new weights
    metrics: dict[str, Any]  # that Tune keeps with the checkpoint
    written: int  # number of the newest checkpoint that the trial itself has written


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """Where an experiment stands at the beginning of a round."""

    state: str  # of the strategy, encoded
    target: float  # of the time attribute, when the round ends
    standings: tuple[Standing, ...]  # by the strategy's member
    scores: tuple[tuple[float, ...], ...] = field(default_factory=tuple)  # of all rounds, for people


def write_journal(trial: Trial, journal: Journal) -> None:
    """Write the journal to where the experiment of a trial is stored, all of it or nothing."""
    files, path = _files(trial), f"{_directory(trial)}/{FILE_NAME}"
    with files.open_output_stream(f"{path}.new") as stream:
        stream.write(encode(journal).encode())
    files.move(f"{path}.new", path)


def read_journal(trial: Trial) -> Journal | None:
    """Return the journal of a trial's experiment, or None if there is none or it is of another one.

    Raises:
        DamagedRunError: it is there and cannot be read.
    """
    files, path = _files(trial), f"{_directory(trial)}/{FILE_NAME}"
    if files.get_file_info(path).type != pyarrow.fs.FileType.File:
        return None
    with files.open_input_stream(path) as stream:
        content: bytes = stream.readall()
    try:
        journal = decode(Journal, content.decode())
    except Exception as error:  # the converter raises groups of whatever went wrong inside
        raise DamagedRunError(f"{path}: the journal cannot be read") from error
    # An older experiment of the same name may have left it.
    return journal if trial.trial_id in {standing.trial_id for standing in journal.standings} else None


def standing_of(trial: Trial, donor: Trial | None, configuration: dict[str, Any]) -> Standing:
    """Return what a trial begins with if it takes over another's newest checkpoint; no donor: new weights."""
    result = None if donor is None else donor.latest_checkpoint_result
    if result is None or result.checkpoint is None:
        return Standing(
            trial_id=trial.trial_id,
            configuration=configuration,
            checkpoint=None,
            metrics={},
            written=_storage(trial).current_checkpoint_index,
        )
    return Standing(
        trial_id=trial.trial_id,
        configuration=configuration,
        checkpoint=result.checkpoint.path.removeprefix(_directory(trial)).lstrip("/"),
        metrics=json.loads(json.dumps(result.metrics, default=str)),
        written=_storage(trial).current_checkpoint_index,
    )


def put_back(trial: Trial, standing: Standing) -> None:
    """Put a trial to where it begins a round."""
    trial.set_config(dict(standing.configuration))
    manager: Any = trial.run_metadata.checkpoint_manager
    # There is no public way to say which checkpoint a trial goes on from; Ray's own schedulers do this.
    manager._latest_checkpoint_result = _result_of(trial, standing)
    # Tune may have stored a restored trial before the round was closed; what it writes from now on must not
    # take the place of a checkpoint that the journal names.
    storage = _storage(trial)
    storage.current_checkpoint_index = max(storage.current_checkpoint_index, standing.written)


def _result_of(trial: Trial, standing: Standing) -> _TrainingResult | None:
    if standing.checkpoint is None:
        return None
    checkpoint = Checkpoint(path=f"{_directory(trial)}/{standing.checkpoint}", filesystem=_files(trial))
    return _TrainingResult(checkpoint, dict(standing.metrics))


def _storage(trial: Trial) -> Any:
    assert trial.storage is not None
    return trial.storage


def _files(trial: Trial) -> Any:
    """Return the file system of a trial's experiment, which may be that of another machine."""
    return _storage(trial).storage_filesystem


def _directory(trial: Trial) -> str:
    return str(_storage(trial).experiment_fs_path)
