"""`bgpbt study`: strategies x tasks x seeds, done or gone on with, then compared."""

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import tyro
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from tyro.conf import arg

from bgpbt.cli.output import lasting_console
from bgpbt.cli.progress import duration, say
from bgpbt.cli.session import INTERRUPTED
from bgpbt.errors import InputError
from bgpbt.execution import StopRequested

if TYPE_CHECKING:
    from bgpbt.study import Finished, Protocol, Result, Scale, Stepped, StudyRun, Workers

__all__ = ["StudyArguments", "run_study"]


@dataclass(frozen=True, kw_only=True)
class StudyArguments:
    """Compare strategies over tasks and seeds on equal budgets. A study that was ended is gone on with."""

    protocol: tyro.conf.Positional[Path]
    """TOML file that says what is compared: `benchmarks/protocol.toml` is ours."""
    scale: str = "smoke"
    """Which of its scales: how many tasks and seeds, and what a run may cost."""
    directory: Annotated[Path | None, arg(aliases=["-d"])] = None
    """Directory of the runs; runs/study-SCALE without it."""
    output: Annotated[Path | None, arg(aliases=["-o"])] = None
    """Directory for tables and figure; that of the runs without it. Runs whose results stand in its tables
    already are not done again."""
    jobs: int | None = None
    """Runs at the same time, each on its own share of the cores; as many as the scale says without it."""
    only: list[str] = field(default_factory=list)
    """Runs that fit `TASK/CONTENDER`, with wildcards, instead of all."""
    first_seed: int | None = None
    """Seed of the first run of each contender and task, instead of the scale's: does a result hold on seeds
    that nobody has seen?"""
    against: Path | None = None
    """Directory with the tables of another study: say where the two differ by more than their intervals."""
    any_cores: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Let the runs have different numbers of cores, on which trained agents depend; the study refuses it
    otherwise."""
    dry_run: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Only say what would be run, and what time and money it would take."""


def run_study(arguments: StudyArguments) -> int:
    """Carry out a study and return the exit status.

    Raises:
        BgpbtError: the protocol or a run of another study stands in the way, or a file cannot be written.
    """
    from bgpbt.study import check_cores, plan_study, read_protocol

    protocol = read_protocol(arguments.protocol)
    if arguments.first_seed is not None:
        protocol = protocol.from_seed(arguments.scale, arguments.first_seed)
    scale = protocol.scale(arguments.scale)
    runs = plan_study(protocol, arguments.scale, arguments.only)
    jobs = scale.machine.runs_at_once if arguments.jobs is None else arguments.jobs
    if jobs < 1:
        raise InputError(f"jobs = {jobs} must be 1 or more")
    console = lasting_console()
    directory = arguments.directory or Path("runs") / f"study-{arguments.scale}"
    output = arguments.output or directory
    known = _known(runs, directory, output)
    left = [run for run in runs if run.name not in known]
    rows = [result.run for result in known.values()]
    differs = check_cores(rows, left, directory, jobs, allow=arguments.any_cores or arguments.dry_run)
    _say_plan(console, scale, runs, known, jobs)
    if differs is not None:
        say(console, f"note: {differs}")
    if arguments.dry_run:
        return 0
    book = _Book(known, output)
    status = _carry_out(console, left, book, directory, jobs) if left else 0
    _report(console, protocol, scale, book, arguments)
    if status == INTERRUPTED:
        say(console, "stopped; what is finished is kept. The same command goes on")
    return status


class _Book:
    """The results so far, and their tables on the disk."""

    def __init__(self, known: "dict[str, Result]", output: Path) -> None:
        from bgpbt.study import read_results

        self.results = known
        self.output = output
        # Rows of other runs stay: a table may hold more than this study.
        self._others = {_key(result): result for result in read_results(output)}

    def add(self, run: "StudyRun", result: "Result") -> None:
        """Write a result down."""
        self.results[run.name] = result
        self.write()

    def write(self) -> None:
        """Write the tables."""
        from bgpbt.study import write_results

        rows = self._others | {_key(result): result for result in self.results.values()}
        write_results(self.output, rows.values())


def _key(result: "Result") -> tuple[str, str, int]:
    return result.run.task, result.run.contender, result.run.seed


def _known(runs: "Sequence[StudyRun]", directory: Path, output: Path) -> "dict[str, Result]":
    """Return the results of runs that are over, by name: from their directories, or from the tables."""
    from bgpbt.study import configuration_hash, finished, read_results

    in_tables = {_key(result): result for result in read_results(output)}
    known = {}
    for run in runs:
        result = finished(run, directory)
        if result is None:
            result = in_tables.get((run.task, run.contender, run.seed))
            if result is not None and result.run.configuration != configuration_hash(run.settings):
                result = None
        if result is not None:
            known[run.name] = result
    return known


