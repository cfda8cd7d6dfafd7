"""Trainers of one's own: any function, any program, in this process or in one that may crash."""

from bgpbt.trainers.command import SubprocessTrainer
from bgpbt.trainers.functions import BytesTrainer, DirectoryTrainer
from bgpbt.trainers.isolated import IsolatedTrainer
from bgpbt.trainers.job import Job, Result, TrainerError

__all__ = [
    "BytesTrainer",
    "DirectoryTrainer",
    "IsolatedTrainer",
    "Job",
    "Result",
    "SubprocessTrainer",
    "TrainerError",
]
