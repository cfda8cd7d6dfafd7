"""The loop between strategy and executor: everything is written down before it goes on.

A process killed anywhere loses the orders under way and nothing else. An order carries its seed, so running
it again gives the same outcome, and the run goes on as if nothing had happened.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from bgpbt.contracts import Executor, Strategy
from bgpbt.errors import RoundFailedError
from bgpbt.records import Checkpoint, Order, Outcome, Plan
from bgpbt.storage import CheckpointStore, History, Position
from bgpbt.storage.history import supersedes_start

__all__ = [
    "Event",
    "Observer",
    "OutcomeCommitted",
    "RoundPlanned",
    "RunFinished",
    "run_loop",
]

State = TypeVar("State")


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundPlanned:
    """A round begins, or goes on after an interruption."""

    plan: Plan
    done: tuple[Outcome, ...]  # outcomes from before the interruption, by member


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeCommitted:
    """An order has its outcome, and a crash cannot take it away any more."""

    order: Order
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished:
    """The strategy plans no further round."""


Event = RoundPlanned | OutcomeCommitted | RunFinished
Observer = Callable[[Event], None]


def run_loop(
    strategy: Strategy[State],
    executor: Executor,
    history: History,
    checkpoints: CheckpointStore,
    seed: int,
    *,
    observer: Observer = lambda event: None,
) -> None:
    """Start a run, or go on with it, until the strategy plans no further round.

    Whatever the executor, the storage or the observer raises ends the loop; calling it again goes on. A round
    in which every member failed ends it too, since the cause is most often a mistake that all of them meet:
    the next call trains that round again.

    Args:
        strategy: plans the rounds.
        executor: carries them out.
        history: holds what happened, and will hold what happens.
        checkpoints: those that the run cannot need any more are removed after each round.
        seed: of the run; used when it starts.
        observer: told of every event, in the calling thread.

    Raises:
        RoundFailedError: every member of a round failed; the text has the most frequent reason.
    """
    position = history.position(strategy.state_type) or _start(strategy, history, seed)
    if position.plan is not None and _have_failed(history.outcomes(position.plan.round), position.plan):
        history.forget_outcomes(position.plan.round)
    checkpoints.remove_all_but(history.referenced())  # what the orders lost to a crash may have left
    while position.plan is not None:
        outcomes = _run_round(position.plan, executor, history, checkpoints, observer)
        if _have_failed(outcomes, position.plan):
            raise _failed_round(outcomes)
        position = _advance(strategy, position.state, outcomes, history)
        checkpoints.remove_all_but(history.referenced())
    observer(RunFinished())


def _have_failed(outcomes: Sequence[Outcome], plan: Plan) -> bool:
    """Return whether all orders of a plan have been carried out, and all came to nothing."""
    return len(outcomes) == len(plan.orders) and all(one.failure is not None for one in outcomes)


def _failed_round(outcomes: Sequence[Outcome]) -> RoundFailedError:
    ((reason, count),) = Counter(outcome.failure for outcome in outcomes).most_common(1)
    return RoundFailedError(
        f"round {outcomes[0].round + 1}: all {len(outcomes)} members failed, {count} of them with {reason}; "
        f"the run is not over: remove the cause and start it again, and this round is trained again"
    )


def _start(strategy: Strategy[State], history: History, seed: int) -> Position[State]:
    state, plan = strategy.start(seed)
    history.open_round(state, plan)
    return Position(state=state, plan=plan)


def _advance(
    strategy: Strategy[State], state: State, outcomes: Sequence[Outcome], history: History
) -> Position[State]:
    next_state, plan = strategy.advance(state, outcomes)
    history.open_round(next_state, plan)
    return Position(state=next_state, plan=plan)


def _run_round(
    plan: Plan, executor: Executor, history: History, checkpoints: CheckpointStore, observer: Observer
) -> tuple[Outcome, ...]:
    """Run the orders that have no outcome yet; return the outcomes of the round, by member."""
    done = {outcome.member: outcome for outcome in history.outcomes(plan.round)}
    observer(RoundPlanned(plan=plan, done=tuple(done.values())))
    starts = _Starts(plan, done, history, checkpoints)
    pending = [order for order in plan.orders if order.member not in done]
    while pending:
        again = []
        for outcome in executor.run(pending):
            order = plan.orders[outcome.member]
            if starts.have_taken(outcome):
                again.append(order)
                continue
            history.commit_outcome(outcome)
            done[outcome.member] = outcome
            starts.leave(order, outcome)
            observer(OutcomeCommitted(order=order, outcome=outcome))
        pending = again
    if len(done) != len(plan.orders):
        raise RuntimeError(
            f"round {plan.round}: {len(plan.orders) - len(done)} orders came back without outcome"
        )
    return tuple(done[member] for member in sorted(done))


class _Starts:
    """The checkpoints that the orders of a round start from, removed when nobody needs them any more.

    So a run holds about one checkpoint for each member, and not two while a round is under way.
    """

    def __init__(
        self, plan: Plan, done: Mapping[int, Outcome], history: History, checkpoints: CheckpointStore
    ) -> None:
        self._history = history
        self._checkpoints = checkpoints
        self._kept = history.kept_beyond_round()
        self._users: Counter[Checkpoint] = Counter()  # how many orders are still to start from it
        self._removed: set[Checkpoint] = set()
        for order in plan.orders:
            outcome = done.get(order.member)
            if outcome is None or not supersedes_start(outcome):
                self._users.update(set(order.start.reads))  # a student may be its teacher's equal
            if outcome is not None:
                self._keep(outcome)

    def leave(self, order: Order, outcome: Outcome) -> None:
        """Remove what only this order started from, if its outcome, which is committed, took its place."""
        self._keep(outcome)
        if not supersedes_start(outcome):
            return
        for checkpoint in set(order.start.reads):
            self._users[checkpoint] -= 1
            if self._users[checkpoint] == 0 and checkpoint not in self._kept | set(self._history.pins()):
                self._removed.add(checkpoint)
                self._checkpoints.remove(checkpoint)

    def _keep(self, outcome: Outcome) -> None:
        if outcome.checkpoint is not None:
            self._kept.add(outcome.checkpoint)

    def have_taken(self, outcome: Outcome) -> bool:
        """Return whether an outcome's checkpoint went with them: a member came to just what another left."""
        checkpoint = outcome.checkpoint
        return (
            checkpoint is not None
            and checkpoint in self._removed
            and not self._checkpoints.path(checkpoint).exists()
        )
