"""Which executor trains the members of a run in this process."""

import os
from typing import Literal

from bgpbt.contracts import Checkpoints, Executor
from bgpbt.errors import InputError
from bgpbt.execution.experiment import Experiment
from bgpbt.execution.local import LocalExecutor
from bgpbt.execution.stacked import StackedExecutor
from bgpbt.execution.stopping import StopSwitch

__all__ = ["Stack", "local_executor"]

Stack = Literal["auto", "on", "off"]


def local_executor(
    experiment: Experiment,
    checkpoints: Checkpoints,
    *,
    stack: Stack = "auto",
    max_parallel: int | None = None,
    switch: StopSwitch | None = None,
) -> Executor:
    """Return what trains members one at a time, or all in one program where that is faster.

    Args:
        experiment: what is run.
        checkpoints: given to the trainer.
        stack: one program for all members; "auto": on an accelerator.
        max_parallel: members trained at the same time, at most; None: one, or in one program all.
        switch: ends the run.

    Raises:
        InputError: the task has no networks to stack.
    """
    if _is_stacked(experiment, stack):
        from bgpbt.agents import PPOTrainer, StackedTrainer, local_devices

        assert isinstance(experiment.trainer, PPOTrainer)
        stacked = StackedTrainer(experiment.trainer, local_devices())
        most = max_parallel or experiment.settings.population
        return StackedExecutor(stacked, experiment.trainer, checkpoints, most, switch=switch)
    parallel = min(max_parallel or 1, os.cpu_count() or 1)
    return LocalExecutor(experiment.trainer, checkpoints, parallel, switch=switch)


def _is_stacked(experiment: Experiment, stack: Stack) -> bool:
    if experiment.settings.is_toy:
        if stack == "on":
            raise InputError(f"stack = on: {experiment.settings.environment} has no networks to stack")
        return False
    if stack != "auto":
        return stack == "on"
    from bgpbt.agents import local_devices

    return any(device.platform != "cpu" for device in local_devices())
