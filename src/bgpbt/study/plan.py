"""The runs of a study, each with the settings that spend its budget and no step more."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import cattrs

from bgpbt import space as spaces
from bgpbt.encoding import decode, encode
from bgpbt.errors import InputError
from bgpbt.runs import ExperimentSettings, brings_its_space, check_settings, scheduled
from bgpbt.strategies import GenerationSettings
from bgpbt.study.protocol import Contender, Protocol, Scale, Task

__all__ = ["StudyRun", "configuration_hash", "plan_study"]

HASH_LENGTH = 16  # hexadecimal digits; enough to tell any two configurations apart


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyRun:
    """One run of one contender on one task."""

    task: str
    contender: str
    settings: ExperimentSettings

    @property
    def seed(self) -> int:
        """The seed of the run."""
        return self.settings.seed

    @property
    def name(self) -> str:
        """What its directory is called."""
        return f"{self.task}-{self.contender}-seed{self.seed}"


def plan_study(protocol: Protocol, scale_name: str, patterns: Sequence[str] = ()) -> tuple[StudyRun, ...]:
    """Return the runs seed by seed, so that a study which is cut short still compares all contenders.

    Args:
        protocol: what is compared.
        scale_name: at which scale.
        patterns: `TASK/CONTENDER` with wildcards, to do these alone; none: all.

    Raises:
        InputError: a setting is not allowed, a budget is too small, or a pattern fits nothing.
    """
    scale = protocol.scale(scale_name)
    pairs = list(_pairs(scale))
    for pattern in patterns:
        if not any(_fits(pair, pattern) for pair in pairs):
            raise InputError(f"only = {pattern!r} fits no TASK/CONTENDER of scale {scale_name}")
    chosen = [pair for pair in pairs if not patterns or any(_fits(pair, pattern) for pattern in patterns)]
    templates = {pair: _template(protocol, scale, *pair) for pair in chosen}
    most = max(_seeds(protocol, scale, *pair) for pair in chosen)
    return tuple(
        StudyRun(
            task=pair[0],
            contender=pair[1],
            settings=replace(templates[pair], seed=scale.first_seed + index),
        )
        for index in range(most)
        for pair in chosen
        if index < _seeds(protocol, scale, *pair)
    )


def configuration_hash(settings: ExperimentSettings) -> str:
    """Return what tells runs apart that compute something else."""
    return hashlib.sha256(encode(settings).encode()).hexdigest()[:HASH_LENGTH]


def _pairs(scale: Scale) -> Iterator[tuple[str, str]]:
    for task in scale.tasks:
        for contender in scale.contenders:
            yield task, contender
        if task in scale.ablation_tasks:
            for contender in scale.ablations:
                if contender not in scale.contenders:
                    yield task, contender


def _fits(pair: tuple[str, str], pattern: str) -> bool:
    return fnmatch("/".join(pair), pattern)


def _seeds(protocol: Protocol, scale: Scale, task: str, contender: str) -> int:
    seeds = scale.tasks[task].seeds or scale.seeds
    return min(seeds, protocol.contenders[contender].seeds or seeds)


def _template(protocol: Protocol, scale: Scale, task_name: str, contender_name: str) -> ExperimentSettings:
    """Return the settings of a contender's runs on a task, with any seed."""
    task, contender = scale.tasks[task_name], protocol.contenders[contender_name]
    where = f"{task_name}/{contender_name}"
    settings = _settings(protocol, scale, task, contender, where)
    longest = _longest(settings, task.budget)
    if longest is None:
        raise InputError(
            f"{where}: budget = {task.budget} is less than the initial design takes "
            f"({settings.initial} members x t_ready = {settings.t_ready})"
        )
    # What is expected is not always what comes: a generation may end early, and whoever goes back to the best
    # member of all rounds trains again what that lacks. So the budget ends the run, too.
    settings = replace(settings, max_timesteps=longest, budget=task.budget)
    with _said_of(where):  # now, and not hours later when the run's turn comes
        check_settings(settings)
    return settings


@contextmanager
def _said_of(where: str) -> Iterator[None]:
    """Let an error name the run that it is about."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{where}: {error}") from error


def _settings(
    protocol: Protocol, scale: Scale, task: Task, contender: Contender, where: str
) -> ExperimentSettings:
    shared = {**scale.settings, **task.settings}
    of_generations = {**shared.pop("generations", {}), **contender.generations}
    values: Mapping[str, Any] = {
        **shared,
        "environment": task.environment,
        "strategy": contender.strategy,
        "search_mode": contender.search_mode,
        "options": dict(contender.options),
        "generations": json.loads(encode(GenerationSettings())) | of_generations,
        "seed": 0,
        "t_ready": round(task.t_ready * contender.t_ready_factor),
        "max_timesteps": task.budget,
        "space": _space(protocol, scale, task, contender),
        **contender.settings,
    }
    with _said_of(where):
        try:
            settings = decode(ExperimentSettings, json.dumps(values))
        except InputError:
            raise
        except Exception as error:
            raise InputError("; ".join(cattrs.transform_error(error))) from error
        if contender.population_schedule is None:
            return settings
        return scheduled(replace(settings, budget=task.budget), contender.population_schedule)


def _space(protocol: Protocol, scale: Scale, task: Task, contender: Contender) -> str | None:
    """Return the space of a contender as JSON; None: the task's own."""
    name = scale.architecture_space if contender.search_mode == "both" else scale.space
    if name is None or brings_its_space(task.environment):
        return None
    return spaces.space_to_json(spaces.read_space(Path(protocol.directory) / name))


def _longest(settings: ExperimentSettings, budget: int) -> int | None:
    """Return the most steps of a member with which the whole population keeps to a budget; None: none do."""
    without = replace(settings, budget=None)

    def cost(max_timesteps: int) -> int:
        return replace(without, max_timesteps=max_timesteps).expected_steps

    low, high = settings.t_ready, budget + 1  # what the first costs fits, what the second does not
    if cost(low) > budget:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        if cost(middle) <= budget:
            low = middle
        else:
            high = middle
    return low
