"""How long a run takes to its first training step, with and without programs of an earlier start.

    python benchmarks/second_start.py [--env reacher ant] [--starts 3] [--json FILE]

Every start is a new process with the paper's default configuration. The first finds an empty cache of
compiled programs, the others what it left there. The clock runs from the start of the process; the first
training step is where the first iteration begins, that is, one iteration before its end is reported. The
least a start can take is what Python needs to import JAX and the environments; it is timed in between.
The exit status is 1 if a later start takes 10 s or more.
"""

import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import tyro
from tyro.conf import arg

from bgpbt.cli.arguments import TrainArguments
from bgpbt.execution import LocalExecutor, StopRequested, StopSwitch
from bgpbt.records import Order
from bgpbt.runs import assemble
from bgpbt.storage import CheckpointStore

MOST_S = 10.0  # of a later start
IMPORTS = "import time, jax, bgpbt.agents, bgpbt.execution; jax.devices(); print(time.time())"


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Time the way to the first training step."""

    env: Annotated[tuple[str, ...], arg(aliases=["-e"])] = ("reacher", "ant")
    """Environments."""
    starts: int = 3
    """Starts after the first."""
    json: Path | None = None
    """Write all measurements to this file."""


@dataclass(frozen=True, kw_only=True)
class Start:
    """One start, in seconds since its process began."""

    trainer_s: float  # settings checked, nothing compiled
    first_step_s: float
    first_iteration_s: float  # done
    iteration_s: float  # how long it takes


@dataclass(frozen=True, kw_only=True)
class Row:
    """What was measured of one environment."""

    environment: str
    first: Start  # with an empty cache
    later: list[Start]
    imports_s: list[float]


def main(arguments: Arguments) -> int:
    """Time every environment's starts and print a line for each."""
    print(
        f"{'environment':12}{'first start':>14}{'later starts':>14}{'slowest':>10}{'imports':>10}{'ratio':>8}"
    )
    rows = []
    for environment in arguments.env:
        row = measure(environment, arguments.starts)
        rows.append(row)
        later_s = [start.first_step_s for start in row.later]
        median_s, imports_s = statistics.median(later_s), statistics.median(row.imports_s)
        print(
            f"{environment:12}{row.first.first_step_s:12.1f} s{median_s:12.1f} s{max(later_s):8.1f} s"
            f"{imports_s:8.1f} s{median_s / imports_s:8.1f}",
            flush=True,
        )
    if arguments.json is not None:
        arguments.json.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")
    slowest_s = max(start.first_step_s for row in rows for start in row.later)
    if slowest_s >= MOST_S:
        print(f"a later start takes {slowest_s:.1f} s, not less than {MOST_S:.0f} s", file=sys.stderr)
    return int(slowest_s >= MOST_S)


def measure(environment: str, starts: int) -> Row:
    """Start with an empty cache, then with a full one; nobody else sees that cache."""
    with tempfile.TemporaryDirectory() as cache:
        own = {name: value for name, value in os.environ.items() if name != "JAX_COMPILATION_CACHE_DIR"}
        own["BGPBT_CACHE"] = cache
        first = started(environment, own)
        later, imports_s = [], []
        for _ in range(starts):
            imports_s.append(imported())
            later.append(started(environment, own))
    return Row(environment=environment, first=first, later=later, imports_s=imports_s)


def started(environment: str, variables: dict[str, str]) -> Start:
    """Start a run in a new process, and end it after a few iterations."""
    command = [sys.executable, "-c", f"import second_start; second_start.start({environment!r})"]
    here = Path(__file__).parent
    began = time.time()
    done = subprocess.run(command, env=variables, cwd=here, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"a start failed:\n{done.stderr}")
    made, *iterations = json.loads(done.stdout)
    iteration_s = min(after - before for before, after in itertools.pairwise(iterations))
    return Start(
        trainer_s=made - began,
        first_step_s=iterations[0] - iteration_s - began,
        first_iteration_s=iterations[0] - began,
        iteration_s=iteration_s,
    )


def imported() -> float:
    """Return the seconds until a new process has imported what any run needs."""
    began = time.time()
    done = subprocess.run([sys.executable, "-c", IMPORTS], capture_output=True, text=True, check=True)
    return float(done.stdout) - began


def start(environment: str) -> None:
    """Begin a run as `bgpbt train` does; print when the trainer was there and when iterations ended."""
    switch = StopSwitch()
    times: list[float] = []

    def on_progress(order: Order, steps: int) -> None:
        times.append(time.time())
        if len(times) == 3:
            switch.stop()
        switch.check()

    experiment = assemble(TrainArguments(env=environment).settings(0), on_progress=on_progress)
    times.append(time.time())
    _, plan = experiment.strategy.start(0)
    with tempfile.TemporaryDirectory() as directory:
        executor = LocalExecutor(experiment.trainer, CheckpointStore(Path(directory)), switch=switch)
        try:
            for _ in executor.run(plan.orders):
                pass
        except StopRequested:
            print(json.dumps(times))


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Arguments)))