def _carry_out(console: Console, runs: "Sequence[StudyRun]", book: _Book, directory: Path, jobs: int) -> int:
    from bgpbt.study import Finished, Workers

    progress = _StudyProgress(console, runs)
    with Workers(runs, directory, jobs) as workers, _stopping(console, workers), progress:
        try:
            for event in workers.events():
                if isinstance(event, Finished):
                    book.add(event.run, event.result)
                    progress.finished(event)
                else:
                    progress.stepped(event)
        except StopRequested:
            return INTERRUPTED
    return 0


@contextmanager
def _stopping(console: Console, workers: "Workers") -> Iterator[None]:
    """End cleanly on the first SIGINT or SIGTERM and at once on the second."""
    asked = False

    def stop(number: int, _: FrameType | None) -> None:
        nonlocal asked
        if asked:
            os._exit(128 + number)  # workers are daemons of this process's group; what is committed stays
        asked = True
        workers.stop()
        say(console, "stopping after the running iterations; once more to stop at once")

    previous = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


class _StudyProgress:
    """A line for each run that is over, and on a terminal a bar that moves."""

    def __init__(self, console: Console, runs: "Sequence[StudyRun]") -> None:
        self._console = console
        self._began = time.perf_counter()
        self._runs = len(runs)
        self._done = 0
        self._steps: Counter[str] = Counter()  # by run
        self._total = sum(run.settings.expected_steps for run in runs)
        self._bar = Progress(
            TextColumn("{task.description}"), BarColumn(bar_width=24), console=console, transient=True
        )
        self._task = self._bar.add_task("starting", total=self._total)

    def __enter__(self) -> "_StudyProgress":
        if self._console.is_terminal:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._console.is_terminal:
            self._bar.stop()

    def stepped(self, event: "Stepped") -> None:
        """Take in that members were trained."""
        self._steps[event.name] += event.steps
        self._bar.update(self._task, completed=self._steps.total(), description=self._state())

    def finished(self, event: "Finished") -> None:
        """Take in that a run is over."""
        self._done += 1
        self._steps[event.run.name] = event.run.settings.expected_steps  # some were done before, perhaps
        result = event.result.run
        say(
            self._console,
            f"{result.task}/{result.contender} seed {result.seed}: {result.score:.5g} "
            f"+- {result.standard_error:.2g}  |  {self._state()}",
        )

    def _state(self) -> str:
        elapsed = time.perf_counter() - self._began
        steps = self._steps.total()
        rate = steps / elapsed if elapsed > 0 else 0.0
        left = duration(max(self._total - steps, 0) / rate) if rate > 0 else "?"
        return f"{self._done} of {self._runs} runs, {rate:,.0f} steps/s, {left} left"


def _say_plan(
    console: Console, scale: "Scale", runs: "Sequence[StudyRun]", known: "dict[str, Result]", jobs: int
) -> None:
    from bgpbt.study import source_hash

    left = [run for run in runs if run.name not in known]
    say(console, f"{scale.about}: {len(runs)} runs, {len(known)} of them done")
    earlier = sum(result.run.source != source_hash() for result in known.values())
    if earlier:
        say(console, f"  {earlier} of these with another version of bgpbt, whose defaults may differ")
    counts = Counter(run.task for run in left)
    for task, count in counts.items():
        steps = sum(run.settings.expected_steps for run in left if run.task == task)
        say(console, f"  {task}: {count} runs to do, {steps:,} environment steps")
    seconds = sum(run.settings.expected_steps / scale.tasks[run.task].steps_per_s for run in left) / jobs
    cost = seconds / 3600 * scale.machine.price_per_h
    price = f", about {cost:,.0f} US dollars" if cost else ""
    say(console, f"expected on {scale.machine.name}, {jobs} at once: {duration(seconds)}{price}")


def _report(
    console: Console, protocol: "Protocol", scale: "Scale", book: _Book, arguments: StudyArguments
) -> None:
    """Print the comparison, and write tables and figure."""
    from bgpbt.study import agreement, draw_study, markdown, read_results, summarise

    results = list(book.results.values())
    if not results:
        return
    book.write()
    summary = summarise(protocol, scale, [result.run for result in results])
    parts = [("contenders", summary.contenders), ("switches of the baseline", summary.ablations)]
    for title, comparison in parts:
        if comparison is not None:
            say(console, f"\n{title}: interquartile mean of the final return [95% interval]")
            say(console, markdown(comparison, protocol.baseline))
    if summary.incomplete:
        say(console, f"not compared, since runs on a task are missing: {', '.join(summary.incomplete)}")
    if summary.contenders is not None and protocol.baseline in summary.contenders.strategies:
        for path in draw_study(summary.contenders, protocol.baseline, scale, results, book.output):
            say(console, f"{path}")
    if arguments.against is not None:
        other = [result.run for result in read_results(arguments.against)]
        found = agreement([result.run for result in results], other)
        apart = ", ".join("/".join(pair) for pair in found.apart) or "none"
        few = f"; {found.without_interval} more have too few runs" if found.without_interval else ""
        say(
            console,
            f"{found.compared} pairs compared with {arguments.against}{few}; intervals apart: {apart}",
        )
