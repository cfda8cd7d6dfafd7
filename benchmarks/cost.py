"""What the strategy and the storage cost beside the training they steer, and how that grows.

    python benchmarks/cost.py [--members 2 4 8 16 24] [--rounds 100] [--json FILE]

BG-PBT runs on a toy with the real loop, the real history and real checkpoints; the toy's own training is
subtracted. Beside it stands what a member's training would take: PPO on reacher with the paper's networks,
measured in the same process for one iteration and one evaluation, and scaled to `--t-ready` environment
steps. Storing and loading an agent takes longer than a toy's few weights, so that is measured too and
counted as storage.

Growth is the exponent b of a fit cost = a x^b: 1 is linear.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import jax
import numpy as np
import tyro
from tyro.conf import FlagCreatePairsOff

from bgpbt.agents import PPOSettings, PPOTrainer
from bgpbt.agents.networks.member import Member, arrays_of
from bgpbt.contracts import Checkpoints, Strategy
from bgpbt.execution import LocalExecutor, run_loop
from bgpbt.records import Order, Outcome, Plan
from bgpbt.space import ppo_space
from bgpbt.storage import CheckpointStore, History
from bgpbt.strategies import PopulationSettings, make_strategy
from bgpbt.toys import Toy, make_toy
from engine_limits import timed
from engine_member import PARTS, TimedMember

TOY_STEPS = 4  # of one round; what a toy's steps are worth is of no account here
MOST_SHARE = 0.02  # of all time, for strategy and storage
SAVES = 5  # of an agent's checkpoint, of which the median counts


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Measure the strategy's and the storage's share of a run."""

    members: tuple[int, ...] = (2, 4, 8, 16, 24)
    """Sizes of the population."""
    rounds: int = 100
    """Rounds of each run."""
    toy: str = "mixed"
    """Toy task."""
    env: str = "reacher"
    """Environment whose training stands beside it."""
    t_ready: int = 1_000_000
    """Environment steps of each member in a round."""
    quick: Annotated[bool, FlagCreatePairsOff] = False
    """Few members, few rounds and few environments, to see whether all goes."""
    json: Path | None = None
    """Write all measurements to this file."""


@dataclass(frozen=True, kw_only=True)
class Training:
    """What one member's round takes."""

    training_s: float
    evaluation_s: float
    storage_s: float  # of loading its checkpoint and saving the next

    @property
    def seconds(self) -> float:
        """All but storage."""
        return self.training_s + self.evaluation_s


@dataclass(frozen=True, kw_only=True)
class Run:
    """What one run cost."""

    members: int
    rounds: int
    suggestion_s: list[float]  # of the strategy, after each round
    storage_s: float  # history, checkpoints and the loop, and those of an agent
    training_s: float  # what real members would train
    share: float  # of strategy and storage in all


def main(arguments: Arguments) -> None:
    """Measure and print."""
    if arguments.quick:
        arguments = Arguments(members=(2, 4), rounds=6, t_ready=20_000, quick=True, json=arguments.json)
    training = measure_training(arguments)
    print(
        f"{arguments.env}, {arguments.t_ready} steps: training {training.training_s:.1f} s, evaluation "
        f"{training.evaluation_s:.1f} s, checkpoint {1e3 * training.storage_s:.0f} ms"
    )
    print(f"{'members':>8}{'rounds':>8}{'strategy s':>12}{'storage s':>12}{'training s':>12}{'share':>8}")
    runs = []
    for members in arguments.members:
        runs.append(measure_run(arguments, members, training))
        print(
            f"{members:8}{arguments.rounds:8}{sum(runs[-1].suggestion_s):12.2f}{runs[-1].storage_s:12.2f}"
            f"{runs[-1].training_s:12.0f}{runs[-1].share:8.2%}",
            flush=True,
        )
    growth = {"members": growth_in_members(runs), "rounds": growth_in_rounds(runs[-1])}
    print(f"cost grows as members^{growth['members']:.2f} and rounds^{growth['rounds']:.2f}")
    print(f"one round's suggestions, {runs[-1].members} members: {milestones(runs[-1].suggestion_s)}")
    if arguments.json is not None:
        measured = {
            "arguments": asdict(replace(arguments, json=None)),
            "training": asdict(training),
            "runs": [asdict(run) for run in runs],
            "growth": growth,
        }
        arguments.json.write_text(json.dumps(measured, indent=1) + "\n")
    if not arguments.quick and runs[-1].share > MOST_SHARE:
        sys.exit(f"strategy and storage take {runs[-1].share:.1%}, more than {MOST_SHARE:.0%}")


def measure_training(arguments: Arguments) -> Training:
    """Train one member for two iterations, the first to warm up; scale the second to a round."""
    small = {"environments": 64, "minibatches": 1, "episode_length": 50} if arguments.quick else {}
    trainer = PPOTrainer(PPOSettings(environment=arguments.env, **small), ppo_space())  # type: ignore[arg-type]
    member = TimedMember(trainer)
    for _ in range(2):  # the first warms up
        seconds = {part: timed(partial(member.do, part))[0] for part in PARTS}
    iterations = arguments.t_ready / member.work["rollout"]
    return Training(
        training_s=(seconds["rollout"] + seconds["learner"]) * iterations,
        evaluation_s=seconds["evaluation"],
        storage_s=_storage_seconds(member.member),
    )


