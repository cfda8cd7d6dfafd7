"""What a Tune experiment needs to continue with the same optimiser: one file in the experiment's directory.

Ray Tune stores its trials and not its scheduler. The journal holds the newest round that was closed: the
strategy's state, and for every trial the searched values and the checkpoint it continues with. A round that
was under way is trained again from there.

The rest of a trial's configuration is what Tune stored, but for two things. Tune stores it as JSON, which
turns tuples into lists and the keys of mappings into texts. And Tune stores it now and then, so a trial may
have taken over another trial's since. Entries that this could change are in the journal too, pickled, as Tune
pickles what has no form in JSON.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow.fs
from ray import cloudpickle
from ray.train._internal.session import _TrainingResult
from ray.tune import Checkpoint
from ray.tune.experiment import Trial

from bgpbt.encoding import decode, encode
from bgpbt.errors import DamagedRunError
from bgpbt.ray.files import experiment_of, storage_of, write_whole
from bgpbt.records import Configuration, Value

__all__ = [
    "Journal",
    "Standing",
    "entries_to_keep",
    "put_back",
    "read_journal",
    "standing_of",
    "write_journal",
]

FILE_NAME = "bgpbt.journal"  # not .json: what is called so, Tune restores by itself, over newer content


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What one trial begins a round with."""

    trial_id: str
    configuration: dict[str, Value]  # the searched values, by the name of the input
    kept: dict[str, str] = field(default_factory=dict)  # entries of the rest: pickled, in hexadecimal
    checkpoint: str | None  # its path, below the experiment's directory; None: new weights
    metrics: dict[str, Value]  # that Tune keeps with the checkpoint
    written: int  # number of the newest checkpoint that the trial itself has written


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """Where an experiment stands at the beginning of a round."""

    state: str  # of the strategy, encoded
    target: float  # of the time attribute, when the round ends
    standings: tuple[Standing, ...]  # by the strategy's member
    scores: tuple[tuple[float, ...], ...] = field(default_factory=tuple)  # of all rounds, for people
    policy_lines: dict[str, int] = field(default_factory=dict)  # of each policy file, by the trial's id


def write_journal(trial: Trial, journal: Journal) -> None:
    """Write the journal to where the experiment of a trial is stored, all of it or nothing."""
    files, directory = experiment_of(trial)
    write_whole(files, f"{directory}/{FILE_NAME}", encode(journal))


def read_journal(trial: Trial) -> Journal | None:
    """Return the journal of a trial's experiment, or None if there is none or it is of another one.

    Raises:
        DamagedRunError: it is there and cannot be read.
    """
    files, directory = experiment_of(trial)
    path = f"{directory}/{FILE_NAME}"
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


def entries_to_keep(rests: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Return the entries that the journal keeps of each trial's configuration without its searched values."""
    names = dict.fromkeys(name for rest in rests for name in rest)
    to_keep = [name for name in names if not _is_safe(name, rests)]
    return [_pickled({name: rest[name] for name in to_keep if name in rest}) for rest in rests]


def standing_of(
    trial: Trial, donor: Trial | None, configuration: Configuration, kept: dict[str, str]
) -> Standing:
    """Return what a trial begins with if it takes over another's newest checkpoint; no donor: new weights."""
    result = None if donor is None else donor.latest_checkpoint_result
    checkpoint = None if result is None else result.checkpoint
    metrics = {} if result is None else result.metrics
    _, directory = experiment_of(trial)
    return Standing(
        trial_id=trial.trial_id,
        configuration=dict(configuration),
        kept=kept,
        checkpoint=None if checkpoint is None else checkpoint.path.removeprefix(directory).lstrip("/"),
        metrics={} if checkpoint is None else _scalars(metrics),
        written=storage_of(trial).current_checkpoint_index,
    )


def put_back(trial: Trial, standing: Standing) -> dict[str, Any]:
    """Put a trial to the checkpoint it begins a round with.

    Returns:
        Its configuration, in which the searched values may be older ones.
    """
    manager: Any = trial.run_metadata.checkpoint_manager
    # There is no public way to say which checkpoint a trial continues from; Ray's own schedulers do this.
    manager._latest_checkpoint_result = _result_of(trial, standing)
    # Tune may have stored a restored trial before the round was closed; what it writes from now on must not
    # take the place of a checkpoint that the journal names.
    storage = storage_of(trial)
    storage.current_checkpoint_index = max(storage.current_checkpoint_index, standing.written)
    kept = {name: cloudpickle.loads(bytes.fromhex(pickled)) for name, pickled in standing.kept.items()}
    return {**trial.config, **kept}


def _result_of(trial: Trial, standing: Standing) -> _TrainingResult | None:
    if standing.checkpoint is None:
        return None
    files, directory = experiment_of(trial)
    checkpoint = Checkpoint(path=f"{directory}/{standing.checkpoint}", filesystem=files)
    return _TrainingResult(checkpoint, dict(standing.metrics))


def _scalars(metrics: Mapping[str, Any]) -> dict[str, Value]:
    """Return the numbers and texts of a result: Tune reads counts of steps and seconds from it."""
    found = {}
    for name, value in metrics.items():
        plain = value.item() if isinstance(value, np.generic) else value
        if isinstance(name, str) and isinstance(plain, bool | int | float | str):
            found[name] = plain
    return found


def _is_safe(name: str, rests: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether Tune's stored trials have the same value of an entry, all of them and as it is."""
    if not all(name in rest for rest in rests):
        return False
    first = rests[0][name]
    return all(_is_equal(rest[name], first) for rest in rests) and _survives_json(first)


def _is_equal(one: Any, other: Any) -> bool:
    try:
        return one is other or bool(one == other)
    except Exception:  # arrays, and whatever else cannot be compared
        return False


def _survives_json(value: Any) -> bool:
    """Return whether Tune's encoder keeps a value: it pickles what JSON has no form for, and no more."""
    if type(value) is list:
        return all(_survives_json(item) for item in value)
    if type(value) is dict:
        return all(type(key) is str for key in value) and all(map(_survives_json, value.values()))
    if value is None or type(value) in (bool, int, float, str):
        return True
    return not isinstance(value, list | tuple | dict | int | float | str)


def _pickled(entries: Mapping[str, Any]) -> dict[str, str]:
    """Return what can be pickled; the rest stays as Tune stored it."""
    found = {}
    for name, value in entries.items():
        try:
            found[name] = cloudpickle.dumps(value).hex()
        except Exception:  # a lock or a handle: Tune could not store it either
            continue
    return found
