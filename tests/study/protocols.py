"""A small protocol on a toy, for tests."""

from dataclasses import replace
from pathlib import Path

from bgpbt.study import Contender, Machine, Protocol, Scale, Task

SETTINGS = {
    "population": 4,
    "initial": 6,
    "quantile_fraction": 0.25,
    "environments": 1,
    "minibatches": 1,
    "episode_length": 1,
    "evaluation_episodes": 1,
    "test_episodes": 1,
    "policy": [1, 8],
    "value": [1, 8],
}


def toy_protocol(budget: int = 400, *, toys: tuple[str, ...] = ("mixed",), seeds: int = 2) -> Protocol:
    tasks = {
        toy: Task(environment=f"toy:{toy}", budget=budget, t_ready=10, low=0.0, high=1.0, steps_per_s=1000.0)
        for toy in toys
    }
    scale = Scale(
        about="toys",
        seeds=seeds,
        first_seed=100,
        machine=Machine(name="a test"),
        settings=SETTINGS,
        tasks=tasks,
        contenders=("random", "bgpbt"),
        ablations=("backtrack",),
        ablation_tasks=toys[:1],
    )
    contenders = {
        "random": Contender(strategy="random"),
        "bgpbt": Contender(strategy="bgpbt"),
        "backtrack": Contender(strategy="bgpbt", options={"backtrack": True}),
        "long": Contender(strategy="pbt", t_ready_factor=4.0),
        "both": Contender(
            strategy="bgpbt",
            search_mode="both",
            generations={"t_distillation": 40, "distill_every": 80, "max_distillation": 2},
        ),
    }
    return Protocol(baseline="bgpbt", contenders=contenders, scales={"toys": scale})


def with_contenders(protocol: Protocol, *names: str) -> Protocol:
    scale = replace(protocol.scales["toys"], contenders=names, ablations=(), ablation_tasks=())
    return replace(protocol, scales={"toys": scale})


OURS = Path(__file__).parents[2] / "benchmarks" / "protocol.toml"
