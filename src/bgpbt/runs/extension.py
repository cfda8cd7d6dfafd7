"""A run trained for longer than it was started for: `max_timesteps` raised, while it is under way or over.

An extended run is the run that the larger number would have given from the start, bit for bit. So it may be
extended only if the strategy plans every round that was planned in the same way with the larger number, and
remembers the same. Both are played again from the outcomes, which are all that a strategy depends on.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from bgpbt.contracts import Strategy
from bgpbt.encoding import encode
from bgpbt.errors import InputError
from bgpbt.records import Plan
from bgpbt.runs.experiment import strategy_of
from bgpbt.runs.settings import ExperimentSettings
from bgpbt.runs.stored_settings import plain_settings, settings_of
from bgpbt.storage import History, RunDirectory, SettingChange
from bgpbt.strategies import PopulationSettings

__all__ = ["Extension", "extend", "extended_to", "is_over", "reopen"]

SETTING = "max_timesteps"
"""The one setting that may be changed: it says nothing of what was done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """A run's larger length, and the strategies that it had and has by it."""

    configuration: Mapping[str, Any]  # the run's settings as plain values, with the larger number
    before: PopulationSettings
    after: PopulationSettings
    strategy_before: Strategy[Any]
    strategy_after: Strategy[Any]

    def __post_init__(self) -> None:
        if self.after.max_timesteps < self.before.max_timesteps:
            raise InputError(
                f"{SETTING} = {self.after.max_timesteps} is less than the {self.before.max_timesteps} of "
                f"the run that is there; it can be raised, and not lowered"
            )


def extended_to(run: RunDirectory, max_timesteps: int) -> RunDirectory:
    """Extend a run that `bgpbt train` made; its own length changes nothing.

    Raises:
        InputError: as `extend` does, or the run is a replay or was made with a trainer of the user's.
        DamagedRunError: the run is damaged.
    """
    stored = settings_of(run)
    if max_timesteps == stored.max_timesteps:
        return run
    if stored.schedule is not None:
        raise InputError(
            f"{SETTING} = {max_timesteps}: {run.path} trains along a schedule, which has its length"
        )
    return extend(run, _extension(stored, replace(stored, max_timesteps=max_timesteps)))


def extend(run: RunDirectory, extension: Extension) -> RunDirectory:
    """Let a run train for longer; what was done stays as it is. `reopen` is to follow.

    Raises:
        InputError: the number is lowered, rounds that were planned depend on it, nothing would be trained, or
            a process is writing the run.
        DamagedRunError: the run is damaged.
        StorageError: the file system refuses.
    """
    with run.locked(), run.open_history() as history:
        plans = history.plans()
        if plans:
            _check_past(run, history, plans, extension)
        change = SettingChange(
            setting=SETTING,
            before=extension.before.max_timesteps,
            after=extension.after.max_timesteps,
            round=len(plans) - 1,
            step=_end(plans[-1]) if plans else 0,
            changed=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        return run.changed(extension.configuration, change)


def reopen(run: RunDirectory, history: History, strategy: Strategy[Any]) -> None:
    """Plan the next round of a run that was over when it was extended; any other stays as it is.

    Raises:
        DamagedRunError: what is stored is of another strategy.
    """
    if not _is_waiting(run, history):
        return
    plans = history.plans()
    state, _ = strategy.start(run.description.seed)
    plan: Plan | None = None
    for stored in plans:
        state, plan = strategy.advance(state, history.outcomes(stored.round))
    if plan is not None:
        history.open_round(state, plan)


def is_over(run: RunDirectory, history: History) -> bool:
    """Return whether there is nothing left to train."""
    position = history.position(dict)
    return position is not None and position.plan is None and not _is_waiting(run, history)


def _is_waiting(run: RunDirectory, history: History) -> bool:
    """Return whether a run was over when it was extended, and its next round is not planned yet."""
    changes = run.description.changes
    position = history.position(dict) if changes else None
    return position is not None and position.plan is None and changes[-1].round == history.plans()[-1].round


def _extension(before: ExperimentSettings, after: ExperimentSettings) -> Extension:
    return Extension(
        configuration=plain_settings(after),
        before=before.population_settings,
        after=after.population_settings,
        strategy_before=strategy_of(before),
        strategy_after=strategy_of(after),
    )


def _check_past(run: RunDirectory, history: History, plans: list[Plan], extension: Extension) -> None:
    """Play all rounds again by both numbers."""
    strategies = (extension.strategy_before, extension.strategy_after)
    seed = run.description.seed
    played: list[tuple[Any, Plan | None]] = [strategy.start(seed) for strategy in strategies]
    for stored in plans:
        (before, plan_before), (after, plan_after) = played
        if encode(plan_before) != encode(stored):
            raise InputError(
                f"{run.path} can be resumed, and not extended: this version of bgpbt, or this machine, plans "
                f"round {stored.round + 1} otherwise than it was planned"
            )
        if encode(plan_after) != encode(stored) or encode(after) != encode(before):
            raise InputError(_refusal(run, stored, extension))
        outcomes = history.outcomes(stored.round)
        if len(outcomes) < len(stored.orders):
            return  # under way
        played = [
            strategy.advance(state, outcomes) for strategy, (state, _) in zip(strategies, played, strict=True)
        ]
    if played[1][1] is None:
        raise InputError(
            f"{SETTING} = {extension.after.max_timesteps} does not lengthen {run.path}, "
            f"which its budget ended"
        )


def _refusal(run: RunDirectory, stored: Plan, extension: Extension) -> str:
    after = extension.after
    return (
        f"{SETTING} = {after.max_timesteps}: {run.path} cannot be extended, since "
        f"{_reason(stored, extension.before)}; start a run of that length in another directory"
    )


def _reason(stored: Plan, settings: PopulationSettings) -> str:
    """Return why a round would have been another one in a longer run."""
    if settings.t_ready_end is not None:
        return "t_ready_end makes the length of its rounds depend on the length of the run"
    if settings.is_race or settings.copy_after > 0.0:
        return (
            "members leave or copying begins at shares of the whole run, unless population_schedule = paper"
        )
    if _end(stored) >= settings.max_timesteps:
        return f"its last round was cut to end at {settings.max_timesteps} steps"
    return f"its strategy does in round {stored.round + 1} what depends on the length of the run"


def _end(plan: Plan) -> int:
    return max(order.first_step + order.steps for order in plan.orders)
