"""`bgpbt schedule` and `bgpbt replay`: what made the best member as a file, and an agent trained along it."""

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

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
    schedule_as_csv,
    schedule_as_python,
    schedule_as_ray,
    schedule_of,
    segments_of,
    settings_from,
    settings_of,
    write_schedule,
)
from bgpbt.runs.schedule_formats import ENDINGS
from bgpbt.storage import RunDirectory, open_run
from bgpbt.storage.files import write_durably
from bgpbt.strategies import Schedule

__all__ = ["ReplayArguments", "ScheduleArguments", "replay_schedule", "take_schedule"]


@dataclass(frozen=True, kw_only=True)
class ScheduleArguments:
    """Write the ancestry of a run's best member as a schedule: which configuration from which step on."""

    run: tyro.conf.Positional[Path]
    """The run's directory; the run may be under way."""
    format: Annotated[Literal["yaml", "json", "csv", "ray", "python"], arg(aliases=["-f"])] = "yaml"
    """YAML or JSON for bgpbt replay, a table (csv), for PopulationBasedTrainingReplay of Ray (ray), or
    a module of functions of the step for any loop, optax, Brax and Stable-Baselines3 (python)."""
    output: Annotated[Path | None, arg(aliases=["-o"])] = None
    """File to write; without it, the run's name with an ending of its own in the current directory."""
    steps_per_iteration: int | None = None
    """Steps of a training iteration of Ray (format ray); the run's t_ready without it."""


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


_OF_THE_LINE = ("csv", "ray", "python")


def take_schedule(arguments: ScheduleArguments) -> int:
    """Write the schedule of a run's best member; return the exit status.

    Raises:
        BgpbtError: the run has none, or a file cannot be read or written.
    """
    run = open_run(arguments.run)
    best, trained = best_of_run(run)
    schedule = schedule_of(best.trained, trained)
    name = arguments.run.resolve().name
    if arguments.format == "python":
        name = re.sub(r"\W", "_", name)  # a module that can be imported
    output = arguments.output or Path(f"{name}{ENDINGS[arguments.format]}")
    _write(arguments, run, schedule, output)
    line = segments_of(schedule)
    if arguments.format in _OF_THE_LINE and len(line) < len(schedule.stretches):
        print(f"bgpbt: note: {output} leaves out what trained the teachers of this member", file=sys.stderr)
    print(
        f"{output}: {len(schedule.stretches)} stretches, {schedule.steps:,} environment steps, "
        f"return in selection {best.outcome.score:.6g}"
    )
    return 0


def _write(arguments: ScheduleArguments, run: RunDirectory, schedule: Schedule, output: Path) -> None:
    if arguments.steps_per_iteration is not None and arguments.format != "ray":
        raise InputError(f"steps_per_iteration = {arguments.steps_per_iteration} needs --format ray")
    stored = run.description.configuration
    match arguments.format:
        case "csv":
            text = schedule_as_csv(schedule)
        case "ray":
            steps = arguments.steps_per_iteration
            text = schedule_as_ray(schedule, _t_ready(stored) if steps is None else steps)
        case "python":
            text = schedule_as_python(schedule, source=f"the run {run.path.resolve().name}")
        case _:
            settings = stored if is_of_own_trainer(stored) else plain_settings(settings_of(run))
            file = ScheduleFile(settings=settings, schedule=schedule)
            return write_schedule(output, file, as_json=arguments.format == "json")
    return write_durably(output, text.encode())


def _t_ready(stored: Mapping[str, Any]) -> int:
    """Return the steps of a round, in what `bgpbt train` or `optimise` stored."""
    return int((stored["settings"] if is_of_own_trainer(stored) else stored)["t_ready"])


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
    name = arguments.schedule.name.removesuffix(".yaml").removesuffix(".json").removesuffix(".schedule")
    suffix = "replay" if arguments.seed is None else f"replay-seed{arguments.seed}"
    path = arguments.save_dir / f"{name}-{suffix}"
    return start_run(settings, path, arguments.exist, Manner(placement=arguments, max_parallel=1))
