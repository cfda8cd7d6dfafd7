"""`bgpbt doctor`, `pin` and `gc`: what is intact in a run, what is kept, and what may go."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from tyro.conf import arg

from bgpbt.errors import InputError
from bgpbt.records import Checkpoint
from bgpbt.runs import assemble, bytes_of, is_of_own_trainer, recover, settings_from
from bgpbt.storage import Examination, RunDirectory, examine, lock_run, open_run

__all__ = [
    "CollectArguments",
    "DoctorArguments",
    "PinArguments",
    "collect_garbage",
    "examine_run",
    "pin_member",
]

DAMAGED = 1
"""Exit status of an examination that found damage."""


@dataclass(frozen=True, kw_only=True)
class DoctorArguments:
    """Say what of a run is intact and what is damaged; with --recover, make it whole."""

    run: tyro.conf.Positional[Path]
    """The run's directory."""
    recover: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Compute again what is lost. Damaged files are kept in RUN/damaged, none is removed."""


@dataclass(frozen=True, kw_only=True)
class PinArguments:
    """Keep a member's checkpoint although nothing else needs it, or let it go."""

    run: tyro.conf.Positional[Path]
    """The run's directory."""
    round: tyro.conf.Positional[int]
    """The round, counted from 1 as in the progress."""
    member: tyro.conf.Positional[int]
    """The member in that round."""
    note: str = ""
    """Why, for people."""
    remove: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Let it go instead."""


@dataclass(frozen=True, kw_only=True)
class CollectArguments:
    """Remove the checkpoints that a run cannot need any more, as it does itself after every round."""

    run: tyro.conf.Positional[Path]
    """The run's directory."""
    budget: Annotated[str | None, arg(metavar="SIZE")] = None
    """Complain if more than this is left, such as 500MB or 2GB."""


def examine_run(arguments: DoctorArguments) -> int:
    """Examine a run and, if asked to, recover it; return the exit status.

    Raises:
        BgpbtError: there is no run, or it cannot be recovered.
    """
    examination = examine(arguments.run)
    _print(examination)
    if examination.is_intact:
        return 0
    if not arguments.recover:
        print(_outlook(examination, arguments.run))
        return DAMAGED
    description = examination.description
    if description is None or is_of_own_trainer(description.configuration):
        raise InputError(_outlook(examination, arguments.run))
    settings = settings_from(description.configuration, source=f"{arguments.run / 'run.json'}")
    experiment = assemble(settings)
    with lock_run(arguments.run):
        recover(arguments.run, experiment.strategy, experiment.trainer, settings.seed, print)
    print(f"the run is whole; go on with: bgpbt resume {arguments.run}")
    return 0


def pin_member(arguments: PinArguments) -> int:
    """Pin a checkpoint or let it go; return the exit status.

    Raises:
        BgpbtError: there is no such member, or its checkpoint is gone.
    """
    run = open_run(arguments.run)
    with run.locked(), run.open_history() as history:
        made = {(order.round + 1, order.member): outcome for order, outcome in history.trained()}
        outcome = made.get((arguments.round, arguments.member))
        if outcome is None or outcome.checkpoint is None:
            raise InputError(
                f"{arguments.run}: member {arguments.member} of round {arguments.round} left no checkpoint"
            )
        if arguments.remove:
            history.unpin(outcome.checkpoint)
            print(f"{outcome.checkpoint}: not pinned any more")
            return 0
        if outcome.checkpoint not in run.checkpoints.stored():
            raise InputError(
                f"{arguments.run}: the checkpoint of member {arguments.member} of round {arguments.round} is "
                f"gone already; its schedule can be replayed"
            )
        history.pin(outcome.checkpoint, arguments.note)
    print(f"{outcome.checkpoint}: pinned")
    return 0


def collect_garbage(arguments: CollectArguments) -> int:
    """Remove what a run cannot need; return the exit status.

    Raises:
        BgpbtError: a process is writing the run, or more than the budget is left.
    """
    budget = None if arguments.budget is None else bytes_of(arguments.budget, "budget")
    run = open_run(arguments.run)
    with run.locked(), run.open_history() as history:
        before = run.checkpoints.total_bytes()
        referenced, pinned = history.referenced(), history.pins()
        run.checkpoints.remove_all_but(referenced)
    left = run.checkpoints.total_bytes()
    kept = len(run.checkpoints.stored())
    print(f"{before - left:,} bytes freed; {kept} checkpoints of {left:,} bytes kept")
    if budget is not None and left > budget:
        of_pins = _size(run, pinned)
        raise InputError(
            f"budget = {arguments.budget} is exceeded by {left - budget:,} bytes; pinned checkpoints take "
            f"{of_pins:,} bytes, and what the run needs to go on {left - of_pins:,}"
        )
    return 0


def _print(examination: Examination) -> None:
    intact = sum(finding.problem is None for finding in examination.findings)
    print(f"{intact} of {len(examination.findings)} files are intact")
    for finding in examination.findings:
        if finding.problem:
            spare = "" if finding.is_needed else " (the run does not need it)"
            print(f"  {finding.problem}{spare}")


def _outlook(examination: Examination, path: Path) -> str:
    if examination.description is None:
        return f"{path}: without run.json nobody knows how to go on; put it back from a copy"
    if is_of_own_trainer(examination.description.configuration):
        return f"{path} was made with a trainer of your own; recover it in a script, with bgpbt.runs.recover"
    return f"bgpbt doctor {path} --recover computes again what is lost"


def _size(run: RunDirectory, checkpoints: Mapping[Checkpoint, str]) -> int:
    paths = (run.checkpoints.path(checkpoint) for checkpoint in checkpoints)
    return sum(path.stat().st_size for path in paths if path.exists())
