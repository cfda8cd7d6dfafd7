"""The commands: the only place that prints."""

import errno
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import tyro
from tyro.conf import arg

import bgpbt
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
from bgpbt.cli.config_file import with_config
from bgpbt.cli.dry_run import say_plan
from bgpbt.cli.export import ExportArguments, export
from bgpbt.cli.figures import CompareArguments, FiguresArguments, compare_runs, draw_figures
from bgpbt.cli.flags import check_paths, in_flags
from bgpbt.cli.listing import ListArguments, list_runs
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
from bgpbt.cli.session import INTERRUPTED, Manner, resume_run, start_runs
from bgpbt.cli.steps import Steps
from bgpbt.cli.study import StudyArguments, run_study
from bgpbt.cli.watch import ReportArguments, WatchArguments, report, watch
from bgpbt.errors import BgpbtError, InputError, NotInSpaceError
from bgpbt.runs import TOY_PREFIX, remarks_of
from bgpbt.toys import toy_names

__all__ = ["main"]

BAD_INPUT = 2
"""Exit status of a user's mistake; nothing has been touched."""

_MOST_SHOWN = 200  # characters of a path

OUTPUT_GONE = 1
"""Exit status of a command that could not print all it had to say."""

_OUTPUT_GONE = (errno.EPIPE, errno.ENOSPC, errno.EIO)


@dataclass(frozen=True, kw_only=True)
class ResumeArguments(PlacementArguments):
    """Continue a run that was interrupted, or train one for longer than it was started for."""

    run: tyro.conf.Positional[Path]
    """The run's directory."""
    max_timesteps: Annotated[Steps | None, arg(aliases=["-mt"])] = None
    """Environment steps of a member in all, if they are to be more than the run was started for. It becomes
    the run that would have been started so, bit for bit, or is refused where that is another run."""
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
    | Annotated[ListArguments, tyro.conf.subcommand("list")]
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
    typed = list(sys.argv[1:] if arguments is None else arguments)
    if typed[:1] == ["--version"] or (typed[:1] == ["train"] and "--version" in typed):
        print(f"bgpbt {bgpbt.__version__}")
        return 0
    if typed[:1] == ["train"]:
        try:
            typed = ["train", *with_config(typed[1:], TrainArguments)]
        except InputError as error:
            print(f"bgpbt: {error}", file=sys.stderr)
            return BAD_INPUT
    chosen = tyro.cli(
        _Arguments,
        args=typed,
        prog="bgpbt",
        description="Bayesian Generational Population-Based Training",
    )
    return _carried_out(chosen, typed)


def _carried_out(chosen: Any, typed: Sequence[str]) -> int:
    """Carry out a command; what it refuses is one line, in the words of the command line."""
    in_words = partial(in_flags, command=type(chosen), arguments=typed)
    try:
        check_paths(chosen, typed)
        if isinstance(chosen, TrainArguments):
            _note(chosen, in_words)
        status = COMMANDS[type(chosen)](chosen)
        sys.stdout.flush()  # here, where an error is a line
        return status
    except NotInSpaceError as error:  # an input may be called as a flag is
        print(f"bgpbt: {error}", file=sys.stderr)
        return BAD_INPUT
    except BgpbtError as error:
        print(f"bgpbt: {in_words(str(error))}", file=sys.stderr)
        return BAD_INPUT
    except OSError as error:
        if error.filename is None and error.errno in _OUTPUT_GONE:
            let_go_of_output(error)  # a pipe that was closed, a disk that is full
            return OUTPUT_GONE
        if error.filename is None:  # of no file that was named
            raise
        print(f"bgpbt: {_shown_path(error.filename)}: {error.strerror}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:  # before or after the work, which ends in its own way
        print("bgpbt: interrupted", file=sys.stderr)
        return INTERRUPTED


def _shown_path(path: object) -> str:
    """Return a path as a message shows it: one that is too long for the system is too long for a line."""
    text = f"{path}"
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}..."


def _note(arguments: TrainArguments, in_words: Callable[[str], str]) -> None:
    settings = next(iter(arguments.runs().values()))  # what is not allowed is said alone
    for note in (*map(in_words, arguments.notes()), *remarks_of(settings)):
        print(f"bgpbt: note: {note}", file=sys.stderr)


def _train(arguments: TrainArguments) -> int:
    runs = arguments.runs()
    do = say_plan if arguments.dry_run else start_runs
    return do(runs, arguments.exist, _manner(arguments))


def _resume(arguments: ResumeArguments) -> int:
    return resume_run(arguments.run, _manner(arguments), max_timesteps=arguments.max_timesteps)


def _manner(arguments: TrainArguments | ResumeArguments) -> Manner:
    return Manner(placement=arguments, max_parallel=arguments.max_parallel, verbose=arguments.verbose)


def _list_environments(_: EnvsArguments) -> int:
    for name in (*envs.names(), *(f"{TOY_PREFIX}{toy}" for toy in toy_names())):
        print(name)
    return 0


COMMANDS: Mapping[type, Callable[[Any], int]] = {
    TrainArguments: _train,
    ResumeArguments: _resume,
    ListArguments: list_runs,
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
