"""A run told to other tools while it goes on: a plain `log(figures, step)` hook, and TensorBoard.

A sink is an observer of the loop (`bgpbt.execution.run_loop` and `optimise` take one). It is told of every
round once, when the last outcome of the round is on disk; the step is the number of the round, from 1, so
that a run that was interrupted goes on where it was. A round whose end was committed just before an
interruption may be told twice, with equal figures.
"""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median

from bgpbt.errors import InputError
from bgpbt.execution import Event, Observer, OutcomeCommitted, RoundPlanned, RunFinished
from bgpbt.records import Outcome, Plan, Value

__all__ = ["Log", "TensorBoardSink", "log_rounds", "round_figures", "several"]

Log = Callable[[dict[str, Value], int], None]
"""What is called for each round: figures by name, and the number of the round, from 1."""


def log_rounds(log: Log) -> Observer:
    """Return an observer that calls `log(figures, step)` after every round; see `round_figures`."""
    return _Rounds(log)


def several(*observers: Observer) -> Observer:
    """Return an observer that tells each of these, in their sequence."""

    def tell(event: Event) -> None:
        for observer in observers:
            observer(event)

    return tell


def round_figures(plan: Plan, outcomes: Mapping[int, Outcome]) -> dict[str, Value]:
    """Return what a finished round says.

    `return/best`, `return/median` and `return/worst` of the members that have one; `round/steps` and
    `round/evaluation_steps` in environment steps, `round/failed` in members, `round/generation`; of each
    member `member_M/return` and its hyperparameters as `member_M/NAME`; where the strategy's model proposed
    its configuration `member_M/model/skill` and the like.
    """
    scores = [outcome.score for outcome in outcomes.values() if math.isfinite(outcome.score)]
    figures: dict[str, Value] = {
        "round/steps": sum(outcome.steps for outcome in outcomes.values()),
        "round/evaluation_steps": sum(outcome.evaluation_steps for outcome in outcomes.values()),
        "round/failed": sum(outcome.failure is not None for outcome in outcomes.values()),
        "round/generation": max(order.generation for order in plan.orders),
    }
    if scores:
        figures |= {"return/best": max(scores), "return/median": median(scores), "return/worst": min(scores)}
    for order in plan.orders:
        score = outcomes[order.member].score
        if math.isfinite(score):
            figures[f"member_{order.member}/return"] = score
        said = {name.replace(".", "/"): value for name, value in order.proposal.figures.items()}
        figures |= {
            f"member_{order.member}/{name}": value for name, value in {**order.configuration, **said}.items()
        }
    return figures


class TensorBoardSink:
    """Writes every round as scalars for TensorBoard; texts among the hyperparameters are left out.

    Args:
        directory: where the event files go; it is made.

    Raises:
        InputError: tensorboardX is not installed.
    """

    def __init__(self, directory: Path) -> None:
        try:
            from tensorboardX import SummaryWriter
        except ModuleNotFoundError as error:
            raise InputError(
                f"{error.name} is not installed; run pip install 'bgpbt[tensorboard]'"
            ) from error
        self._writer = SummaryWriter(str(directory))
        self._rounds = log_rounds(self._write)

    def __call__(self, event: Event) -> None:
        """Take in an event of the loop."""
        self._rounds(event)
        if isinstance(event, RunFinished):
            self._writer.close()

    def _write(self, figures: dict[str, Value], step: int) -> None:
        for name, value in figures.items():
            if not isinstance(value, str):
                self._writer.add_scalar(name, float(value), step)
        self._writer.flush()  # an interruption then loses no finished round


class _Rounds:
    """Gathers the outcomes of the round under way."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._plan: Plan | None = None
        self._outcomes: dict[int, Outcome] = {}

    def __call__(self, event: Event) -> None:
        match event:
            case RoundPlanned(plan=plan, done=done):
                self._plan, self._outcomes = plan, {outcome.member: outcome for outcome in done}
            case OutcomeCommitted(outcome=outcome):
                self._outcomes[outcome.member] = outcome
        if self._plan is not None and len(self._outcomes) == len(self._plan.orders):
            self._log(round_figures(self._plan, self._outcomes), self._plan.round + 1)
            self._plan = None
