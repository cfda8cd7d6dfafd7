"""Orders carried out: the loop between strategy and trainer, and the executors; no strategy is known here."""

from bgpbt.execution.local import LocalExecutor
from bgpbt.execution.loop import (
    Event,
    Observer,
    OutcomeCommitted,
    RoundPlanned,
    RunFinished,
    run_loop,
)
from bgpbt.execution.preparation import Prepares
from bgpbt.execution.stacked import StackedExecutor, StackTrainer
from bgpbt.execution.stopping import StopRequested, StopSwitch
from bgpbt.moved import moved

__all__ = [
    "Event",
    "LocalExecutor",
    "Observer",
    "OutcomeCommitted",
    "Prepares",
    "RoundPlanned",
    "RunFinished",
    "StackTrainer",
    "StackedExecutor",
    "StopRequested",
    "StopSwitch",
    "run_loop",
]

__getattr__ = moved(
    __name__,
    {
        "bgpbt.analysis": (
            "EVALUATION",
            "BestMember",
            "Generation",
            "ancestry",
            "best_member",
            "generations",
            "steps_by_purpose",
            "table",
        ),
        "bgpbt.records": ("Trained",),
        "bgpbt.runs": (
            "TOY_PREFIX",
            "Experiment",
            "ExperimentSettings",
            "Optimised",
            "Options",
            "ScheduleFile",
            "Stack",
            "assemble",
            "bytes_of",
            "check_fits",
            "check_settings",
            "derived_seed",
            "difference",
            "local_executor",
            "optimise",
            "plain_settings",
            "read_schedule",
            "recover",
            "schedule_of",
            "settings_from",
            "settings_of",
            "write_schedule",
        ),
    },
)
