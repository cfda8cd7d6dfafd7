"""What a command costs before it does anything, in CPU seconds, beside the packages that it needs.

    python benchmarks/start_up.py [--repeats 7]

`limit` is Python with NumPy, tyro and rich imported and nothing else. Medians, timed in turn.
"""

import os
import statistics
import subprocess
import sys
from dataclasses import dataclass
from typing import Annotated

import tyro
from tyro.conf import arg

COMMANDS = {
    "limit": [sys.executable, "-c", "import numpy, tyro, rich.console, rich.progress"],
    "bgpbt --version": [sys.executable, "-m", "bgpbt", "--version"],
    "bgpbt --help": [sys.executable, "-m", "bgpbt", "--help"],
    "bgpbt train --help": [sys.executable, "-m", "bgpbt", "train", "--help"],
    "import bgpbt.runs": [sys.executable, "-c", "import bgpbt.runs"],
}


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Time the start of commands."""

    repeats: Annotated[int, arg(aliases=["-n"])] = 7
    """Times that each command is started."""


def main(arguments: Arguments) -> None:
    """Time all commands in turn, and print."""
    seconds: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(arguments.repeats):
        for name, command in COMMANDS.items():
            seconds[name].append(cpu_seconds(command))
    limit = statistics.median(seconds["limit"])
    for name, measured in seconds.items():
        median = statistics.median(measured)
        print(f"{name:20} {median:6.2f} s of CPU  {median / limit:5.2f} x limit")


def cpu_seconds(command: list[str]) -> float:
    """Return the user and system time of a command."""
    before = os.times()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    after = os.times()
    return after.children_user - before.children_user + after.children_system - before.children_system


if __name__ == "__main__":
    main(tyro.cli(Arguments, description=__doc__))
