"""What a run is: its settings, the parts made from them, a whole run in one call, schedules and recovery."""

from bgpbt.runs.experiment import Experiment, assemble, check_settings, strategy_of
from bgpbt.runs.extension import Extension, extend, extended_to, is_over, reopen
from bgpbt.runs.final_score import returns_on_test_seeds
from bgpbt.runs.gymnasium_task import GYMNASIUM_PREFIX
from bgpbt.runs.memory_budget import bytes_of
from bgpbt.runs.optimise import Optimised, Options, optimise
from bgpbt.runs.placement import Stack, check_fits, local_executor
from bgpbt.runs.recovery import recover
from bgpbt.runs.schedule_file import ScheduleFile, best_of_run, read_schedule, schedule_of, write_schedule
from bgpbt.runs.schedule_formats import schedule_as_csv, schedule_as_python, schedule_as_ray, segments_of
from bgpbt.runs.settings import ExperimentSettings, derived_seed, difference, scheduled
from bgpbt.runs.start import remarks_of, with_start
from bgpbt.runs.stored_settings import (
    is_of_own_trainer,
    plain_settings,
    settings_from,
    settings_if_ours,
    settings_of,
)
from bgpbt.runs.tasks import TOY_PREFIX, ReadyTask, Task, brings_its_space, space_of

__all__ = [
    "GYMNASIUM_PREFIX",
    "TOY_PREFIX",
    "Experiment",
    "ExperimentSettings",
    "Extension",
    "Optimised",
    "Options",
    "ReadyTask",
    "ScheduleFile",
    "Stack",
    "Task",
    "assemble",
    "best_of_run",
    "brings_its_space",
    "bytes_of",
    "check_fits",
    "check_settings",
    "derived_seed",
    "difference",
    "extend",
    "extended_to",
    "is_of_own_trainer",
    "is_over",
    "local_executor",
    "optimise",
    "plain_settings",
    "read_schedule",
    "recover",
    "remarks_of",
    "reopen",
    "returns_on_test_seeds",
    "schedule_as_csv",
    "schedule_as_python",
    "schedule_as_ray",
    "schedule_of",
    "scheduled",
    "segments_of",
    "settings_from",
    "settings_if_ours",
    "settings_of",
    "space_of",
    "strategy_of",
    "with_start",
    "write_schedule",
]
