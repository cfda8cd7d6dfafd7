"""What a study compares: strategies x tasks x seeds at one scale, read from a TOML file.

A budget counts every environment step that members are trained for, with the initial design, students that
are dropped and all of distillation. Who pays more for one thing has less for the rest: the length of a run
follows from its budget (`bgpbt.study.plan`).
"""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import cattrs

from bgpbt import checks
from bgpbt.encoding import decode
from bgpbt.errors import InputError
from bgpbt.records import Value
from bgpbt.text_files import read_text

__all__ = ["Contender", "Machine", "Protocol", "Scale", "Task", "read_protocol"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """An environment, and what a run on it may cost."""

    environment: str
    budget: int  # environment steps that all members of a run are trained for, together
    t_ready: int  # environment steps
    seeds: int | None = None  # runs of each contender; None: as many as the scale says
    low: float  # return that counts as 0 where tasks are taken together
    high: float  # return that counts as 1
    settings: Mapping[str, Any] = field(default_factory=dict)  # of `ExperimentSettings`, for this task
    steps_per_s: float  # environment steps in training, on the scale's machine: for the expected time


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """A strategy with its switches."""

    strategy: str
    search_mode: str = "hpo"
    t_ready_factor: float = 1.0  # rounds are so many times as long as the task says
    options: Mapping[str, Value] = field(default_factory=dict)  # of the strategy
    generations: Mapping[str, Any] = field(default_factory=dict)  # of `GenerationSettings`
    population_schedule: str | None = (
        None  # race, parallel or paper; None: the paper's, or the settings' rungs
    )
    settings: Mapping[str, Any] = field(default_factory=dict)  # of `ExperimentSettings`, such as rungs
    seeds: int | None = None  # runs on each task at most


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What a scale is meant for; only the expected time and cost depend on it."""

    name: str
    runs_at_once: int = 1
    price_per_h: float = 0.0  # US dollars


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How large a study is."""

    about: str  # one line for people
    seeds: int  # runs of each contender on each task
    first_seed: int  # no seed that anything was tuned with
    machine: Machine
    settings: Mapping[str, Any]  # of `ExperimentSettings`, shared by all tasks
    space: str | None = None  # ConfigSpace file beside the protocol, searched instead of PPO's space
    architecture_space: str | None = None  # the same for contenders that search architectures too
    tasks: Mapping[str, Task]
    contenders: tuple[str, ...]  # compared on all tasks
    ablations: tuple[str, ...] = ()
    ablation_tasks: tuple[str, ...] = ()  # where ablations are run


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """All scales, and what they compare."""

    baseline: str  # the contender that all others are compared with
    contenders: Mapping[str, Contender]
    scales: Mapping[str, Scale]
    directory: str = "."  # that the names of files are relative to

    def scale(self, name: str) -> Scale:
        """Return a scale by name.

        Raises:
            InputError: there is none.
        """
        if name not in self.scales:
            raise InputError(f"scale = {name!r}: there is no such scale; there are {', '.join(self.scales)}")
        return self.scales[name]

    def from_seed(self, name: str, first_seed: int) -> "Protocol":
        """Return the same with other seeds in one scale, to ask whether a result holds on them.

        Raises:
            InputError: there is no such scale, or the seed is negative.
        """
        checks.at_least("first_seed", first_seed, 0)
        scale = replace(self.scale(name), first_seed=first_seed)
        return replace(self, scales={**self.scales, name: scale})


def read_protocol(path: Path | str) -> Protocol:
    """Read a protocol.

    Raises:
        InputError: the file is not there, is no TOML, or names something that does not exist.
    """
    path = Path(path)
    text = read_text(path)
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path} is no TOML: {error}") from error
    try:
        protocol = decode(Protocol, json.dumps({**content, "directory": f"{path.parent}"}))
    except Exception as error:  # the converter raises groups of whatever went wrong inside
        raise InputError(f"{path}: {'; '.join(cattrs.transform_error(error))}") from error
    _check_names(protocol, path)
    return protocol


def _check_names(protocol: Protocol, path: Path) -> None:
    for name, scale in protocol.scales.items():
        for contender in (protocol.baseline, *scale.contenders, *scale.ablations):
            if contender not in protocol.contenders:
                listed = ", ".join(protocol.contenders)
                raise InputError(f"{path}: scale {name} names contender {contender!r}; there are {listed}")
        for task in scale.ablation_tasks:
            if task not in scale.tasks:
                listed = ", ".join(scale.tasks)
                raise InputError(f"{path}: scale {name} names task {task!r}; there are {listed}")
        checks.at_least(f"{path}: scale {name}: seeds", scale.seeds, 1)
        checks.at_least(f"{path}: scale {name}: first_seed", scale.first_seed, 0)
