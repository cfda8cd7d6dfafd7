"""A run on a cluster of two machines, one of which is lost in the middle of a round.

    python -m tests.ray.losing_a_machine DIRECTORY

Both are of this computer, but to Ray they are machines: each has its own raylet and its own core.
"""

import os
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"

import ray
from ray.cluster_utils import Cluster

from bgpbt.contracts import Checkpoints
from bgpbt.execution import run_loop
from bgpbt.ray import RayExecutor
from bgpbt.records import Order, Outcome
from bgpbt.storage import create_run
from tests.execution.walkers import Walkers, WalkTrainer


@dataclass(slots=True, kw_only=True)
class StuckTrainer(WalkTrainer):
    """Says in a file where it trains a member of the second round, the first time, and does not come back."""

    marker: Path

    def train(self, order: Order, checkpoints: Checkpoints) -> Outcome:
        if (order.round, order.member) == (1, 2) and not self.marker.exists():
            self.marker.write_text(ray.get_runtime_context().get_node_id())
            time.sleep(1000)
        return WalkTrainer.train(self, order, checkpoints)


def main(directory: Path) -> None:
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    machines = [cluster.add_node(num_cpus=1) for _ in range(2)]
    marker = directory / "marker"

    def lose_a_machine() -> None:
        while not (marker.exists() and marker.read_text()):
            time.sleep(0.05)
        (lost,) = [machine for machine in machines if machine.node_id == marker.read_text()]
        cluster.remove_node(lost, allow_graceful=False)

    ray.init(address=cluster.address, log_to_driver=False)
    threading.Thread(target=lose_a_machine, daemon=True).start()
    run = create_run(directory / "run", {}, seed=5)
    with (
        run.locked(),
        run.open_history() as history,
        RayExecutor(lambda: StuckTrainer(marker=marker), run.checkpoints) as executor,
    ):
        run_loop(Walkers(population=4, rounds=4), executor, history, run.checkpoints, 5)
    ray.shutdown()
    cluster.shutdown()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
