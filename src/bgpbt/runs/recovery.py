"""A damaged run made whole: what is lost is computed again, and comes out the same to the byte.

A strategy is pure, so its state follows from the outcomes; a trainer is deterministic, so a checkpoint
follows from its order. Damaged files are kept aside.
"""

import shutil
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bgpbt.analysis.lineage import Makers
from bgpbt.contracts import Strategy, Trainer
from bgpbt.errors import DamagedRunError
from bgpbt.records import Checkpoint, Outcome, Plan
from bgpbt.storage import (
    CHECKPOINTS_DIRECTORY,
    HISTORY_FILE,
    CheckpointStore,
    Examination,
    History,
    RunDescription,
    changed_conditions,
    examine,
    moved_note,
    salvage,
    salvage_pins,
    salvage_plans,
)
from bgpbt.storage.files import sync_directory
from bgpbt.storage.progress import beside, progress_path

__all__ = ["recover"]

Say = Callable[[str], None]


def recover(path: Path, strategy: Strategy[Any], trainer: Trainer, seed: int, say: Say) -> None:
    """Make a damaged run whole; hold its lock meanwhile.

    Args:
        path: the run's directory, whose description is intact.
        strategy: the run's.
        trainer: the run's.
        seed: of the run.
        say: told in one line of everything that is done.

    Raises:
        DamagedRunError: the strategy or the trainer does something else than it did; the text names what is
            different here from where the run began.
        StorageError: a file cannot be read or written.
    """
    examination = examine(path)
    if examination.description is not None and (note := moved_note(path, examination.description)):
        say(note)
    try:
        _make_whole(path, examination, strategy, trainer, seed, say)
    except _NotRepeatedError as error:
        raise DamagedRunError(f"{error}; {_reason(examination.description)}") from error


class _NotRepeatedError(DamagedRunError):
    """Something was computed again and came out different."""


def _reason(description: RunDescription | None) -> str:
    """Return why a run may not repeat here."""
    changed = () if description is None else changed_conditions(description)
    if changed:
        return f"results depend on what has changed since the run began: {'; '.join(changed)}"
    return (
        "cores, machine and versions are those that the run began with, so it was continued with others, "
        "or its trainer is not deterministic or was changed"
    )


def _make_whole(
    path: Path,
    examination: Examination,
    strategy: Strategy[Any],
    trainer: Trainer,
    seed: int,
    say: Say,
) -> None:
    if not examination.history_is_intact:
        _rebuild_history(path, strategy, seed, say)
        examination = examine(path)
    store = CheckpointStore(path / CHECKPOINTS_DIRECTORY)
    aside = _aside(path)
    for finding in examination.findings:
        if finding.problem and finding.path.exists() and finding.path.parent == store.directory:
            _move_aside(finding.path, aside, say)
    with History.open(path / HISTORY_FILE) as history:
        makers, wanted = Makers(history.trained()), sorted(history.referenced())
    for checkpoint in wanted:
        if not _is_intact(store, checkpoint):
            _make_again(checkpoint, makers, trainer, store, say)
    store.remove_all_but(wanted)  # the others were only needed on the way


def _rebuild_history(path: Path, strategy: Strategy[Any], seed: int, say: Say) -> None:
    """Write a new history from the rows that are intact, up to the first round that lacks an outcome."""
    damaged = path / HISTORY_FILE
    outcomes, plans = salvage(damaged), salvage_plans(damaged)
    building = path / f"{HISTORY_FILE}.recovered"
    for left_over in (building, *beside(building)):
        left_over.unlink(missing_ok=True)
    with History.create(building) as history:
        kept = _play(strategy, seed, history, outcomes, plans)
        for checkpoint, note in salvage_pins(damaged).items():
            history.pin(checkpoint, note)
    _replace_history(damaged, building, _aside(path), say)
    say(f"{damaged}: written again with {kept} outcomes; {len(outcomes) - kept} intact ones come too late")


def _replace_history(damaged: Path, building: Path, aside: Path, say: Say) -> None:
    """Put a new history in the place of a damaged one, of which a copy is kept.

    Whatever instant the process dies at, there is a history, and one that holds less than was noted is
    recovered again: the old note goes last.
    """
    aside.mkdir(parents=True, exist_ok=True)
    for file in (damaged, *beside(damaged)):
        if file.exists():
            shutil.copy2(file, aside)
            say(f"{file}: copied to {aside}")
    for log in beside(damaged):
        if log != progress_path(damaged):
            log.unlink(missing_ok=True)  # before the new file is there, to which it does not belong
    building.replace(damaged)
    progress_path(building).replace(progress_path(damaged))
    sync_directory(damaged.parent)


def _play(
    strategy: Strategy[Any],
    seed: int,
    history: History,
    outcomes: Mapping[tuple[int, int], Outcome],
    plans: Mapping[int, Plan],
) -> int:
    """Let the strategy plan again round by round; return how many outcomes are in the history then."""
    kept = 0
    plan: Plan | None
    state, plan = strategy.start(seed)
    history.open_round(state, plan)
    while plan is not None:
        if plans.get(plan.round, plan) != plan:
            raise _NotRepeatedError(f"the strategy does not plan round {plan.round + 1} as it did")
        found = [outcomes[plan.round, o.member] for o in plan.orders if (plan.round, o.member) in outcomes]
        for outcome in found:
            history.commit_outcome(outcome)
        kept += len(found)
        if len(found) < len(plan.orders):
            return kept
        state, plan = strategy.advance(state, found)
        history.open_round(state, plan)
    return kept


def _make_again(
    checkpoint: Checkpoint,
    makers: Makers,
    trainer: Trainer,
    store: CheckpointStore,
    say: Say,
    before: int | None = None,
) -> None:
    """Train a lost checkpoint again, and before it whatever it starts from that is lost too."""
    maker = makers.of(checkpoint, before)
    if maker is None:
        raise DamagedRunError(f"{store.path(checkpoint)} is lost, and no order in the history made it")
    order = maker.order
    for needed in order.start.reads:
        if not _is_intact(store, needed):
            _make_again(needed, makers, trainer, store, say, before=order.round)
    if _is_intact(store, checkpoint):
        return  # the order left what it had read
    outcome = trainer.train(order, store)
    if outcome.checkpoint != checkpoint:
        raise _NotRepeatedError(
            f"member {order.member} of round {order.round + 1} does not repeat: its checkpoint is now "
            f"{outcome.checkpoint} and was {checkpoint}"
        )
    say(f"member {order.member} of round {order.round + 1}: trained again, same bytes")


def _is_intact(store: CheckpointStore, checkpoint: Checkpoint) -> bool:
    try:
        store.verify(checkpoint)
    except DamagedRunError:
        return False
    return True


def _aside(path: Path) -> Path:
    return path / "damaged" / datetime.now(UTC).strftime("%Y%m%dT%H%M%S")


def _move_aside(file: Path, aside: Path, say: Say) -> None:
    aside.mkdir(parents=True, exist_ok=True)
    file.rename(aside / file.name)
    say(f"{file}: moved to {aside}")
