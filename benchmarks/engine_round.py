"""How long a round of the real loop takes: members trained, scored and stored, the next round suggested."""

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from bgpbt.agents import PPOTrainer
from bgpbt.agents.ppo.hyperparameters import DEFAULTS
from bgpbt.agents.stack import StackedTrainer, local_devices
from bgpbt.contracts import Executor
from bgpbt.execution import Event, LocalExecutor, RoundPlanned, StackedExecutor, run_loop
from bgpbt.records import Order, Outcome
from bgpbt.space import ppo_space
from bgpbt.storage import CheckpointStore, History
from bgpbt.storage.machine import cores
from bgpbt.strategies import PopulationSettings, make_strategy

__all__ = ["Engine", "PopulationRound", "round_seconds"]

Engine = Literal["one", "parallel", "stacked"]
"""Members one after the other, as many at a time as there are cores, or all in one program."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PopulationRound:
    """What is trained in a round."""

    members: int
    iterations: int  # of PPO, for each member


def round_seconds(trainer: PPOTrainer, population: PopulationRound, engine: Engine) -> float:
    """Return the seconds from one round's plan to the next one's.

    The strategy is BG-PBT, but members train with the default hyperparameters whatever it proposes, so that
    the limits of the round are those of its parts. All is compiled in a shorter round beforehand.
    """
    steps = int(DEFAULTS["unroll_length"]) * trainer.settings.environments  # of an unroll
    unrolls = trainer.settings.unrolls_per_iteration(int(DEFAULTS["batch_size"]))
    stack = StackedTrainer(trainer, local_devices()) if engine == "stacked" else None
    members = population.members

    def executor(checkpoints: CheckpointStore) -> Executor:
        if stack is not None:
            return StackedExecutor(stack, trainer, checkpoints, members)
        return LocalExecutor(trainer, checkpoints, cores() if engine == "parallel" else 1)

    _seconds(executor, members, steps)
    return _seconds(executor, members, steps * unrolls * population.iterations)


def _seconds(executor_of: Callable[[CheckpointStore], Executor], members: int, t_ready: int) -> float:
    settings = PopulationSettings(
        t_ready=t_ready, max_timesteps=2 * t_ready, population=members, initial=members, quantile_fraction=0.5
    )
    strategy = make_strategy("bgpbt", space=ppo_space(), settings=settings)
    planned: list[float] = []

    def observe(event: Event) -> None:
        if isinstance(event, RoundPlanned):
            planned.append(time.perf_counter())
            if len(planned) == 2:
                raise _RoundOverError

    with tempfile.TemporaryDirectory() as directory:
        store = Path(directory) / "checkpoints"
        store.mkdir()
        checkpoints = CheckpointStore(store)
        executor = _WithDefaults(executor_of(checkpoints))
        with (
            History.create(Path(directory) / "history.sqlite") as history,
            contextlib.suppress(_RoundOverError),
        ):
            run_loop(strategy, executor, history, checkpoints, 0, observer=observe)
    return planned[1] - planned[0]


class _RoundOverError(Exception):
    """Ends the loop."""


@dataclass(frozen=True, slots=True)
class _WithDefaults:
    """Trains every member with the default hyperparameters."""

    executor: Executor

    def run(self, orders: Sequence[Order]) -> Iterator[Outcome]:
        """Yield one outcome for each order."""
        return self.executor.run([replace(order, configuration=DEFAULTS) for order in orders])