def _storage_seconds(member: Member) -> float:
    """Return the median time of saving and loading an agent, never the same twice."""
    arrays = arrays_of(jax.device_get(member))
    seconds = []
    with tempfile.TemporaryDirectory() as directory:
        store = CheckpointStore(Path(directory))
        for index in range(SAVES):
            new = arrays | {"index": np.array(index)}
            seconds.append(timed(partial(_saved_and_loaded, store, new))[0])
    return float(np.median(seconds))


def _saved_and_loaded(store: CheckpointStore, arrays: Any) -> Any:
    return store.load(store.save(arrays, {}))


class TimedStrategy:
    """A strategy whose time is taken."""

    def __init__(self, strategy: Strategy[Any]) -> None:
        self._strategy = strategy
        self.seconds: list[float] = []

    @property
    def state_type(self) -> type[Any]:
        """The strategy's."""
        return self._strategy.state_type

    def start(self, seed: int) -> tuple[Any, Plan]:
        """Open a run."""
        return self._strategy.start(seed)

    def advance(self, state: Any, outcomes: Sequence[Outcome]) -> tuple[Any, Plan | None]:
        """Close a round and plan the next."""
        seconds, advanced = timed(lambda: self._strategy.advance(state, outcomes))
        self.seconds.append(seconds)
        return advanced


class TimedToy:
    """A toy whose own training is taken apart from its checkpoints."""

    def __init__(self, toy: Toy) -> None:
        self._toy = toy
        self.seconds = 0.0

    def train(self, order: Order, checkpoints: Checkpoints) -> Outcome:
        """Carry out an order."""
        timed_store = TimedCheckpoints(checkpoints)
        seconds, outcome = timed(lambda: self._toy.train(order, timed_store))
        self.seconds += seconds - timed_store.seconds
        return outcome


class TimedCheckpoints:
    """A store whose time is taken."""

    def __init__(self, checkpoints: Checkpoints) -> None:
        self._checkpoints = checkpoints
        self.seconds = 0.0

    def save(self, arrays: Any, metadata: Any) -> Any:
        """Store arrays."""
        return self._add(lambda: self._checkpoints.save(arrays, metadata))

    def load(self, checkpoint: Any) -> Any:
        """Return what was stored."""
        return self._add(lambda: self._checkpoints.load(checkpoint))

    def _add(self, call: Callable[[], Any]) -> Any:
        seconds, result = timed(call)
        self.seconds += seconds
        return result


def measure_run(arguments: Arguments, members: int, training: Training) -> Run:
    """Run the real loop on a toy; count everything but the toy's own training."""
    toy = TimedToy(make_toy(arguments.toy))
    settings = PopulationSettings(
        t_ready=TOY_STEPS,
        max_timesteps=TOY_STEPS * arguments.rounds,
        population=members,
        initial=members,
        quantile_fraction=max(0.125, 1 / members),
    )
    strategy = TimedStrategy(make_strategy("bgpbt", space=make_toy(arguments.toy).space, settings=settings))
    with tempfile.TemporaryDirectory() as directory:
        store = Path(directory) / "checkpoints"
        store.mkdir()
        checkpoints = CheckpointStore(store)
        began = time.perf_counter()
        with History.create(Path(directory) / "history.sqlite") as history:
            run_loop(strategy, LocalExecutor(toy, checkpoints), history, checkpoints, 0)
        elapsed = time.perf_counter() - began
    trainings = members * arguments.rounds
    suggestion_s = sum(strategy.seconds)
    storage_s = elapsed - suggestion_s - toy.seconds + trainings * training.storage_s
    training_s = trainings * training.seconds
    cost = suggestion_s + storage_s
    return Run(
        members=members,
        rounds=arguments.rounds,
        suggestion_s=strategy.seconds,
        storage_s=storage_s,
        training_s=training_s,
        share=cost / (cost + training_s),
    )


def growth_in_members(runs: Sequence[Run]) -> float:
    """Return the exponent of all that strategy and storage cost, over the sizes of the population."""
    cost = [sum(run.suggestion_s) + run.storage_s for run in runs]
    return _exponent([run.members for run in runs], cost)


def growth_in_rounds(run: Run) -> float:
    """Return the exponent of what the strategy has cost so far, over the second half of the rounds."""
    so_far = np.cumsum(run.suggestion_s)
    rounds = np.arange(1, so_far.size + 1)
    half = so_far.size // 2
    return _exponent(rounds[half:], so_far[half:])


def _exponent(x: Any, y: Any) -> float:
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


def milestones(suggestion_s: Sequence[float]) -> str:
    """Return the seconds after some of the rounds."""
    count = len(suggestion_s)
    rounds = sorted({1, *(max(1, count * tenth // 10) for tenth in (1, 2, 4, 6, 8)), count - 1})
    return ", ".join(f"round {r} {1e3 * suggestion_s[r - 1]:.0f} ms" for r in rounds)


if __name__ == "__main__":
    main(tyro.cli(Arguments))
