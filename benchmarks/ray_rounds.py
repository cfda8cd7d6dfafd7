"""What a round on Ray costs beyond training, measured, beside the prediction of `bgpbt.ray.round_time`.

    python benchmarks/ray_rounds.py [--members 8] [--workers 2] [--seconds 1.0]

Members wait instead of training. A first round of no waiting gives the driver's time per member, a second one
of `--seconds` for each member is what the prediction is compared with. Checkpoints are stored durably.
"""

import os
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import ray
import tyro

from bgpbt.contracts import Checkpoints
from bgpbt.ray import RayExecutor
from bgpbt.ray.round_time import Cluster, predicted_seconds
from bgpbt.records import Fresh, From, Order, Outcome, Proposal, ProposalSource, Purpose
from bgpbt.storage import CheckpointStore

MEGABYTE = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Measure rounds."""

    members: int = 8
    """Members of a round."""
    workers: int = 2
    """Members trained at the same time."""
    seconds: float = 1.0
    """Time of one member's training."""
    megabytes: tuple[int, ...] = (1, 10, 100)
    """Sizes of a checkpoint."""


@dataclass(frozen=True, kw_only=True)
class Waiter:
    """Waits, and changes every byte of its checkpoint."""

    size: int  # bytes of a checkpoint

    def train(self, order: Order, checkpoints: Checkpoints) -> Outcome:
        """Carry out an order; its configuration says how long."""
        if isinstance(order.start, From):
            checkpoints.load(order.start.checkpoint)
        time.sleep(float(order.configuration["seconds"]))
        content = np.full(self.size // 8, order.seed, dtype=np.int64)
        return Outcome(
            round=order.round,
            member=order.member,
            checkpoint=checkpoints.save({"content": content}, {}),
            score=0.0,
            steps=order.steps,
        )


def main(arguments: Arguments) -> None:
    """Measure and print."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    ray.init(address="local", num_cpus=arguments.workers, include_dashboard=False, log_to_driver=False)
    print(f"{arguments.members} members on {arguments.workers} workers, {arguments.seconds:g} s each")
    print("checkpoint  driver per member  round measured  predicted")
    for megabytes in arguments.megabytes:
        driver, measured = rounds(arguments, megabytes * MEGABYTE)
        cluster = Cluster(
            members=arguments.members,
            workers=arguments.workers,
            member_seconds=arguments.seconds,
            commit_seconds=driver,
        )
        predicted = predicted_seconds(cluster)
        print(f"{megabytes:7d} MB  {driver * 1e3:14.0f} ms  {measured:12.2f} s  {predicted:7.2f} s")
    ray.shutdown()


def rounds(arguments: Arguments, size: int) -> tuple[float, float]:
    """Return the driver's seconds per member, and the seconds of a round of training."""
    with tempfile.TemporaryDirectory() as name:
        store = CheckpointStore(Path(name))
        trainer = Waiter(size=size)
        with RayExecutor(lambda: trainer, store, max_parallel=arguments.workers) as executor:
            orders = [
                Order(
                    round=0,
                    member=member,
                    purpose=Purpose.TRAIN,
                    start=Fresh(),
                    configuration={"seconds": 0.0},
                    first_step=0,
                    steps=1,
                    seed=member,
                    proposal=Proposal(source=ProposalSource.RANDOM),
                )
                for member in range(arguments.members)
            ]
            outcomes = sorted(executor.run(orders), key=lambda outcome: outcome.member)  # workers start
            seconds = []
            for index, wait in enumerate((0.0, arguments.seconds), start=1):
                orders = [
                    replace(
                        order,
                        round=index,
                        start=From(checkpoint=outcome.checkpoint),
                        configuration={"seconds": wait},
                        seed=order.seed + arguments.members,
                    )
                    for order, outcome in zip(orders, outcomes, strict=True)
                    if outcome.checkpoint is not None
                ]
                began = time.perf_counter()
                outcomes = sorted(executor.run(orders), key=lambda outcome: outcome.member)
                seconds.append(time.perf_counter() - began)
    return seconds[0] / arguments.members, seconds[1]


if __name__ == "__main__":
    main(tyro.cli(Arguments))
