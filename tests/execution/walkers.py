"""A population of random walkers: a strategy and a trainer as cheap as they can be, with all that matters.

Weights are carried over, the score depends on weights, configuration and seed, the worst member copies the
best, and the state remembers scores. Run as a program, it goes on with the run in a directory, to be killed.
"""

import sys
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bgpbt.contracts import Checkpoints
from bgpbt.execution.local import LocalExecutor
from bgpbt.execution.loop import run_loop
from bgpbt.records import Checkpoint, Fresh, From, Order, Outcome, Plan, Proposal, ProposalSource, Purpose
from bgpbt.storage import create_run, is_run, open_run

STEPS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkersState:
    seed: int
    plan: Plan
    best_scores: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Walkers:
    """Each round the worst member takes over the best one's weights and draws a new configuration."""

    population: int = 4
    rounds: int = 5
    state_type: type[WalkersState] = WalkersState

    def start(self, seed: int) -> tuple[WalkersState, Plan]:
        plan = Plan(round=0, orders=tuple(order(seed, 0, m, m, Fresh()) for m in range(self.population)))
        return WalkersState(seed=seed, plan=plan), plan

    def advance(self, state: WalkersState, outcomes: Sequence[Outcome]) -> tuple[WalkersState, Plan | None]:
        score_m = np.array([outcome.score for outcome in outcomes])
        ranked = np.argsort(-np.where(np.isfinite(score_m), score_m, -np.inf), kind="stable")
        best, worst = int(ranked[0]), int(ranked[-1])
        following = state.plan.round + 1
        best_scores = (*state.best_scores, float(score_m[best]))
        if following == self.rounds:
            return WalkersState(seed=state.seed, plan=state.plan, best_scores=best_scores), None
        orders = []
        for member in range(self.population):
            parent = best if member == worst else member
            checkpoint = outcomes[parent].checkpoint
            start = Fresh() if checkpoint is None else From(checkpoint=checkpoint)
            orders.append(order(state.seed, following, member, parent, start))
        plan = Plan(round=following, orders=tuple(orders))
        return WalkersState(seed=state.seed, plan=plan, best_scores=best_scores), plan


def order(seed: int, round_index: int, member: int, parent: int, start: Fresh | From) -> Order:
    rng = np.random.default_rng([seed, round_index, zlib.crc32(b"order"), member])
    return Order(
        round=round_index,
        member=member,
        purpose=Purpose.INITIAL if round_index == 0 else Purpose.TRAIN,
        start=start,
        configuration={"scale": float(rng.uniform(0.1, 1.0))},
        first_step=round_index * STEPS,
        steps=STEPS,
        seed=int(rng.integers(2**63)),
        proposal=Proposal(
            source=ProposalSource.RANDOM,
            parent=None if parent == member else parent,
        ),
    )


@dataclass(slots=True, kw_only=True)
class WalkTrainer:
    """Takes random steps; scores minus the distance to a goal."""

    size: int = 16  # of the weights
    failing: frozenset[tuple[int, int]] = frozenset()  # (round, member)
    trained: list[tuple[int, int]] = field(default_factory=list)

    def train(self, order: Order, checkpoints: Checkpoints) -> Outcome:
        self.trained.append((order.round, order.member))
        if (order.round, order.member) in self.failing:
            raise ArithmeticError("the loss\nis not finite")
        rng = np.random.default_rng(order.seed)
        weight_d = np.zeros(self.size)
        if isinstance(order.start, From):
            weight_d = checkpoints.load(order.start.checkpoint)[0]["weight"]
        scale = float(order.configuration["scale"])
        weight_d = weight_d + scale * rng.normal(size=(order.steps, self.size)).sum(axis=0)
        checkpoint: Checkpoint = checkpoints.save({"weight": weight_d}, {"kind": "walker"})
        return Outcome(
            round=order.round,
            member=order.member,
            checkpoint=checkpoint,
            score=-float(np.linalg.norm(weight_d - 1.0)),
            steps=order.steps,
            evaluation_steps=3,
            seconds=float(np.random.default_rng().uniform()),  # differs from run to run, as a clock would
            figures={"length": float(np.linalg.norm(weight_d))},
        )


def go_on(
    directory: Path, strategy: Walkers, trainer: WalkTrainer, *, seed: int = 0, max_parallel: int = 1
) -> None:
    """Start the run in a directory, or go on with it."""
    run = open_run(directory) if is_run(directory) else create_run(directory, {}, seed=seed)
    with run.locked(), run.open_history() as history:
        executor = LocalExecutor(trainer, run.checkpoints, max_parallel)
        run_loop(strategy, executor, history, run.checkpoints, run.description.seed)


if __name__ == "__main__":
    go_on(
        Path(sys.argv[1]),
        Walkers(population=4, rounds=int(sys.argv[2])),
        WalkTrainer(size=4096),
        max_parallel=2,
    )
