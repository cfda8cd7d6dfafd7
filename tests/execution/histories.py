"""Small runs of every strategy, each as one digest: what a change that must change nothing is held to.

Run as a program, it prints the digests of this machine as JSON, for `histories.json`.
"""

import hashlib
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

STORED = Path(__file__).with_name("histories.json")

STRATEGIES = ("random", "no-mutation", "pbt", "pb2", "pb2-mix", "mf-pbt", "gpbt", "bgpbt")

_SMALL = {
    "t_ready": 10,
    "max_timesteps": 60,
    "pop_size": 4,
    "n_init": 6,
    "quantile_fraction": 0.25,
    "population_schedule": "paper",
}

_TINY = {
    "num_envs": 16,
    "num_minibatches": 4,
    "episode_length": 20,
    "eval_episodes": 8,
    "test_episodes": 8,
    "policy": (1, 8),
    "value": (1, 8),
    "pop_size": 2,
    "n_init": 3,
    "quantile_fraction": 0.5,
    "t_ready": 1_500,
    "max_timesteps": 4_500,
    "population_schedule": "paper",
}

_GENERATIONS = {"search_mode": "both", "distill_every": 20, "t_distillation": 10, "max_distillation": 1}

TOYS: Mapping[str, Mapping[str, Any]] = {
    **{f"toy {name}": {"env": "toy:mixed", "optimizer": name, **_SMALL} for name in STRATEGIES},
    "toy ipbt": {  # with a restart
        "env": "toy:shapes",
        "optimizer": "ipbt",
        **_SMALL,
        "max_timesteps": 160,
        "option": ("first_round=0.02",),
    },
    "toy deceptive": {"env": "toy:deceptive", **_SMALL},
    "toy both": {"env": "toy:shapes", **_SMALL, **_GENERATIONS, "max_timesteps": 80},
}

AGENTS: Mapping[str, Mapping[str, Any]] = {
    "reacher": {"env": "reacher", **_TINY},
    "reacher both": {
        "env": "reacher",
        **_TINY,
        "search_mode": "both",
        "n_init": 4,
        "max_timesteps": 9_000,
        "distill_every": 3_000,
        "t_distillation": 3_000,
        "max_distillation": 1,
    },
}


def digest_of(arguments: Mapping[str, Any]) -> str:
    """Do a run from command-line arguments; return a hash of what was ordered and what came back."""
    from bgpbt.cli.arguments import TrainArguments
    from bgpbt.execution import run_loop
    from bgpbt.records import Checkpoint, Distil, From, Grow, ShrinkPerturb
    from bgpbt.runs import assemble, local_executor, plain_settings
    from bgpbt.storage import create_run

    def names(start: Any) -> list[Checkpoint | None]:
        match start:
            case From() | ShrinkPerturb():
                return [start.checkpoint]
            case Grow():
                return [start.parent]
            case Distil():
                return [start.teacher, start.student]
        return []

    with tempfile.TemporaryDirectory() as directory:
        ((_, settings),) = TrainArguments(save_dir=Path(directory), **arguments).runs().items()
        experiment = assemble(settings)
        run = create_run(Path(directory) / "run", plain_settings(settings), seed=settings.seed)
        with run.locked(), run.open_history() as history:
            executor = local_executor(experiment, run.checkpoints)
            run_loop(experiment.strategy, executor, history, run.checkpoints, settings.seed)
            digest = hashlib.sha256()
            for order, outcome in history.trained():
                facts = (
                    (order.round, order.member, order.purpose.value, type(order.start).__name__),
                    names(order.start),
                    sorted(order.configuration.items()),
                    (order.first_step, order.steps, order.seed, order.generation),
                    (outcome.checkpoint, outcome.steps, outcome.evaluation_steps, outcome.score.hex()),
                )
                digest.update(repr(facts).encode())
    return digest.hexdigest()[:16]


def machine() -> str:
    """Return what decides how floats are computed: the processor, and the packages that compute."""
    from importlib.metadata import version

    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
            if line.startswith("model name")
        )
        if Path("/proc/cpuinfo").exists()
        else iter(()),
        platform.processor(),
    )
    return f"{model}; " + ", ".join(f"{name} {version(name)}" for name in ("jax", "jaxlib", "numpy", "scipy"))


def agents_digests() -> dict[str, str]:
    """Return the digests of the runs that train agents, computed on one core by a process of their own."""
    result = subprocess.run(
        [sys.executable, "-m", "tests.execution.histories", "agents"],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    digests: dict[str, str] = json.loads(result.stdout)
    return digests


def main() -> None:
    if sys.argv[1:] == ["agents"]:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # before JAX counts them
        sys.stdout.write(json.dumps({name: digest_of(arguments) for name, arguments in AGENTS.items()}))
        return
    toys = {name: digest_of(arguments) for name, arguments in TOYS.items()}
    stored = json.loads(STORED.read_text()) if STORED.exists() else {}
    sys.stdout.write(json.dumps({**stored, machine(): {**toys, **agents_digests()}}, indent=2))


if __name__ == "__main__":
    main()
