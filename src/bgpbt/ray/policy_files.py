"""What made each trial, in the files of Ray's PBT, for `ray.tune.schedulers.PopulationBasedTrainingReplay`.

`pbt_policy_ID.txt` has a line of JSON for every change along the lineage of a trial, and `pbt_global.txt` one
for every change of all trials: the tag of the trial that changes, that of its donor, the training iterations
of both, the donor's configuration, and the new one (`PopulationBasedTraining._log_config_on_step`).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow.fs
from ray.air._internal.json import SafeFallbackEncoder
from ray.tune.experiment import Trial

from bgpbt.ray.files import experiment_of, write_whole

__all__ = ["Transition", "record_transitions"]

GLOBAL = "global"  # in place of a trial's id: all lines together
ITERATION = "training_iteration"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """A trial that continues with another configuration, or from another checkpoint."""

    trial: Trial
    donor: Trial | None  # the trial itself if it keeps its weights; None: it begins with new weights
    before: Mapping[str, Any]  # configuration of the donor
    after: Mapping[str, Any]  # configuration that the trial continues with

    def line(self) -> str:
        """Return the line of Ray's format."""
        donor = self.donor or self.trial
        parts = [
            self.trial.experiment_tag,
            donor.experiment_tag,
            self.trial.last_result.get(ITERATION, 0),
            donor.last_result.get(ITERATION, 0),
            dict(self.before),
            dict(self.after),
        ]
        return json.dumps(parts, cls=SafeFallbackEncoder, skipkeys=True)


def record_transitions(lengths: Mapping[str, int], transitions: Sequence[Transition]) -> dict[str, int]:
    """Write what has changed with a round.

    Args:
        lengths: lines of each file that belong to earlier rounds, by the trial's id; a line beyond them was
            written by a process that was killed before its round was closed, and is dropped.
        transitions: of the round.

    Returns:
        The lines that each file has now.
    """
    if not transitions:
        return dict(lengths)
    files, directory = experiment_of(transitions[0].trial)

    def lines_of(name: str) -> list[str]:
        return _lines(files, f"{directory}/{_file_name(name)}")[: lengths.get(name, 0)]

    lineages = {
        transition.trial.trial_id: []
        if transition.donor is None
        else [*lines_of(transition.donor.trial_id), transition.line()]
        for transition in transitions
    }
    lineages[GLOBAL] = [*lines_of(GLOBAL), *(transition.line() for transition in transitions)]
    for name, lines in lineages.items():
        write_whole(files, f"{directory}/{_file_name(name)}", "".join(f"{line}\n" for line in lines))
    return {**lengths, **{name: len(lines) for name, lines in lineages.items()}}


def _file_name(name: str) -> str:
    return "pbt_global.txt" if name == GLOBAL else f"pbt_policy_{name}.txt"


def _lines(files: Any, path: str) -> list[str]:
    if files.get_file_info(path).type != pyarrow.fs.FileType.File:
        return []
    with files.open_input_stream(path) as stream:
        content: bytes = stream.readall()
    return content.decode().splitlines()
