"""What our PPO learns in discrete tasks beside those of rejax 0.1.3 and Stable-Baselines3, all else equal.

    taskset -c 0 python benchmarks/discrete.py [--tasks CartPole] [--seeds 1]

It needs `rejax`, `minatar` and the extra `sb3`, which are not in the locked environment; a library that is
missing is left out. The settings and what they leave open are in `discrete_learners.py`.
"""

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import tyro

from discrete_learners import LEARNERS, TASKS, mean_and_interval

RESULTS = Path(__file__).parent / "results" / "discrete.json"


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Train agents of each library and print their mean returns."""

    tasks: tuple[str, ...] = tuple(TASKS)
    """Tasks."""
    libraries: tuple[str, ...] = tuple(LEARNERS)
    """Libraries, by the names in the table."""
    seeds: int = 5
    """Agents of each library, with seeds 0, 1, ..."""
    episodes: int = 100
    """Episodes behind each score."""
    output: Path = RESULTS
    """JSON file to add the scores to."""


def main(arguments: Arguments) -> None:
    """Train, write and print."""
    from bgpbt.agents import enable_persistent_cache

    enable_persistent_cache()
    rows = []
    for task in arguments.tasks:
        for library in arguments.libraries:
            began = time.process_time()
            try:
                scores = [
                    LEARNERS[library](TASKS[task], seed, arguments.episodes)
                    for seed in range(arguments.seeds)
                ]
            except ModuleNotFoundError as error:
                print(f"{library} is left out: {error.name} is not installed")
                continue
            row = {
                "task": task,
                "library": library,
                "steps": TASKS[task].steps,
                "episodes": arguments.episodes,
                "cpu_seconds": time.process_time() - began,
                "scores": [asdict(score) for score in scores],
            }
            rows.append(row)
            _print_row(row)
            _write(arguments.output, row)


def _print_row(row: dict[str, Any]) -> None:
    cells = []
    for kind in ("sampled", "deterministic"):
        mean, half = mean_and_interval([score[kind] for score in row["scores"]])
        cells.append(f"{mean:.1f} +- {half:.1f}")
    print(
        f"| {row['task']} | {row['library']} | {' | '.join(cells)} | {row['cpu_seconds']:.0f} s |", flush=True
    )


def _write(path: Path, row: dict[str, Any]) -> None:
    """Put a row where the file has one of the same task and library, or at its end."""
    rows = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    key = (row["task"], row["library"])
    rows = [other for other in rows if (other["task"], other["library"]) != key] + [row]
    path.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(tyro.cli(Arguments))
