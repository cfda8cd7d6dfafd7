"""The loop between strategy and trainer, and the executors."""

from bgpbt.execution.experiment import (
    TOY_PREFIX,
    Experiment,
    ExperimentSettings,
    assemble,
    check_settings,
    derived_seed,
    difference,
)
from bgpbt.execution.history_queries import (
    EVALUATION,
    BestMember,
    Generation,
    ancestry,
    best_member,
    generations,
    steps_by_purpose,
    table,
)
from bgpbt.execution.local import LocalExecutor
from bgpbt.execution.loop import (
    Event,
    Observer,
    OutcomeCommitted,
    RoundPlanned,
    RunFinished,
    run_loop,
)
from bgpbt.execution.memory import bytes_of
from bgpbt.execution.optimise import Optimised, Options, optimise
from bgpbt.execution.placement import Stack, check_fits, local_executor
from bgpbt.execution.preparation import Prepares
from bgpbt.execution.recovery import recover
from bgpbt.execution.schedule import ScheduleFile, read_schedule, schedule_of, write_schedule
from bgpbt.execution.stacked import StackedExecutor
from bgpbt.execution.stopping import StopRequested, StopSwitch
from bgpbt.execution.stored_settings import plain_settings, settings_from, settings_of

__all__ = [
    "EVALUATION",
    "TOY_PREFIX",
    "BestMember",
    "Event",
    "Experiment",
    "ExperimentSettings",
    "Generation",
    "LocalExecutor",
    "Observer",
    "Optimised",
    "Options",
    "OutcomeCommitted",
    "Prepares",
    "RoundPlanned",
    "RunFinished",
    "ScheduleFile",
    "Stack",
    "StackedExecutor",
    "StopRequested",
    "StopSwitch",
    "ancestry",
    "assemble",
    "best_member",
    "bytes_of",
    "check_fits",
    "check_settings",
    "derived_seed",
    "difference",
    "generations",
    "local_executor",
    "optimise",
    "plain_settings",
    "read_schedule",
    "recover",
    "run_loop",
    "schedule_of",
    "settings_from",
    "settings_of",
    "steps_by_purpose",
    "table",
    "write_schedule",
]
