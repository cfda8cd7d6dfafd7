"""How many steps a distilled student saves over one that starts afresh.

    python benchmarks/distillation.py [--env reacher] [--seeds 3] [--json]

A teacher with a policy of 3 layers of 256 units is trained; a student with 2 layers of 32 is distilled from
it, and another of the same shape is trained without it. Counted are the environment steps of a student until
its mean return has made 90% of the teacher's way from a random policy's.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Annotated

import numpy as np
import tyro
from tyro.conf import arg

from bgpbt.agents import Architecture, Architectures, PPOSettings, PPOTrainer, enable_persistent_cache
from bgpbt.records import (
    Checkpoint,
    Configuration,
    Distil,
    Fresh,
    From,
    Order,
    Outcome,
    Proposal,
    ProposalSource,
    Purpose,
    Start,
)
from bgpbt.space import ppo_space
from bgpbt.toys import MemoryCheckpoints

GOAL = 0.9  # of the teacher's improvement over a random policy
STUDENT: Configuration = {"policy_depth": 2, "policy_log2_width": 5}
CONFIGURATION: Configuration = {"batch_size": 256, "unroll_length": 5, "update_epochs": 8}


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Compare a distilled student with one that starts afresh."""

    env: Annotated[str, arg(aliases=["-e"])] = "reacher"
    """Environment."""
    seeds: int = 3
    """Teachers, each with its two students."""
    teacher_steps: int = 2_000_000
    """Environment steps of a teacher, and of a student at most."""
    stretch: int = 100_000
    """Environment steps between two scores of a student."""
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Print one JSON object instead of lines."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One teacher and its students."""

    random_return: float
    teacher_return: float
    distilled_steps: int | None  # until the goal; None: not reached
    fresh_steps: int | None


def order(configuration: Configuration, start: Start, steps: int, seed: int) -> Order:
    """Return the order that trains an agent."""
    return Order(
        round=0,
        member=0,
        purpose=Purpose.DISTIL if isinstance(start, Distil) else Purpose.TRAIN,
        start=start,
        configuration={**ppo_space().default(), **CONFIGURATION, **configuration},
        first_step=0,
        steps=steps,
        seed=seed,
        proposal=Proposal(source=ProposalSource.DEFAULT),
    )


def compare(arguments: Arguments, trainer: PPOTrainer, seed: int) -> Row:
    """Train a teacher and two students of one seed."""
    checkpoints = MemoryCheckpoints()
    untrained = trainer.train(order({}, Fresh(), 1, seed), checkpoints)  # too few steps for an unroll
    teacher = trainer.train(order({}, Fresh(), arguments.teacher_steps, seed), checkpoints)
    assert teacher.checkpoint is not None
    goal = untrained.score + GOAL * (teacher.score - untrained.score)
    taught_by = teacher.checkpoint

    def distil(student: Checkpoint | None, done: int) -> Start:
        return Distil(
            teacher=taught_by, student=student, first_step=done, total_steps=arguments.teacher_steps
        )

    def afresh(student: Checkpoint | None, _: int) -> Start:
        return Fresh() if student is None else From(checkpoint=student)

    def steps_to_goal(begin: Callable[[Checkpoint | None, int], Start]) -> int | None:
        student: Checkpoint | None = None
        done = 0
        while done < arguments.teacher_steps:
            start = begin(student, done)
            outcome: Outcome = trainer.train(
                order(STUDENT, start, arguments.stretch, 1000 * seed + done), checkpoints
            )
            done += outcome.steps
            student = outcome.checkpoint
            if outcome.score >= goal:
                return done
            if student is None:
                return None
        return None

    return Row(
        random_return=untrained.score,
        teacher_return=teacher.score,
        distilled_steps=steps_to_goal(distil),
        fresh_steps=steps_to_goal(afresh),
    )


def main(arguments: Arguments) -> None:
    """Measure and print."""
    enable_persistent_cache()
    settings = PPOSettings(
        environment=arguments.env,
        environments=512,
        minibatches=8,
        architectures=Architectures(
            policy=Architecture(depth=3, width=256), value=Architecture(depth=2, width=64)
        ),
    )
    trainer = PPOTrainer(settings, ppo_space())
    rows = []
    for seed in range(arguments.seeds):
        row = compare(arguments, trainer, seed)
        rows.append(row)
        if not arguments.json:
            print(
                f"seed {seed}: random {row.random_return:.1f}, teacher {row.teacher_return:.1f}; steps to "
                f"{GOAL:.0%} of the way: distilled {row.distilled_steps}, afresh {row.fresh_steps}",
                flush=True,
            )
    limit = arguments.teacher_steps
    ratio = float(
        np.mean([row.distilled_steps or limit for row in rows])
        / np.mean([row.fresh_steps or limit for row in rows])
    )
    if arguments.json:
        print(json.dumps({"rows": [asdict(row) for row in rows], "ratio": ratio}))
    else:
        print(f"a distilled student needs {ratio:.2f} of the steps")


if __name__ == "__main__":
    main(tyro.cli(Arguments))
