"""Which executor trains the members of a run in this process."""

from typing import Literal

from bgpbt.contracts import Checkpoints, Executor
from bgpbt.errors import InputError
from bgpbt.execution.local import LocalExecutor
from bgpbt.execution.preparation import cores
from bgpbt.execution.stacked import StackedExecutor
from bgpbt.execution.stopping import StopSwitch
from bgpbt.runs.experiment import Experiment
from bgpbt.runs.memory_budget import available_memory, check_memory, device_memory

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
    memory_budget = _budget(experiment, memory_budget)
    check_fits(experiment, stack=stack, max_parallel=max_parallel, memory_budget=memory_budget)
    if _is_stacked(experiment, stack):
        from bgpbt.agents import PPOTrainer, StackedTrainer, local_devices

        assert isinstance(experiment.trainer, PPOTrainer)
        stacked = StackedTrainer(experiment.trainer, local_devices())
        most = max_parallel or experiment.settings.population
        return StackedExecutor(stacked, experiment.trainer, checkpoints, most, switch=switch)
    parallel = members_at_a_time(experiment, max_parallel, memory_budget)
    return LocalExecutor(experiment.trainer, checkpoints, parallel, switch=switch)


def check_fits(
    experiment: Experiment, *, stack: Stack, max_parallel: int | None, memory_budget: int | None
) -> None:
    """Check that all members that may train at the same time fit into memory, whatever is proposed.

    Raises:
        InputError: they do not; the text says what to lower.
    """
    if experiment.settings.is_toy:
        return
    from bgpbt.agents import PPOTrainer, local_devices

    assert isinstance(experiment.trainer, PPOTrainer)
    budget, trainer = _budget(experiment, memory_budget), experiment.trainer
    if budget is None:
        return
    if _is_stacked(experiment, stack):
        members = -(-(max_parallel or experiment.settings.population) // len(local_devices()))
        check_memory(trainer.stacked_memory_need, members, budget)
    else:
        check_memory(trainer.memory_need, members_at_a_time(experiment, max_parallel, budget), budget)


def members_at_a_time(experiment: Experiment, max_parallel: int | None, budget: int | None) -> int:
    """Return how many members train at a time where each has a program of its own.

    Unless somebody says how many: as many as there are cores, and as fit into `budget` bytes if it is known.

    The small products and element-wise loops of an agent keep one core busy and two waiting for each other:
    on two cores, two members at a time train up to twice as fast as one after the other.
    """
    if max_parallel is not None:
        return min(max_parallel, cores())
    if experiment.settings.is_toy:
        return 1  # its steps are Python's, which threads take in turn
    from bgpbt.agents import PPOTrainer, local_devices

    if local_devices()[0].platform != "cpu":
        return 1
    assert isinstance(experiment.trainer, PPOTrainer)
    room = cores() if budget is None else budget // experiment.trainer.memory_need.total
    return max(1, min(cores(), room))


def _budget(experiment: Experiment, memory_budget: int | None) -> int | None:
    """Return the bytes that members in training may take; None where nothing limits or says them."""
    if memory_budget is not None or experiment.settings.is_toy:
        return memory_budget
    from bgpbt.agents import local_devices

    return device_memory(local_devices()[0]) or available_memory()


def _is_stacked(experiment: Experiment, stack: Stack) -> bool:
    if experiment.settings.is_toy:
        if stack == "on":
            raise InputError(f"stack = on: {experiment.settings.environment} has no networks to stack")
        return False
    if stack != "auto":
        return stack == "on"
    from bgpbt.agents import local_devices

    return any(device.platform != "cpu" for device in local_devices())
