"""Where the time of learning goes: one iteration on one core, operation by operation.

    python benchmarks/learner_profile.py [--env reacher] [--size small]

Every operation of the compiled program is timed by JAX's profiler and counted as what it was written for:
matrix products, copies of their transposed inputs, gathers of shuffled steps, or the rest, which is
activation functions, losses, their gradients, Adam and book-keeping. The bare products of the same shapes
stand beside it, with gradients of kernels as XLA multiplies `inputs.T @ slopes` and as the learner does.
"""

import os
import re
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

if hasattr(os, "sched_setaffinity"):  # before JAX counts the cores: on one, no two operations overlap
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

import jax
import tyro
from tyro.conf import arg

from bgpbt.agents import Architecture, Architectures, PPOSettings, PPOTrainer
from bgpbt.agents.networks import kernel_gradient
from bgpbt.space import ppo_space
from engine import SIZES
from engine_limits import matrix_products, plain_gradient, timed
from engine_member import MINIBATCH, TimedMember, agent_shapes

KINDS = {  # of operations, by what JAX calls the function they come from; the first that fits counts
    "copies of transposed inputs": "transpose",
    "matrix products": "dot_general",
    "gathers": "gather",
}
REST = "activations, losses, Adam and the rest"
REPEATS = 3
PRODUCT_GFLOP = 20.0  # in one call, about


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Say where the time of learning goes."""

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
    seconds = min(timed(lambda: member.do("learner"))[0] for _ in range(REPEATS))
    rate = member.work["learner"] / seconds
    print(f"learner: {seconds:.3f} s, {rate:.1f} GFLOP/s")
    for name, limit in bare_products(trainer).items():
        print(f"bare products, {name}: {limit:.1f} GFLOP/s, of which {rate / limit:.0%}")
    program = member.programs.learn.compiled().as_text()
    operations = profiled(member, functions_of(program))
    total = sum(operations.values())
    kinds: Counter[str] = Counter()
    for (_, function), elapsed in operations.items():
        kinds[kind_of(function)] += elapsed
    print()
    for kind, elapsed in kinds.most_common():
        print(f"{elapsed / total:6.1%}  {kind}")
    print()
    for (name, function), elapsed in operations.most_common(arguments.most):
        print(f"{elapsed / total:6.1%}  {name}: {function}")


def bare_products(trainer: PPOTrainer) -> dict[str, float]:
    """Return GFLOP/s of the products of a slice, with either way to gradients of kernels."""
    shapes = agent_shapes(trainer)
    _, unroll_length = MINIBATCH
    sequences = max(size.steps for size in trainer.learner.slice_sizes) // unroll_length
    repeats = max(1, round(PRODUCT_GFLOP / shapes.gflop(sequences, unroll_length)))
    rates = {}
    for name, gradient in (("as XLA does them", plain_gradient), ("transposed first", kernel_gradient)):
        limit = matrix_products(shapes, sequences, unroll_length, repeats, kernel_gradient=gradient)
        timed(limit.call)
        rates[name] = limit.work / min(timed(limit.call)[0] for _ in range(REPEATS))
    return rates


def functions_of(program: str) -> dict[str, str]:
    """Return for each operation of a compiled program what JAX calls the function it comes from."""
    found = {}
    for line in program.splitlines():
        operation = re.match(r"\s*(?:ROOT )?%?([\w.\-]+) = (\S+) ", line)
        if operation is not None:
            function = re.search(r'op_name="([^"]*)"', line)
            found[operation[1]] = f"{operation[2]} {function[1].rsplit('/', 1)[-1] if function else ''}"
    return found


def profiled(member: TimedMember, functions: dict[str, str]) -> Counter[tuple[str, str]]:
    """Return the nanoseconds of every operation of one iteration; loops count as what is in them."""
    operations: Counter[tuple[str, str]] = Counter()
    with tempfile.TemporaryDirectory() as directory:
        with jax.profiler.trace(directory):
            member.do("learner")
        (trace,) = Path(directory).rglob("*.xplane.pb")
        profile: Any = jax.profiler.ProfileData.from_file(str(trace))
        for event in (event for plane in profile.planes for line in plane.lines for event in line.events):
            if event.name in functions and not event.name.startswith(("while", "cond")):
                operations[event.name, functions[event.name]] += event.duration_ns
    return operations


def kind_of(function: str) -> str:
    """Return the kind of an operation."""
    return next((kind for kind, word in KINDS.items() if word in function), REST)


if __name__ == "__main__":
    main(tyro.cli(Arguments))
