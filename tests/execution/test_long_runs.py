"""A hundred rounds: neither the disk nor the memory that a run takes grows with its length."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bgpbt.contracts import Checkpoints
from bgpbt.execution.loop import run_loop
from bgpbt.records import Fresh, From, Order, Outcome, Plan
from bgpbt.storage import create_run
from tests.execution.walkers import WalkersState, order

POPULATION, ROUNDS, PINNED = 8, 100, 2

PROGRAM = """
import json, resource, sys
from dataclasses import dataclass
from pathlib import Path
from bgpbt.execution import LocalExecutor, RoundPlanned, run_loop
from bgpbt.storage import create_run
from bgpbt.strategies import PopulationSettings, make_strategy
from bgpbt.toys import make_toy

path, population, rounds, pinned = Path(sys.argv[1]), *map(int, sys.argv[2:])
toy = make_toy("mixed")
settings = PopulationSettings(
    population=population, initial=population, quantile_fraction=0.125, t_ready=1, max_timesteps=rounds
)
run = create_run(path, {}, seed=0)
stored, resident = [], []

class Counted:
    def train(self, order, checkpoints):
        outcome = toy.train(order, checkpoints)
        stored.append(len(run.checkpoints.stored()))  # the most there are: saved, and nothing left yet
        return outcome

def observe(event):
    if isinstance(event, RoundPlanned):
        resident.append(int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize())
        if 1 <= event.plan.round <= pinned:
            history.pin(event.plan.orders[0].start.checkpoint, "for later")

strategy = make_strategy("pbt", space=toy.space, settings=settings)
with run.locked(), run.open_history() as history:
    executor = LocalExecutor(Counted(), run.checkpoints, max_parallel=2)
    run_loop(strategy, executor, history, run.checkpoints, 0, observer=observe)
    assert set(history.pins()) <= run.checkpoints.stored() and len(history.pins()) == pinned
    assert run.checkpoints.stored() == history.referenced()
print(json.dumps({"stored": stored, "resident": resident}))
"""


def test_a_hundred_rounds_keep_few_checkpoints_and_a_flat_memory(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "run"), *map(str, (POPULATION, ROUNDS, PINNED))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    measured = json.loads(done.stdout)
    assert len(measured["stored"]) == POPULATION * ROUNDS
    assert max(measured["stored"]) <= POPULATION + 4 + PINNED
    assert len(measured["resident"]) == ROUNDS
    assert measured["resident"][-1] <= 1.1 * measured["resident"][19]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two members in two rounds, each going on from itself."""

    state_type: type[WalkersState] = WalkersState

    def start(self, seed: int) -> tuple[WalkersState, Plan]:
        plan = Plan(round=0, orders=tuple(order(seed, 0, member, member, Fresh()) for member in range(2)))
        return WalkersState(seed=seed, plan=plan), plan

    def advance(self, state: WalkersState, outcomes: Sequence[Outcome]) -> tuple[WalkersState, Plan | None]:
        if state.plan.round == 1:
            return state, None
        checkpoints = [outcome.checkpoint for outcome in outcomes if outcome.checkpoint is not None]
        orders = [order(state.seed, 1, m, m, From(checkpoint=checkpoints[m])) for m in range(2)]
        plan = Plan(round=1, orders=tuple(orders))
        return WalkersState(seed=state.seed, plan=plan), plan


WEIGHTS = {(0, 0): 0.0, (0, 1): 1.0, (1, 0): 2.0, (1, 1): 0.0}  # by round and member


class AllAtOnce:
    """Trains all orders before it tells of the first."""

    def __init__(self, checkpoints: Checkpoints) -> None:
        self._checkpoints = checkpoints

    def run(self, orders: Sequence[Order]) -> Iterator[Outcome]:
        yield from [self._train(each) for each in orders]

    def _train(self, order: Order) -> Outcome:
        weight = WEIGHTS[order.round, order.member]
        checkpoint = self._checkpoints.save({"weight": np.array(weight)}, {})
        return Outcome(
            round=order.round, member=order.member, checkpoint=checkpoint, score=weight, steps=order.steps
        )


def test_a_member_may_come_to_just_what_another_has_left(tmp_path: Path) -> None:
    run = create_run(tmp_path / "run", {}, seed=0)
    with run.open_history() as history:
        run_loop(Pair(), AllAtOnce(run.checkpoints), history, run.checkpoints, 0)
        last = [outcome.checkpoint for outcome in history.outcomes(1)]
        assert history.outcomes(0)[0].checkpoint == last[1]
        assert run.checkpoints.stored() == set(last) == history.referenced()
    for checkpoint in run.checkpoints.stored():
        run.checkpoints.verify(checkpoint)
