"""The loop between strategy and trainer, and the executors."""

from bgpbt.execution.history_queries import BestMember, ancestry, best_member, steps_by_purpose, table
from bgpbt.execution.local import LocalExecutor
from bgpbt.execution.loop import (
    Event,
    Observer,
    OrderExecutor,
    OutcomeCommitted,
    RoundPlanned,
    RunFinished,
    run_loop,
)
from bgpbt.execution.stopping import StopRequested, StopSwitch

__all__ = [
    "BestMember",
    "Event",
    "LocalExecutor",
    "Observer",
    "OrderExecutor",
    "OutcomeCommitted",
    "RoundPlanned",
    "RunFinished",
    "StopRequested",
    "StopSwitch",
    "ancestry",
    "best_member",
    "run_loop",
    "steps_by_purpose",
    "table",
]
