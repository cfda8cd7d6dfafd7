"""Several runs of a study at the same time, each in a process that keeps to its own cores.

Small networks leave most of a processor idle when one run has all of it; two runs on half of it each do more.
A worker keeps the compiled programs of the task that it was last at.
"""

import multiprocessing
import os
import queue
import signal
import traceback
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing.context import SpawnContext, SpawnProcess
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

from bgpbt.errors import BgpbtError
from bgpbt.execution import StopRequested, StopSwitch
from bgpbt.records import Order
from bgpbt.runs import Experiment
from bgpbt.study.carry_out import carry_out
from bgpbt.study.cores import shares
from bgpbt.study.plan import StudyRun
from bgpbt.study.results import Result

__all__ = ["Finished", "Stepped", "WorkerError", "Workers"]

POLL_S = 0.5


class WorkerError(BgpbtError):
    """A worker ended with its run undone; the text says why. The study can be gone on with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stepped:
    """The members of a run were trained for so many environment steps more."""

    name: str  # of the run
    steps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A run is over."""

    run: StudyRun
    result: Result


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failed:
    """A run ended in an error."""

    text: str
    is_users: bool  # the text says it all


@dataclass(frozen=True, slots=True, kw_only=True)
class _Idle:
    """A worker found no more work, or was asked to end."""


_Report = Stepped | Finished | _Failed | _Idle


class Workers:
    """Processes that carry out runs; a context manager, which ends them.

    Args:
        runs: what to do, in this sequence.
        directory: of the study.
        jobs: runs at the same time.
    """

    def __init__(self, runs: Sequence[StudyRun], directory: Path, jobs: int) -> None:
        context = multiprocessing.get_context("spawn")  # a forked JAX hangs
        self._stop: Event = context.Event()
        self._waiting: Queue[StudyRun | None] = context.Queue()
        self._reports: Queue[_Report] = context.Queue()
        # The last few runs get no more cores than the others, on which trained agents depend.
        share_of_worker = shares(jobs)[: len(runs)]
        for run in (*runs, *[None] * len(share_of_worker)):
            self._waiting.put(run)
        self._processes = [self._process(context, directory, cores) for cores in share_of_worker]

    def __enter__(self) -> "Workers":
        for process in self._processes:
            process.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for process in self._processes:
            process.join()
        for pipe in (self._waiting, self._reports):
            pipe.cancel_join_thread()  # nobody reads them any more

    def stop(self) -> None:
        """Ask all runs to end at their next iteration. Safe in a signal handler."""
        self._stop.set()

    def events(self) -> Iterator[Stepped | Finished]:
        """Yield what happens until all runs are done.

        Raises:
            StopRequested: the end was asked for, and all workers have ended.
            WorkerError: a run could not be done.
        """
        working = len(self._processes)
        while working:
            try:
                report = self._reports.get(timeout=POLL_S)
            except queue.Empty:
                self._check_alive()
                continue
            match report:
                case _Idle():
                    working -= 1
                case _Failed():
                    raise WorkerError(report.text if report.is_users else f"a run failed:\n{report.text}")
                case _:
                    yield report
        if self._stop.is_set():
            raise StopRequested("the study was asked to end")

    def _process(self, context: SpawnContext, directory: Path, cores: set[int] | None) -> SpawnProcess:
        arguments = (self._waiting, self._reports, self._stop, directory, cores)
        return context.Process(target=_work, args=arguments, daemon=True)

    def _check_alive(self) -> None:
        for process in self._processes:
            if process.exitcode not in (None, 0):
                raise WorkerError(
                    f"a worker was ended from outside (status {process.exitcode}), for want of memory "
                    f"perhaps; the same command goes on, with fewer --jobs if need be"
                )


class _StudysSwitch(StopSwitch):
    """A switch that another process turns, by asking for it or by dying."""

    def __init__(self, event: Event) -> None:
        super().__init__()
        self._event = event
        self._parent = os.getppid()

    @property
    def requested(self) -> bool:
        """Whether the end was asked for."""
        return self._event.is_set() or os.getppid() != self._parent

    def check(self, order: Order | None = None, steps_done: int = 0) -> None:
        """Go on, unless the end was asked for.

        Raises:
            StopRequested: it was.
        """
        if self.requested:
            self.stop()
        super().check(order, steps_done)


def _work(
    waiting: "Queue[StudyRun | None]",
    reports: "Queue[Any]",
    stop: Event,
    directory: Path,
    cores: set[int] | None,
) -> None:
    """Carry out runs until there are none; the main function of a worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to all; the study decides
    if cores is not None:
        os.sched_setaffinity(0, cores)  # before JAX counts them
    switch = _StudysSwitch(stop)
    last: tuple[str, Experiment] | None = None  # task, and what ran on it
    try:
        while (run := _next(waiting, switch)) is not None:
            result, experiment = carry_out(
                run,
                directory,
                switch=switch,
                on_steps=partial(_tell, reports, run.name),
                like=last[1] if last is not None and last[0] == run.task else None,
            )
            last = run.task, experiment
            reports.put(Finished(run=run, result=result))
    except StopRequested:
        pass
    except BgpbtError as error:
        reports.put(_Failed(text=f"{run.name}: {error}" if run else f"{error}", is_users=True))
    except Exception:
        reports.put(_Failed(text=traceback.format_exc(), is_users=False))
    reports.put(_Idle())


def _tell(reports: "Queue[Any]", name: str, steps: int) -> None:
    reports.put(Stepped(name=name, steps=steps))


def _next(waiting: "Queue[StudyRun | None]", switch: StopSwitch) -> StudyRun | None:
    """Return what to do next; None: there is no more, or the end was asked for."""
    while not switch.requested:
        with suppress(queue.Empty):
            return waiting.get(timeout=POLL_S)
    return None
