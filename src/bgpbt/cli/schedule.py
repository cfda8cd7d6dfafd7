"""`bgpbt schedule` and `bgpbt replay`: what made the best member as a file, and an agent trained along it."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import tyro
from tyro.conf import arg

from bgpbt.cli.placement import PlacementArguments
from bgpbt.cli.session import Manner, start_run
from bgpbt.encoding import encode
from bgpbt.errors import InputError
from bgpbt.runs import (
    ScheduleFile,
    best_of_run,
    is_of_own_trainer,
    plain_settings,
    read_schedule,
    schedule_of,
    settings_from,
    settings_of,
    write_schedule,
)
from bgpbt.storage import open_run

__all__ = ["ReplayArguments", "ScheduleArguments", "replay_schedule", "take_schedule"]


@dataclass(frozen=True, kw_only=True)
class ScheduleArguments:
    """Write the ancestry of a run's best member as a schedule: which configuration from which step on."""

    run: tyro.conf.Positional[Path]
    """The run's directory; the run may be under way."""
    output: Annotated[Path | None, arg(aliases=["-o"])] = None
    """File to write (YAML); without it, the run's name with .schedule.yaml in the current directory."""


@dataclass(frozen=True, kw_only=True)
class ReplayArguments(PlacementArguments):
    """Train one agent along a schedule, from fresh weights."""

    schedule: tyro.conf.Positional[Path]
    """File that bgpbt schedule wrote."""
    seed: int | None = None
    """Train with other seeds than the schedule was found with; without it, every stretch is repeated to the
    byte."""
    exist: Annotated[Literal["overwrite", "resume"] | None, arg(aliases=["-exist"])] = None
    """What to do with a replay that is there already; without it, nothing is touched."""
    save_dir: Annotated[Path, arg(aliases=["-sd"])] = Path("runs")
    """Directory that holds the replay's directory."""


def take_schedule(arguments: ScheduleArguments) -> int:
    """Write the schedule of a run's best member; return the exit status.

    Raises:
        BgpbtError: the run has none, or a file cannot be read or written.
    """
    run = open_run(arguments.run)
    best, trained = best_of_run(run)
    schedule = schedule_of(best.trained, trained)
    output = arguments.output or Path(f"{arguments.run.resolve().name}.schedule.yaml")
    stored = run.description.configuration
    settings = stored if is_of_own_trainer(stored) else plain_settings(settings_of(run))
    write_schedule(output, ScheduleFile(settings=settings, schedule=schedule))
    print(
        f"{output}: {len(schedule.stretches)} stretches, {schedule.steps:,} environment steps, "
        f"return in selection {best.outcome.score:.6g}"
    )
    return 0


def replay_schedule(arguments: ReplayArguments) -> int:
    """Train along a schedule; return the exit status.

    Raises:
        BgpbtError: the file is not a schedule, or the place is taken.
    """
    file = read_schedule(arguments.schedule)
    if is_of_own_trainer(file.settings):
        raise InputError(
            f"{arguments.schedule} was found with a trainer of your own; "
            f"replay it in a script, with bgpbt.strategies.Replay and bgpbt.execution.run_loop"
        )
    settings = replace(
        settings_from(file.settings, source=f"{arguments.schedule}"),
        schedule=encode(file.schedule),
        reseed=arguments.seed is not None,
    )
    if arguments.seed is not None:
        settings = replace(settings, seed=arguments.seed)
    name = arguments.schedule.name.removesuffix(".yaml").removesuffix(".schedule")
    suffix = "replay" if arguments.seed is None else f"replay-seed{arguments.seed}"
    path = arguments.save_dir / f"{name}-{suffix}"
    return start_run(settings, path, arguments.exist, Manner(placement=arguments, max_parallel=1))
