"""How fast agents are trained and evaluated, beside what the machine could do.

    python benchmarks/engine.py [--env reacher ant] [--size paper] [--engine parallel] [--quick] [--json FILE]

For each environment, size of networks and engine, in one process and in turn:

- `rollout`: environment steps per second while experience is collected, and their share of what the raw
  environments do with random actions; `evaluate`: the same, with as many environments as there are episodes;
- `learner`: GFLOP/s that the loss needs, over the time of the whole learning program, and their share of what
  the bare matrix products reach;
- `train`: environment steps per second of rollout and learning together;
- `round`: a round of the real loop (each member trained for `--round-iterations` iterations, scored and
  stored, then the next round suggested); its share is that of the sum of the limits in it. Only for
  the sizes of `--round`; else the sum of one member's parts, without storage and suggestion.

Engines: `one` member after the other, `parallel` as many at a time as there are cores, `stacked` all in one
program. Without `--engine` it is what a run does on this machine: parallel on a CPU, stacked on an
accelerator. The limits are the faster of one program that has the machine to itself and one for each core;
for a stack, those of as many environments and matrices in one program, or of one at a time if that is faster.
Products are of a whole minibatch or of a slice of it, with gradients of kernels as XLA multiplies
`inputs.T @ slopes` or as the learner does, compiled as XLA does by default or as the learner is, whichever is
fastest; `plain_products` in the data are the fastest of what XLA does by itself.

On a CPU rollouts stand also beside the paper's environments as Brax has them, compiled as XLA does by itself
(`brax`), and the learner beside `plain_products`: what the machine does with no help of ours.

Hyperparameters are the paper's defaults. Shares are medians over repeats of times taken one after the other,
so that who else uses the machine matters little; absolute figures depend on it. What takes less than a second
or two is timed several times in turn in each repeat, of which the median counts.
"""

import json
import platform
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import cattrs
import jax
import numpy as np
import tyro
from tyro.conf import FlagCreatePairsOff, arg

from bgpbt.agents import Architecture, Architectures, PPOSettings, PPOTrainer
from bgpbt.arrays import Floats
from bgpbt.envs.registry import PAPER_NAMES
from bgpbt.envs.vector import VectorEnvironment
from bgpbt.space import ppo_space
from bgpbt.storage.machine import cores, processor
from bgpbt.xla import on_cpu
from engine_limits import (
    BY_ITSELF,
    WAYS,
    Limit,
    Way,
    matrix_products,
    peak_memory,
    policy_network,
    raw_environment,
    reset_peak_memory,
    timed,
)
from engine_member import MINIBATCH, Part, Timed, TimedMember, agent_shapes, seconds_of, side_by_side
from engine_round import Engine, PopulationRound, round_seconds
from engine_stack import TimedStack
from engine_table import HEADER, Row, Share, line, markdown
from environment_forms import brax_environment

SIZES = {"small": ((2, 32), (2, 64)), "paper": ((4, 32), (5, 256)), "large": ((4, 256), (5, 512))}
RAW_STEPS = 80  # of every environment, in one call: as many as an iteration takes
RAW_EVALUATION_STEPS = 200
BRAX_STEPS = 10  # likewise, where a step takes several times as long
SHORT_PARTS: tuple[Part, ...] = ("rollout", "evaluation")
SHORT_LIMITS = ("raw", "raw_evaluation", "policy")
TRIES = 3  # of short parts and limits in a repeat
PRODUCT_GFLOP = 40.0  # in one call, about; a fraction of a second


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Measure training and evaluation beside the machine's limits."""

    env: Annotated[tuple[str, ...], arg(aliases=["-e"])] = PAPER_NAMES
    """Environments."""
    size: Annotated[tuple[str, ...], arg(aliases=["-s"])] = tuple(SIZES)
    """Sizes of networks: small, paper, large."""
    num_envs: int = 2048
    """Copies of the environment."""
    minibatches: int = 32
    """Minibatches of an iteration."""
    episodes: int = 256
    """Episodes of an evaluation."""
    episode_length: int = 1000
    """Environment steps until an episode is truncated."""
    repeats: int = 5
    """Times that each part is measured."""
    round: tuple[str, ...] = ("paper",)
    """Sizes of networks for which a real round is timed too."""
    population: int = 8
    """Members of that round."""
    round_iterations: int = 1
    """Iterations that each of its members trains for."""
    engine: tuple[Engine, ...] = ()
    """How members are trained; empty: as a run does here."""
    quick: Annotated[bool, FlagCreatePairsOff] = False
    """A tenth of the work, to see whether all goes; figures are worth little."""
    json: Path | None = None
    """Write all measurements to this file."""
    show: Path | None = None
    """Measure nothing; print what is in such a file as Markdown."""


