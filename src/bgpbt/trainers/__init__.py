"""Trainers of one's own: any function, any program, in this process or in one that may crash."""

from bgpbt.trainers.command import SubprocessTrainer
from bgpbt.trainers.functions import BytesTrainer, DirectoryTrainer, FunctionTrainer, TrainFunction
from bgpbt.trainers.isolated import IsolatedTrainer
from bgpbt.trainers.job import Job, Result, TrainerError
from bgpbt.trainers.states import state_from

__all__ = [
    "BytesTrainer",
    "DirectoryTrainer",
    "FunctionTrainer",
    "IsolatedTrainer",
    "Job",
    "Result",
    "SubprocessTrainer",
    "TrainFunction",
    "TrainerError",
    "state_from",
]
