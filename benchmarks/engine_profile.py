"""Where the time of an iteration goes, on one core, operation by operation.

    python benchmarks/engine_profile.py [--part learner] [--env reacher] [--size small]

Every operation of the compiled program is timed by JAX's profiler and counted as what it was written for.
Learning is matrix products, copies of their transposed inputs, gathers of shuffled steps, and the rest, which
is activation functions, losses, their gradients, Adam and book-keeping. A rollout is the environment's step,
the policy's matrix products and activation functions, and the rest. Beside it stands what bounds it, as XLA
compiles it by itself and as it is compiled here: bare products of the same shapes, or the raw environment.
"""

import os
import re
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

if hasattr(os, "sched_setaffinity"):  # before JAX counts the cores: on one, no two operations overlap
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

import jax
import tyro
from tyro.conf import arg

from bgpbt.agents import Architecture, Architectures, PPOSettings, PPOTrainer
from bgpbt.agents.networks.perceptron import kernel_gradient
from bgpbt.space import ppo_space
from bgpbt.xla import jit
from engine import RAW_STEPS, SIZES
from engine_limits import BY_ITSELF, Limit, Way, matrix_products, raw_environment, timed
from engine_member import MINIBATCH, TimedMember, agent_shapes

ProfiledPart = Literal["learner", "rollout"]

KINDS = {  # of operations, by what JAX calls the function they come from; the first that fits counts
    "learner": {
        "copies of transposed inputs": r"transpose$",
        "matrix products": r"dot_general$",
        "gathers": r"gather$",
    },
    "rollout": {
        "the environment's step": r"_step|_where",
        "matrix products of the policy": r"body/dot_general$",
        "its activation functions": r"body/mul$",
    },
}
UNNAMED = "copies and small products that XLA names after nothing"
REST = "the rest"
REPEATS = 3
PRODUCT_GFLOP = 20.0  # in one call, about


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Say where the time of an iteration goes."""

    part: ProfiledPart = "learner"
    """Part of the iteration."""
    env: Annotated[str, arg(aliases=["-e"])] = "reacher"
    """Environment."""
    size: Annotated[str, arg(aliases=["-s"])] = "small"
    """Size of networks: small, paper, large."""
    most: int = 12
    """Operations that are listed."""


def main(arguments: Arguments) -> None:
    """Measure and print."""
    policy, value = (Architecture(depth=depth, width=width) for depth, width in SIZES[arguments.size])
    settings = PPOSettings(environment=arguments.env, architectures=Architectures(policy=policy, value=value))
    trainer = PPOTrainer(settings, ppo_space())
    member = TimedMember(trainer)
    member.do("rollout")
    member.do("learner")
    seconds = min(timed(lambda: member.do(arguments.part))[0] for _ in range(REPEATS))
    rate = member.work[arguments.part] / seconds
    unit, scale = ("GFLOP/s", 1.0) if arguments.part == "learner" else ("k steps/s", 1e-3)
    print(f"{arguments.part}: {scale * rate:.1f} {unit}")
    for name, limit in limits_of(trainer, arguments.part).items():
        timed(limit.call)
        bound = limit.work / min(timed(limit.call)[0] for _ in range(REPEATS))
        print(f"{name}: {scale * bound:.1f} {unit}, of which {rate / bound:.0%}")
    program: Any = member.programs.learn if arguments.part == "learner" else member.programs.collect
    operations = profiled(member, arguments.part, functions_of(program.compiled().as_text()))
    total = sum(operations.values())
    kinds: Counter[str] = Counter()
    for (_, function), elapsed in operations.items():
        kinds[kind_of(function, KINDS[arguments.part])] += elapsed
    print()
    for kind, elapsed in kinds.most_common():
        print(f"{elapsed / total:6.1%}  {kind}")
    print()
    for (name, function), elapsed in operations.most_common(arguments.most):
        shape, _, path = function.partition(" ")
        print(f"{elapsed / total:6.1%}  {name}: {shape} {path.rsplit('/', 1)[-1]}")


def limits_of(trainer: PPOTrainer, part: ProfiledPart) -> dict[str, Limit]:
    """Return what bounds a part: products of a slice, or steps of the environment."""
    if part == "rollout":
        vector = trainer.environment
        return {
            "raw environment, as XLA compiles it": raw_environment(vector, RAW_STEPS, compiled=jax.jit),
            "raw environment, compiled as here": raw_environment(vector, RAW_STEPS),
        }
    ways = {
        "as XLA does them": BY_ITSELF,
        "transposed first": Way(kernel_gradient, jax.jit),
        "transposed first, compiled as here": Way(kernel_gradient, jit),
    }
    shapes = agent_shapes(trainer)
    _, unroll_length = MINIBATCH
    sequences = max(size.steps for size in trainer.learner.slice_sizes) // unroll_length
    repeats = max(1, round(PRODUCT_GFLOP / shapes.gflop(sequences, unroll_length)))
    return {
        f"bare products, {name}": matrix_products(shapes, sequences, unroll_length, repeats, way=way)
        for name, way in ways.items()
    }


def functions_of(program: str) -> dict[str, str]:
    """Return for each operation of a program its shape and what JAX calls the function it comes from."""
    found = {}
    for line in program.splitlines():
        operation = re.match(r"\s*(?:ROOT )?%?([\w.\-]+) = (\S+) ", line)
        if operation is not None:
            function = re.search(r'op_name="([^"]*)"', line)
            found[operation[1]] = f"{operation[2]} {function[1] if function else ''}"
    return found


def profiled(
    member: TimedMember, part: ProfiledPart, functions: Mapping[str, str]
) -> Counter[tuple[str, str]]:
    """Return the nanoseconds of every operation of one iteration; loops count as what is in them."""
    operations: Counter[tuple[str, str]] = Counter()
    with tempfile.TemporaryDirectory() as directory:
        with jax.profiler.trace(directory):
            member.do(part)
        (trace,) = Path(directory).rglob("*.xplane.pb")
        profile: Any = jax.profiler.ProfileData.from_file(str(trace))
        for event in (event for plane in profile.planes for line in plane.lines for event in line.events):
            if event.name in functions and not event.name.startswith(("while", "cond")):
                operations[event.name, functions[event.name]] += event.duration_ns
    return operations


def kind_of(function: str, kinds: Mapping[str, str]) -> str:
    """Return the kind of an operation."""
    if function.endswith(" "):
        return UNNAMED
    return next((kind for kind, word in kinds.items() if re.search(word, function)), REST)


if __name__ == "__main__":
    main(tyro.cli(Arguments))