def main(arguments: Arguments) -> None:
    """Measure and print."""
    if arguments.show is not None:
        print(markdown(rows_of(arguments.show)))
        return
    arguments = quickened(arguments) if arguments.quick else arguments
    engines = arguments.engine or (default_engine(),)
    cases = [(env, size) for env in arguments.env for size in arguments.size]
    rows: list[Row] = []
    began = time.perf_counter()
    print(HEADER)
    for index, (env, size) in enumerate(cases):

        def say(what: str, done: float = index / len(cases), case: str = f"{env} {size}") -> None:
            elapsed = time.perf_counter() - began
            left = f"{elapsed * (1 - done) / done / 60:.0f} min left" if done else "first case"
            print(f"{elapsed:6.0f} s, {left}: {case}, {what}", file=sys.stderr, flush=True)

        measured = measure(arguments, env, size, engines, say)
        rows += measured
        print("\n".join(line(row) for row in measured), flush=True)
        if arguments.json is not None:
            chosen = asdict(replace(arguments, json=None))  # the rows do not depend on where they are written
            result = {"machine": machine(), "arguments": chosen, "rows": [asdict(row) for row in rows]}
            arguments.json.write_text(json.dumps(result, indent=1) + "\n")


def default_engine() -> Engine:
    """Return how a run trains its members here."""
    if not on_cpu():
        return "stacked"
    return "parallel" if cores() > 1 else "one"


def rows_of(path: Path) -> list[Row]:
    """Return what was measured, from its file."""
    return [cattrs.structure(row, Row) for row in json.loads(path.read_text())["rows"]]


def quickened(arguments: Arguments) -> Arguments:
    """Return arguments for a small part of the work."""
    return replace(
        arguments, num_envs=256, minibatches=2, episodes=32, episode_length=100, repeats=2, population=2
    )


def measure(
    arguments: Arguments, env: str, size: str, engines: Sequence[Engine], say: Callable[[str], None]
) -> list[Row]:
    """Time the work and its limits in turn, so that a change of the machine's speed meets all alike."""
    policy, value = (Architecture(depth=depth, width=width) for depth, width in SIZES[size])
    settings = PPOSettings(
        environment=env,
        environments=arguments.num_envs,
        minibatches=arguments.minibatches,
        episode_length=arguments.episode_length,
        evaluation_episodes=arguments.episodes,
        architectures=Architectures(policy=policy, value=value),
    )
    say("compilation")
    reset_peak_memory()
    trainer = PPOTrainer(settings, ppo_space())
    member = TimedMember(trainer)
    member.start()
    cost = (peak_memory(), trainer.compilations, trainer.compilation_seconds)
    groups = {engine: group_of(engine, member, trainer, arguments.population) for engine in engines}
    limits = {engine: limits_of(engine, trainer, arguments.population) for engine in engines}
    seconds: dict[Engine, dict[str, list[float]]] = {engine: defaultdict(list) for engine in engines}
    for repeat in range(arguments.repeats + 1):
        say(f"repeat {repeat} of {arguments.repeats}")
        for engine, group in groups.items():
            elapsed = seconds_of_repeat(group, limits[engine])
            for name in elapsed if repeat else ():  # the first warms up
                seconds[engine][name].append(elapsed[name])
    population = PopulationRound(members=arguments.population, iterations=arguments.round_iterations)
    for engine in engines if size in arguments.round else ():
        say(f"a round of {arguments.population} members, {engine}")
        seconds[engine]["round"] = [round_seconds(trainer, population, engine)]
    return [
        Row(
            environment=env,
            size=size,
            engine=engine,
            members=arguments.population if engine == "stacked" else len(groups[engine]),
            **shares(seconds[engine], member.work, population),
            round_is="measured" if "round" in seconds[engine] else "computed",
            peak_memory_mb=cost[0],
            compilations=cost[1],
            compilation_s=cost[2],
            seconds=dict(seconds[engine]),
        )
        for engine in engines
    ]


def seconds_of_repeat(group: Sequence[Timed], limits: Mapping[str, Sequence[Limit]]) -> dict[str, float]:
    """Return the seconds for a unit of work of each part and limit, timed once or several times in turn."""

    def least(name: str) -> float:
        return min(timed(way.call)[0] / way.work for way in limits[name])

    tries = [
        {part: seconds_of(part, group) for part in SHORT_PARTS} | {name: least(name) for name in SHORT_LIMITS}
        for _ in range(TRIES)
    ]
    elapsed = {name: median(each[name] for each in tries) for name in (*SHORT_PARTS, *SHORT_LIMITS)}
    elapsed["learner"] = seconds_of("learner", group)
    elapsed |= {name: least(name) for name in limits if name not in SHORT_LIMITS}
    elapsed["products"] = min(elapsed["plain_products"], elapsed["other_products"])
    return elapsed


def group_of(engine: Engine, member: TimedMember, trainer: PPOTrainer, population: int) -> list[Timed]:
    """Return who is timed at the same time."""
    if engine == "stacked":
        return [TimedStack(trainer, population)]
    others = cores() - 1 if engine == "parallel" else 0
    return [member, *(TimedMember(trainer) for _ in range(others))]


