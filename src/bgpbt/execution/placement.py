"""Which executor trains the members of a run in this process."""

from typing import Literal

from bgpbt.contracts import Checkpoints, Executor
from bgpbt.errors import InputError
from bgpbt.execution.experiment import Experiment
from bgpbt.execution.local import LocalExecutor
from bgpbt.execution.memory import available_memory, check_memory, device_memory
from bgpbt.execution.preparation import cores
from bgpbt.execution.stacked import StackedExecutor
from bgpbt.execution.stopping import StopSwitch

__all__ = ["Stack", "check_fits", "local_executor"]

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
    """Return what trains members one at a time, or all in one program where that is faster.

    Args:
        experiment: what is run.
        checkpoints: given to the trainer.
        stack: one program for all members; "auto": on an accelerator.
        max_parallel: members trained at the same time, at most; None: one, or in one program all.
        memory_budget: bytes that members in training may take; None: what the machine or device has.
        switch: ends the run.

    Raises:
        InputError: the task has no networks to stack, or the members do not fit into memory.
    """
    check_fits(experiment, stack=stack, max_parallel=max_parallel, memory_budget=memory_budget)
    if _is_stacked(experiment, stack):
        from bgpbt.agents import PPOTrainer, StackedTrainer, local_devices

        assert isinstance(experiment.trainer, PPOTrainer)
        stacked = StackedTrainer(experiment.trainer, local_devices())
        most = max_parallel or experiment.settings.population
        return StackedExecutor(stacked, experiment.trainer, checkpoints, most, switch=switch)
    parallel = _parallel(max_parallel)
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
    devices, members = local_devices(), _parallel(max_parallel)
    if _is_stacked(experiment, stack):
        members = -(-(max_parallel or experiment.settings.population) // len(devices))
    if memory_budget is None:
        memory_budget = device_memory(devices[0]) or available_memory()
    if memory_budget is not None:
        check_memory(experiment.trainer.memory_need, members, memory_budget)


def _parallel(max_parallel: int | None) -> int:
    return min(max_parallel or 1, cores())


def _is_stacked(experiment: Experiment, stack: Stack) -> bool:
    if experiment.settings.is_toy:
        if stack == "on":
            raise InputError(f"stack = on: {experiment.settings.environment} has no networks to stack")
        return False
    if stack != "auto":
        return stack == "on"
    from bgpbt.agents import local_devices

    return any(device.platform != "cpu" for device in local_devices())
