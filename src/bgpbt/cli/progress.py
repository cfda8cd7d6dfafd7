"""What a person sees while a run goes on.

On a terminal a line at the bottom moves: round, best return, steps per second, time left. Everywhere each
round leaves a line, so that a log file reads as well.
"""

import math
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from bgpbt.analysis import reason_to_leave
from bgpbt.execution import Event, OutcomeCommitted, RoundPlanned
from bgpbt.records import Order, Outcome, Purpose, Trained
from bgpbt.runs import ExperimentSettings

__all__ = ["RunProgress", "duration", "say"]

SILENCE_S = 30.0  # then a round that is under way says how far it is; the first compiles, and takes longest


class RunProgress:
    """Follows a run's events and the trainer's progress, and prints them."""

    def __init__(
        self,
        console: Console,
        settings: ExperimentSettings,
        *,
        verbose: bool,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._console = console
        self._verbose = verbose
        self._rounds = settings.rounds
        self._total_steps = settings.expected_steps
        self._lock = threading.Lock()
        self._clock = clock
        self._began: float | None = None  # when the first steps were done here; before, it compiled
        self._steps_before = 0  # those first steps
        self._spoke = clock()
        self._recalled_steps = 0  # from before this process
        self._finished_steps = 0  # of orders with an outcome, in this process
        self._running: dict[int, int] = {}  # member to steps done in its order
        self._best = -math.inf
        self._round: list[Trained] = []
        self._orders = 0
        self._bar = Progress(
            TextColumn("{task.description}"), BarColumn(bar_width=24), console=console, transient=True
        )
        self._task = self._bar.add_task("starting", total=self._total_steps)

    def __enter__(self) -> "RunProgress":
        if self._console.is_terminal:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._bar.stop()

    def recall(self, trained: Sequence[Trained]) -> None:
        """Take in what happened before this process."""
        for _, outcome in trained:
            self._recalled_steps += outcome.steps
            self._see(outcome)
        if trained:
            say(self._console, f"going on after {len(trained)} trained members")

    def trained(self, order: Order, steps: int) -> None:
        """Take in a trainer's progress; called from its thread."""
        with self._lock:
            self._running[order.member] = steps
            self._start_clock()
            self._break_silence(order)
            self._draw(order)

    def observe(self, event: Event) -> None:
        """Take in an event of the loop."""
        with self._lock:
            if isinstance(event, RoundPlanned):
                done = {outcome.member: outcome for outcome in event.done}
                self._round = [Trained(event.plan.orders[member], done[member]) for member in sorted(done)]
                self._say_who_left(event.plan.orders)
                self._orders = len(event.plan.orders)
                self._draw(event.plan.orders[0])
            elif isinstance(event, OutcomeCommitted):
                self._commit(event.order, event.outcome)

    def _say_who_left(self, orders: Sequence[Order]) -> None:
        before, after = self._orders, len(orders)
        if reason := reason_to_leave(orders[0], before, after):
            say(self._console, f"  {before - after} members leave: {before} members to {after}: {reason}")

    def _commit(self, order: Order, outcome: Outcome) -> None:
        self._running.pop(order.member, None)
        self._start_clock(outcome.seconds)  # workers elsewhere tell nothing before
        self._finished_steps += outcome.steps
        self._see(outcome)
        self._round.append(Trained(order, outcome))
        if outcome.failure is not None:
            self._say(f"  member {order.member} failed and will be replaced: {outcome.failure}")
        elif self._verbose:
            self._say(f"  {_member_line(order, outcome)}")
        if len(self._round) == self._orders:
            self._say(self._round_line(order))
        else:
            self._break_silence(order)
        self._draw(order)

    def _say(self, line: str) -> None:
        self._spoke = self._clock()
        say(self._console, line)

    def _break_silence(self, order: Order) -> None:
        """Say how far a long round is, where no bar says it."""
        if self._console.is_terminal or self._clock() - self._spoke < SILENCE_S:
            return
        trained = f"{len(self._round)} of {self._orders} members trained"
        self._say(f"{self._where(order)}  {trained}  |  {self._speed()}")

    def _start_clock(self, seconds_ago: float = 0.0) -> None:
        if self._began is None:
            self._began, self._steps_before = self._clock() - seconds_ago, self._steps_here

    @property
    def _steps_here(self) -> int:
        """Environment steps trained by this process."""
        return self._finished_steps + sum(self._running.values())

    def _see(self, outcome: Outcome) -> None:
        if math.isfinite(outcome.score):
            self._best = max(self._best, outcome.score)

    def _round_line(self, order: Order) -> str:
        scores = [outcome.score for _, outcome in self._round if math.isfinite(outcome.score)]
        spread = (
            f"return: median {statistics.median(scores):.4g}, best {max(scores):.4g}, worst {min(scores):.4g}"
            if scores
            else "no member has a return"
        )
        return f"{self._where(order)}  {spread}  |  {self._speed()}"

    def _where(self, order: Order) -> str:
        if self._rounds is not None:
            return f"round {order.round + 1}/{self._rounds}"
        doing = ", distilling" if order.purpose is Purpose.DISTIL else ""
        return f"round {order.round + 1}, generation {order.generation + 1}{doing}"

    def _speed(self) -> str:
        here = self._steps_here
        elapsed = 0.0 if self._began is None else self._clock() - self._began
        rate = (here - self._steps_before) / elapsed if elapsed > 0 else 0.0
        left = self._total_steps - self._recalled_steps - here
        if rate <= 0:
            return "speed not known yet"
        return f"{rate:,.0f} steps/s, {duration(max(left, 0) / rate)} left"

    def _draw(self, order: Order) -> None:
        done = self._recalled_steps + self._steps_here
        best = f"{self._best:.4g}" if math.isfinite(self._best) else "-"
        self._bar.update(
            self._task,
            completed=done,
            description=f"{self._where(order)}  best return {best}  {self._speed()}",
        )


def say(console: Console, line: str) -> None:
    """Print a line as it is: paths and numbers are not wrapped or coloured, brackets mean nothing."""
    console.print(line, highlight=False, markup=False, soft_wrap=True)


def _member_line(order: Order, outcome: Outcome) -> str:
    parent = f" from member {order.proposal.parent}" if order.proposal.parent is not None else ""
    steps = order.first_step + outcome.steps
    return (
        f"member {order.member}: return {outcome.score:.4g} after {steps:,} steps, "
        f"configuration {order.proposal.source.value}{parent}"
    )


def duration(seconds: float) -> str:
    """Return a duration a person reads at a glance."""
    whole = round(seconds)
    hours, minutes = whole // 3600, whole % 3600 // 60
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {whole % 60:02} s" if minutes else f"{whole} s"
