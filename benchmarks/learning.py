"""What PPO reaches with the default configuration: mean return after each stretch of training.

    python benchmarks/learning.py [--env reacher] [--seeds 3] [--json]

The paper's networks, 2048 environments, batches of 1024 sequences of 5 steps, 4 epochs. The released code of
Wan et al. (2022) reached -281, -267, -281 on reacher after 983,040 steps and -185, -194, -195 after 1,966,080
(seeds 0, 1, 2).
"""

import json
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import tyro
from tyro.conf import arg

from bgpbt.agents import PPOSettings, PPOTrainer, enable_persistent_cache
from bgpbt.records import Fresh, From, Order, Proposal, ProposalSource, Purpose, Start
from bgpbt.space import ppo_space
from bgpbt.toys import MemoryCheckpoints


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Train agents with the default configuration and print their returns."""

    env: Annotated[str, arg(aliases=["-e"])] = "reacher"
    """Environment."""
    seeds: int = 3
    """Agents, with seeds 0, 1, ..."""
    steps: int = 983_040
    """Environment steps of one stretch: six whole iterations."""
    stretches: int = 2
    """Scores of each agent."""
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Print one JSON object instead of lines."""


def main(arguments: Arguments) -> None:
    """Train and print."""
    enable_persistent_cache()
    trainer = PPOTrainer(PPOSettings(environment=arguments.env), ppo_space())
    return_rs = np.full((arguments.stretches, arguments.seeds), np.nan)
    for seed in range(arguments.seeds):
        checkpoints = MemoryCheckpoints()
        start: Start = Fresh()
        for stretch in range(arguments.stretches):
            order = Order(
                round=stretch,
                member=0,
                purpose=Purpose.TRAIN,
                start=start,
                configuration=ppo_space().default(),
                first_step=stretch * arguments.steps,
                steps=arguments.steps,
                seed=100 * seed + stretch,
                proposal=Proposal(source=ProposalSource.DEFAULT),
            )
            outcome = trainer.train(order, checkpoints)
            if outcome.checkpoint is None:
                break
            start = From(checkpoint=outcome.checkpoint)
            return_rs[stretch, seed] = outcome.score
            if not arguments.json:
                speed = outcome.steps / outcome.seconds
                steps = order.first_step + outcome.steps
                print(
                    f"seed {seed}: return {outcome.score:.1f} after {steps:,} steps, {speed:,.0f} steps/s",
                    flush=True,
                )
    report(arguments, return_rs)


def report(arguments: Arguments, return_rs: np.ndarray) -> None:
    """Print the means over seeds."""
    if arguments.json:
        print(json.dumps({"env": arguments.env, "steps": arguments.steps, "returns": return_rs.tolist()}))
        return
    for stretch, mean in enumerate(return_rs.mean(axis=1)):
        print(f"mean return {mean:.1f} after {(stretch + 1) * arguments.steps:,} steps")


if __name__ == "__main__":
    main(tyro.cli(Arguments))
