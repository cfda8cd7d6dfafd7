"""Where members are trained: the flags that say so, and the executor made from them.

They do not belong to what a run computes: a run may begin here and go on on a cluster.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

from bgpbt.contracts import Checkpoints, Executor, Trainer
from bgpbt.errors import InputError
from bgpbt.execution import StopSwitch
from bgpbt.runs import Experiment, ExperimentSettings, assemble, bytes_of, check_fits, local_executor

if TYPE_CHECKING:
    from bgpbt.ray import MemberResources

__all__ = ["PlacementArguments", "check_fits_here", "executor_of"]


@dataclass(frozen=True, kw_only=True)
class PlacementArguments:
    """The flags."""

    executor: Literal["local", "ray"] = "local"
    """Train members in this process, or on a Ray cluster."""
    stack: Literal["auto", "on", "off"] = "auto"
    """Train the members in one program, up to `max_parallel` of them or all, their networks padded to the
    largest (executor local). auto: on an accelerator, where that is faster; on a CPU it is slower."""
    memory_budget: str | None = None
    """Refuse a run whose members, as many as train at a time, need more, such as `8GiB`; by default what the
    machine or the device has (executor local)."""
    address: str | None = None
    """Ray cluster to use: `auto` for the one this machine belongs to, or HOST:PORT; without it, one is
    started here for the time of the run (executor ray)."""
    resources_per_member: str | None = None
    """What a member occupies: `cpu=2` or `cpu=1,gpu=0.5`; without it one core (executor ray)."""

    @property
    def memory_bytes(self) -> int | None:
        """The memory budget in bytes.

        Raises:
            InputError: it cannot be read.
        """
        return None if self.memory_budget is None else bytes_of(self.memory_budget)

    def check_placement(self) -> None:
        """Check the flags.

        Raises:
            InputError: a flag cannot be read, or needs the other executor.
        """
        if self.executor == "local":
            for flag in ("address", "resources_per_member"):
                if getattr(self, flag) is not None:
                    raise InputError(f"{flag} = {getattr(self, flag)!r} needs --executor ray")
            _ = self.memory_bytes
            return
        if self.memory_budget is not None:
            raise InputError(f"memory_budget = {self.memory_budget!r} needs --executor local")
        if self.stack == "on":
            raise InputError("stack = on needs --executor local")
        from bgpbt.ray import check_address

        check_address(self.address)
        _resources(self)


def check_fits_here(placement: PlacementArguments, experiment: Experiment, max_parallel: int | None) -> None:
    """Check that members which train in this process fit into memory.

    Raises:
        InputError: they do not; the text says what to lower.
    """
    if placement.executor == "local":
        check_fits(
            experiment, stack=placement.stack, max_parallel=max_parallel, memory_budget=placement.memory_bytes
        )


@contextmanager
def executor_of(
    placement: PlacementArguments,
    experiment: Experiment,
    checkpoints: Checkpoints,
    max_parallel: int | None,
    switch: StopSwitch,
) -> Iterator[Executor]:
    """Make an executor, and end what it has started.

    Raises:
        InputError: Ray is not installed, or its cluster cannot be reached.
    """
    placement.check_placement()
    if placement.executor == "local":
        yield local_executor(
            experiment,
            checkpoints,
            stack=placement.stack,
            max_parallel=max_parallel,
            memory_budget=placement.memory_bytes,
            switch=switch,
        )
        return
    from bgpbt.ray import RayExecutor

    with RayExecutor(
        partial(_trainer_of, experiment.settings),
        checkpoints,
        resources=_resources(placement),
        max_parallel=max_parallel,
        address=placement.address,
        switch=switch,
    ) as executor:
        yield executor


def _resources(placement: PlacementArguments) -> "MemberResources":
    from bgpbt.ray import MemberResources

    return MemberResources.parse(placement.resources_per_member or "cpu=1")


def _trainer_of(settings: ExperimentSettings) -> Trainer:
    """Make the trainer anew where it is to work: compiled programs do not travel."""
    return assemble(settings).trainer