def limits_of(engine: Engine, trainer: PPOTrainer, population: int) -> dict[str, list[Limit]]:
    """Return the bare work that members cannot do without, and ways to do it of which the fastest counts."""
    vector = trainer.environment
    fewer = replace(vector, count=trainer.settings.evaluation_episodes)

    def ways(alone: Limit, stacked: Callable[[], Limit]) -> list[Limit]:
        if engine == "stacked":
            return [alone, stacked()]
        return [alone, side_by_side(alone, cores())] if cores() > 1 else [alone]

    def of_all(vector: VectorEnvironment) -> VectorEnvironment:
        return replace(vector, count=population * vector.count)

    def environments(vector: VectorEnvironment, steps: int, *, resets: bool) -> list[Limit]:
        alone = raw_environment(vector, steps, resets=resets)
        return ways(alone, lambda: raw_environment(of_all(vector), steps, resets=resets))

    def products(way: Way) -> list[Limit]:
        """Of a minibatch in one piece, and as the learner takes it: what is faster depends on caches."""
        shapes = agent_shapes(trainer)
        sequences, unroll_length = MINIBATCH
        rows = max(size.steps for size in trainer.learner.slice_sizes)
        found = []
        for count in (sequences, rows // unroll_length):
            repeats = max(1, round(PRODUCT_GFLOP / shapes.gflop(count, unroll_length)))
            product = partial(matrix_products, shapes, count, unroll_length, repeats, way=way)
            found += ways(product(), partial(product, agents=population))
        return found

    def network(vector: VectorEnvironment) -> Limit:
        return policy_network(vector, trainer.settings.architectures.policy, RAW_STEPS)

    def brax() -> list[Limit]:
        alone = brax_environment(vector, BRAX_STEPS)
        return ways(alone, lambda: brax_environment(of_all(vector), BRAX_STEPS))

    # On an accelerator we step the paper's environments as Brax does.
    has_own_form = on_cpu() and vector.environment.name in PAPER_NAMES
    return ({"brax": brax()} if has_own_form else {}) | {
        "raw": environments(vector, RAW_STEPS, resets=True),
        "raw_evaluation": environments(fewer, RAW_EVALUATION_STEPS, resets=False),
        "policy": ways(network(vector), lambda: network(of_all(vector))),
        "plain_products": products(BY_ITSELF),
        "other_products": list(chain.from_iterable(products(way) for way in WAYS if way != BY_ITSELF)),
    }


def shares(
    seconds: dict[str, list[float]], work: dict[str, float], population: PopulationRound
) -> dict[str, Share]:
    """Return how much of each limit is reached: of each part, of both in training, and of a round."""
    second_pr = {name: np.array(each) for name, each in seconds.items()}
    rollout_s, learner_s = work["rollout"] * second_pr["rollout"], work["learner"] * second_pr["learner"]
    training_s = (rollout_s + learner_s) / work["rollout"]
    training_limit_s = second_pr["raw"] + work["learner"] / work["rollout"] * second_pr["products"]

    def round_of(training_s: Floats, evaluation_s: Floats) -> Floats:
        return population.members * (
            population.iterations * work["rollout"] * training_s + work["evaluation"] * evaluation_s
        )

    acting_limit_s = second_pr["raw"] + second_pr["policy"]
    computed_s = round_of(training_s, second_pr["evaluation"])
    found = {
        "rollout": share(second_pr["rollout"], second_pr["raw"]),
        "acting": share(second_pr["rollout"], acting_limit_s),
        "evaluation": share(second_pr["evaluation"], second_pr["raw_evaluation"]),
        "learner": share(second_pr["learner"], second_pr["products"]),
        "beside_plain_products": share(second_pr["learner"], second_pr["plain_products"]),
        "training": share(training_s, training_limit_s),
        "round": share(
            second_pr.get("round", computed_s), round_of(training_limit_s, second_pr["raw_evaluation"])
        ),
    }
    if "brax" in second_pr:
        found["beside_brax"] = share(second_pr["rollout"], second_pr["brax"])
    return found


def share(work_s: Floats, limit_s: Floats) -> Share:
    """Compare seconds per unit of work with the least it could take; of a round there is one measurement."""
    share_r = limit_s / work_s
    return Share(
        rate=float(1.0 / np.median(work_s)),
        limit=float(1.0 / np.median(limit_s)),
        share=float(np.median(share_r)),
        lowest=float(share_r.min()),
        highest=float(share_r.max()),
    )


def machine() -> dict[str, Any]:
    """Return what the figures were measured on."""
    device = jax.devices()[0]
    return {
        "processor": processor(),
        "cores": cores(),
        "device": f"{device.platform} {device.device_kind}",
        "devices": jax.device_count(),
        "python": platform.python_version(),
        "jax": jax.__version__,
    }


if __name__ == "__main__":
    main(tyro.cli(Arguments))
