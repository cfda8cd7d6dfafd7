"""Which executor trains the members of a run in this process."""

from typing import Literal

from bgpbt.contracts import Checkpoints, Executor
from bgpbt.errors import InputError
from bgpbt.execution.local import LocalExecutor
from bgpbt.execution.stacked import StackedExecutor
from bgpbt.execution.stopping import StopSwitch
from bgpbt.runs.experiment import Experiment
from bgpbt.runs.memory_budget import check_memory
from bgpbt.storage.machine import cores

__all__ = ["Stack", "check_fits", "local_executor", "members_at_a_time"]

Stack = Literal["auto", "on", "off"]


def local_executor(
    experiment: Experiment,
    checkpoints: Checkpoints,
    *,
    stack: Stack = "auto",
    max_parallel: int | None = None,
    memory_budget: int | None = None,
    switch: StopSwitch | None = None,
) -> Executor:
    """Return what trains members as this machine does it fastest: one on each core, or all in one program.

    Args:
        experiment: what is run.
        checkpoints: given to the trainer.
        stack: one program for all members; "auto": on an accelerator.
        max_parallel: members trained at the same time, at most; None: as many as there are cores and room in
            memory for, or in one program all. Outcomes do not depend on it.
        memory_budget: bytes that members in training may take; None: what the machine or device has.
        switch: ends the run.

    Raises:
        InputError: the task has no networks to stack, or the members do not fit into memory.
    """
    check_fits(experiment, stack=stack, max_parallel=max_parallel, memory_budget=memory_budget)
    task = experiment.task
    together = task.stack() if _is_stacked(experiment, stack) else None
    if together is not None:
        most = max_parallel or experiment.settings.population
        return StackedExecutor(together, task.trainer, checkpoints, most, switch=switch)
    parallel = members_at_a_time(experiment, max_parallel, _budget(experiment, memory_budget))
    return LocalExecutor(task.trainer, checkpoints, parallel, switch=switch)


def check_fits(
    experiment: Experiment, *, stack: Stack, max_parallel: int | None, memory_budget: int | None
) -> None:
    """Check that all members that may train at the same time fit into memory, whatever is proposed.

    Raises:
        InputError: they do not, and the text says what to lower; or there are no networks to stack.
    """
    is_stacked = _is_stacked(experiment, stack)
    budget, need = _budget(experiment, memory_budget), experiment.task.memory_need(stacked=is_stacked)
    if budget is None or need is None:
        return
    if is_stacked:
        members = -(-(max_parallel or experiment.settings.population) // experiment.task.devices)
    else:
        members = members_at_a_time(experiment, max_parallel, budget)
    check_memory(need, members, budget)


def members_at_a_time(experiment: Experiment, max_parallel: int | None, budget: int | None) -> int:
    """Return how many members train at a time where each has a program of its own.

    Unless somebody says how many: as many as there are cores, and as fit into `budget` bytes if it is known.

    The small products and element-wise loops of an agent keep one core busy and two waiting for each other:
    on two cores, two members at a time train up to twice as fast as one after the other.
    """
    if max_parallel is not None:
        return min(max_parallel, cores())
    if not experiment.task.fills_one_core:
        return 1
    need = experiment.task.memory_need(stacked=False)
    room = cores() if budget is None or need is None else budget // need.total
    return max(1, min(cores(), room))


def _budget(experiment: Experiment, memory_budget: int | None) -> int | None:
    """Return the bytes that members in training may take; None where nothing limits or says them."""
    return experiment.task.memory() if memory_budget is None else memory_budget


def _is_stacked(experiment: Experiment, stack: Stack) -> bool:
    if stack == "on" and experiment.task.stack() is None:
        raise InputError(f"stack = on: {experiment.settings.environment} has no networks to stack")
    return experiment.task.is_faster_stacked if stack == "auto" else stack == "on"
