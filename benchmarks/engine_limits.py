"""The bare work that bounds the engine: stepping environments, and multiplying matrices.

Nothing here learns or acts. What is timed beside it is faster only if it does the same in a better way.
"""

import contextlib
import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from bgpbt.agents import Architecture, Architectures
from bgpbt.agents.networks import perceptron
from bgpbt.agents.networks.perceptron import kernel_gradient
from bgpbt.agents.seeds import seed_words
from bgpbt.envs import Environment, many
from bgpbt.envs.protocol import State
from bgpbt.envs.vector import VectorEnvironment
from bgpbt.xla import jit, kept

__all__ = [
    "BY_ITSELF",
    "WAYS",
    "Limit",
    "Shapes",
    "Way",
    "matrix_products",
    "peak_memory",
    "policy_network",
    "raw_environment",
    "reset_peak_memory",
    "shapes_of",
    "timed",
]

Result = TypeVar("Result")
KernelGradient = Callable[[jax.Array, jax.Array], jax.Array]
"""Of a layer's inputs (batch, inputs) and the slope of its outputs (batch, outputs): (inputs, outputs)."""
Compiled = Callable[[Callable[..., Any]], Any]
"""What has a function compiled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A piece of bare work, compiled."""

    call: Callable[[], Any]
    work: float  # environment steps or GFLOP in one call


@dataclass(frozen=True, slots=True, kw_only=True)
class Shapes:
    """The kernels of both networks, (inputs, outputs) each."""

    policy: tuple[tuple[int, int], ...]
    value: tuple[tuple[int, int], ...]

    def gflop(self, sequences: int, unroll_length: int) -> float:
        """Return the arithmetic that a gradient of PPO's loss needs; multiplying and adding count as two.

        Every step goes forward and backward through both networks. The state after a sequence's last step is
        only valued. The gradient of an input is not needed in a network's first layer.
        """
        steps = sequences * unroll_length
        total = sequences * _weights(self.value)
        for layers in (self.policy, self.value):
            total += steps * (3 * _weights(layers) - _weights(layers[:1]))
        return 2.0 * total / 1e9


def shapes_of(environment: Environment, architectures: Architectures) -> Shapes:
    """Return the shapes of an agent's kernels."""
    policy, value = architectures.policy, architectures.value
    inputs, actions = environment.observation_size, environment.action_size
    return Shapes(
        policy=tuple(pairwise((inputs, *[policy.width] * policy.depth, 2 * actions))),
        value=tuple(pairwise((inputs, *[value.width] * value.depth, 1))),
    )


def _weights(layers: Sequence[tuple[int, int]]) -> int:
    return sum(inputs * outputs for inputs, outputs in layers)


def raw_environment(
    environment: VectorEnvironment,
    steps: int,
    *,
    resets: bool = True,
    compiled: Compiled = jit,
) -> Limit:
    """Return `steps` steps of the environments under random actions and nothing else.

    With resets episodes that end are followed by others, as training needs it and scoring does not, and each
    call goes on where the last one ended, as rollouts do: what a step costs depends on the state.
    """
    starts = jit(environment.starts)(seed_words(1))
    vector_state = environment.running(jax.tree.map(jnp.asarray, environment.reset(starts)))
    alone = State(
        vector_state.physics, vector_state.observation, vector_state.reward, vector_state.terminated
    )
    begin = vector_state if resets else alone
    running_starts = environment.running(starts)
    count, actuators = environment.count, environment.environment.action_size

    def stepped(state: Any, key: jax.Array) -> Any:
        def step(t: jax.Array, state: Any) -> Any:
            # One long row, since a CPU draws short ones number by number.
            number_n = jax.random.uniform(
                jax.random.fold_in(key, t), (count * actuators,), minval=-1.0, maxval=1.0
            )
            action_ba = kept(number_n).reshape(count, actuators)
            if resets:
                return environment.advance(state, running_starts, action_ba)
            return many.step(environment.environment, state, action_ba)

        return jax.lax.fori_loop(0, steps, step, state)

    program = compiled(stepped).lower(begin, seed_words(2)).compile()
    state = begin

    def call() -> Any:
        nonlocal state
        following = program(state, seed_words(2))
        state = following if resets else begin
        return following

    return Limit(call=call, work=float(steps * environment.count))


