"""The commands: the only place that prints."""

import errno
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro
from tyro.conf import arg

from bgpbt import envs
from bgpbt.cli.arguments import TrainArguments
from bgpbt.cli.care import (
    CollectArguments,
    DoctorArguments,
    PinArguments,
    collect_garbage,
    examine_run,
    pin_member,
)
from bgpbt.cli.export import ExportArguments, export
from bgpbt.cli.figures import CompareArguments, FiguresArguments, compare_runs, draw_figures
from bgpbt.cli.output import let_go_of_output
from bgpbt.cli.placement import PlacementArguments
from bgpbt.cli.policy import (
    EvaluateArguments,
    ImportArguments,
    PolicyArguments,
    evaluate_policy,
    import_policy,
    take_policy,
)
from bgpbt.cli.render import RenderArguments, render
from bgpbt.cli.schedule import ReplayArguments, ScheduleArguments, replay_schedule, take_schedule
from bgpbt.cli.session import INTERRUPTED, resume_run, start_run
from bgpbt.cli.study import StudyArguments, run_study
from bgpbt.cli.watch import ReportArguments, WatchArguments, report, watch
from bgpbt.errors import BgpbtError
from bgpbt.runs import TOY_PREFIX
from bgpbt.toys import toy_names

__all__ = ["main"]

BAD_INPUT = 2
"""Exit status of a user's mistake; nothing has been touched."""


OUTPUT_GONE = 1
"""Exit status of a command that could not print all it had to say."""

_OUTPUT_GONE = (errno.EPIPE, errno.ENOSPC, errno.EIO)


@dataclass(frozen=True, kw_only=True)
class ResumeArguments(PlacementArguments):
    """Go on with a run that was interrupted."""

    run: tyro.conf.Positional[Path]
    """The run's directory."""
    max_parallel: Annotated[int | None, arg(aliases=["-mp"])] = None
    """Members trained at the same time, at most."""
    verbose: Annotated[bool, tyro.conf.FlagCreatePairsOff, arg(aliases=["-v"])] = False
    """Print a line for every member, not only for every round."""


@dataclass(frozen=True, kw_only=True)
class EnvsArguments:
    """List the tasks."""


_Arguments = (
    Annotated[TrainArguments, tyro.conf.subcommand("train")]
    | Annotated[ResumeArguments, tyro.conf.subcommand("resume")]
    | Annotated[EnvsArguments, tyro.conf.subcommand("envs")]
    | Annotated[ExportArguments, tyro.conf.subcommand("export")]
    | Annotated[PolicyArguments, tyro.conf.subcommand("policy")]
    | Annotated[EvaluateArguments, tyro.conf.subcommand("evaluate")]
    | Annotated[ImportArguments, tyro.conf.subcommand("import-policy")]
    | Annotated[RenderArguments, tyro.conf.subcommand("render")]
    | Annotated[WatchArguments, tyro.conf.subcommand("watch")]
    | Annotated[ReportArguments, tyro.conf.subcommand("report")]
    | Annotated[FiguresArguments, tyro.conf.subcommand("figures")]
    | Annotated[CompareArguments, tyro.conf.subcommand("compare")]
    | Annotated[StudyArguments, tyro.conf.subcommand("study")]
    | Annotated[ScheduleArguments, tyro.conf.subcommand("schedule")]
    | Annotated[ReplayArguments, tyro.conf.subcommand("replay")]
    | Annotated[DoctorArguments, tyro.conf.subcommand("doctor")]
    | Annotated[PinArguments, tyro.conf.subcommand("pin")]
    | Annotated[CollectArguments, tyro.conf.subcommand("gc")]
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    chosen = tyro.cli(
        _Arguments,
        args=arguments,
        prog="bgpbt",
        description="Bayesian Generational Population-Based Training",
    )
    try:
        status = COMMANDS[type(chosen)](chosen)
        sys.stdout.flush()  # here, where an error is a line
        return status
    except BgpbtError as error:
        print(f"bgpbt: {error}", file=sys.stderr)
        return BAD_INPUT
    except OSError as error:
        if error.filename is not None or error.errno not in _OUTPUT_GONE:
            raise
        let_go_of_output(error)  # a pipe that was closed, a disk that is full
        return OUTPUT_GONE
    except KeyboardInterrupt:  # before or after the work, which ends in its own way
        print("bgpbt: interrupted", file=sys.stderr)
        return INTERRUPTED


def _train(arguments: TrainArguments) -> int:
    runs = arguments.runs()
    for flag in arguments.inert_flags():
        print(f"bgpbt: note: {flag} changes nothing with -sm hpo", file=sys.stderr)
    for path, settings in runs.items():
        status = start_run(
            settings,
            path,
            arguments.exist,
            placement=arguments,
            max_parallel=arguments.max_parallel,
            verbose=arguments.verbose,
        )
        if status != 0:
            return status
    return 0


def _resume(arguments: ResumeArguments) -> int:
    return resume_run(
        arguments.run,
        placement=arguments,
        max_parallel=arguments.max_parallel,
        verbose=arguments.verbose,
    )


def _list_environments(_: EnvsArguments) -> int:
    for name in (*envs.names(), *(f"{TOY_PREFIX}{toy}" for toy in toy_names())):
        print(name)
    return 0


COMMANDS: Mapping[type, Callable[[Any], int]] = {
    TrainArguments: _train,
    ResumeArguments: _resume,
    EnvsArguments: _list_environments,
    ExportArguments: export,
    PolicyArguments: take_policy,
    EvaluateArguments: evaluate_policy,
    ImportArguments: import_policy,
    RenderArguments: render,
    WatchArguments: watch,
    ReportArguments: report,
    FiguresArguments: draw_figures,
    CompareArguments: compare_runs,
    StudyArguments: run_study,
    ScheduleArguments: take_schedule,
    ReplayArguments: replay_schedule,
    DoctorArguments: examine_run,
    PinArguments: pin_member,
    CollectArguments: collect_garbage,
}
"""What carries out each command, by the type of its arguments."""