def policy_network(environment: VectorEnvironment, architecture: Architecture, steps: int) -> Limit:
    """Return `steps` passes of all environments' observations through a policy's network and nothing else."""
    task = environment.environment
    random = np.random.default_rng(0)
    parameters, spectral = perceptron.initialise(
        random, architecture, task.observation_size, 2 * task.action_size
    )
    observation_bo = jnp.asarray(random.normal(size=(environment.count, task.observation_size)), jnp.float32)

    def passed(parameters: Any, observation_bo: jax.Array) -> jax.Array:
        def forward(_: jax.Array, total: jax.Array) -> jax.Array:
            # What comes in depends on what came out, so that no pass can be left out.
            logits_bl = perceptron.apply(parameters, spectral, observation_bo + 1e-9 * total)
            return jnp.sum(logits_bl)

        total: jax.Array = jax.lax.fori_loop(0, steps, forward, jnp.zeros(()))
        return total

    program = jit(passed).lower(parameters, observation_bo).compile()
    return Limit(call=lambda: program(parameters, observation_bo), work=float(steps * environment.count))


def plain_gradient(input_bi: jax.Array, slope_bo: jax.Array) -> jax.Array:
    """Return the gradient of a kernel, and let XLA see to it."""
    return input_bi.T @ slope_bo


@dataclass(frozen=True, slots=True)
class Way:
    """How products are computed."""

    kernel_gradient: KernelGradient
    compiled: Compiled


BY_ITSELF = Way(plain_gradient, jax.jit)
"""What XLA does with no help."""

WAYS = tuple(
    Way(gradient, compiled) for gradient in (plain_gradient, kernel_gradient) for compiled in (jax.jit, jit)
)
"""All, the learner's among them."""


def matrix_products(
    shapes: Shapes,
    sequences: int,
    unroll_length: int,
    repeats: int,
    *,
    agents: int = 1,
    way: Way,
) -> Limit:
    """Return the products of `repeats` gradients of PPO's loss, those that `Shapes.gflop` counts, chained.

    With several agents each product is one of as many matrices. A gradient, brought back to the size of a
    kernel, is the kernel of the next time, so that no product can be left out or done once for all.
    """
    steps = sequences * unroll_length
    random = np.random.default_rng(0)
    networks = [
        [jnp.asarray(random.normal(size=(agents, *shape)) / shape[0] ** 0.5, jnp.float32) for shape in layers]
        for layers in (shapes.policy, shapes.value)
    ]
    inputs = shapes.value[0][0]
    observation_io = jnp.asarray(random.normal(size=(agents, steps, inputs)), jnp.float32)
    last_observation_so = jnp.asarray(random.normal(size=(agents, sequences, inputs)), jnp.float32)

    def chain(networks: Any, observation_io: jax.Array, last_observation_so: jax.Array) -> Any:
        def gradient(_: jax.Array, carry: tuple[Any, jax.Array]) -> tuple[Any, jax.Array]:
            (policy, value), total = carry
            last_value_so = last_observation_so
            for kernel_io in value:
                last_value_so = last_value_so @ kernel_io
            following = [
                _chained(network, observation_io, way.kernel_gradient) for network in (policy, value)
            ]
            return following, total + jnp.sum(last_value_so)

        return jax.lax.fori_loop(0, repeats, gradient, (networks, jnp.zeros(())))

    # One agent's matrices are not a stack of one, which would be another, slower product on a CPU.
    call = way.compiled(jax.vmap(chain) if agents > 1 else chain)
    arguments = (networks, observation_io, last_observation_so)
    if agents == 1:
        arguments = jax.tree.map(lambda array: array[0], arguments)
    return Limit(
        call=lambda: call(*arguments),
        work=agents * repeats * shapes.gflop(sequences, unroll_length),
    )


def _chained(
    kernels: Sequence[jax.Array], observation_io: jax.Array, kernel_gradient: KernelGradient
) -> list[jax.Array]:
    """Return the gradients of a linear network's kernels, each scaled to the size of a kernel."""
    activations = [observation_io]
    for kernel_io in kernels:
        activations.append(activations[-1] @ kernel_io)
    slope_io = activations[-1]
    gradients = []
    for index in reversed(range(len(kernels))):
        gradient_io = kernel_gradient(activations[index], slope_io)
        size = jnp.maximum(jnp.linalg.norm(gradient_io), 1e-12)
        gradients.append(gradient_io * (kernels[index].shape[1] ** 0.5 / size))
        if index > 0:
            slope_io = slope_io @ kernels[index].T
    return gradients[::-1]


def timed(call: Callable[[], Result]) -> tuple[float, Result]:
    """Return the seconds a call takes until its result is there, and the result."""
    began = time.perf_counter()
    result = jax.block_until_ready(call())
    return time.perf_counter() - began, result


def reset_peak_memory() -> None:
    """Begin to measure the peak of memory anew, where the system can (Linux, CPU)."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak_memory() -> float:
    """Return the most memory in use since the reset, in MB: the device's, or the process's on a CPU."""
    statistics = jax.local_devices()[0].memory_stats()
    if statistics and "peak_bytes_in_use" in statistics:
        return float(statistics["peak_bytes_in_use"]) / 1e6
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
