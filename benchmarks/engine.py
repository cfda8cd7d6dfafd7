"""How fast agents are trained and evaluated, beside what the machine could do.

    python benchmarks/engine.py [--env reacher] [--seconds 20] [--json]

Two limits are measured in the same run, in turn with the work itself: the environment alone with random
actions, and the bare matrix products of a hidden layer's forward and backward pass. Quote
ratios; absolute figures depend on who else uses the machine.
"""

import json
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from itertools import pairwise
from typing import Annotated, Any

import jax
import jax.numpy as jnp
import numpy as np
import tyro
from tyro.conf import arg

from bgpbt.agents import Architecture, Architectures, PPOSettings, PPOTrainer, enable_persistent_cache
from bgpbt.agents.hyperparameters import DEFAULTS, hyperparameters_of
from bgpbt.agents.programs import Iteration, seed_words
from bgpbt.envs import Environment
from bgpbt.envs.vector import VectorEnvironment
from bgpbt.space import ppo_space

RAW_STEPS = 50  # of every environment, in one call
PRODUCT_ROWS = 6144  # 1024 sequences of 5 steps and their last state
PRODUCT_LAYERS = 40  # in one call


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Measure training and evaluation beside the machine's limits."""

    env: Annotated[str, arg(aliases=["-e"])] = "reacher"
    """Environment."""
    num_envs: int = 2048
    """Copies of the environment."""
    policy: tuple[int, int] = (4, 32)
    """Depth and width of the policy network."""
    value: tuple[int, int] = (5, 256)
    """Depth and width of the value network."""
    repeats: int = 5
    """Rounds of measurement; medians are shown."""
    json: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    """Print one JSON object instead of a table."""


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Medians over repeats; of the two limits the best."""

    environment: str
    raw_environment_steps_per_s: float  # limit: random actions, nothing else
    evaluation_steps_per_s: float
    training_steps_per_s: float
    learner_gflop_per_s: float  # matrix products of the loss alone, over all of the training time
    matrix_product_gflop_per_s: float  # limit: bare products of a hidden layer
    evaluation_to_raw: float
    training_to_limit: float  # to the time that rollout at raw speed and bare products would take
    compilations: int
    compilation_s: float


def main(arguments: Arguments) -> None:
    """Measure and print."""
    enable_persistent_cache()
    figures = measure(arguments)
    if arguments.json:
        print(json.dumps(asdict(figures), indent=2))
        return
    for name, value in asdict(figures).items():
        print(f"{name:32} {value:,.3g}" if isinstance(value, float) else f"{name:32} {value}")


def measure(arguments: Arguments) -> Figures:
    """Time the work and its limits in turn, so that a change of the machine's speed meets all alike."""
    settings = PPOSettings(
        environment=arguments.env,
        environments=arguments.num_envs,
        architectures=Architectures(
            policy=Architecture(depth=arguments.policy[0], width=arguments.policy[1]),
            value=Architecture(depth=arguments.value[0], width=arguments.value[1]),
        ),
    )
    trainer = PPOTrainer(settings, ppo_space())
    programs = trainer.programs(settings.architectures)
    seed = seed_words(0)
    starts = programs.draw_starts(seed)
    member = programs.initialise(seed, starts)
    hyperparameters = hyperparameters_of(DEFAULTS)
    unrolls = settings.unrolls_per_iteration(int(hyperparameters.batch_size))
    training_steps = unrolls * int(hyperparameters.unroll_length) * settings.environments
    raw = raw_environment(trainer.environment)
    products = matrix_products(settings, trainer.environment.environment)

    seconds: dict[str, list[float]] = {"raw": [], "evaluate": [], "train": [], "products": []}
    evaluation_steps = 0
    for repeat in range(arguments.repeats + 1):
        seconds["raw"].append(timed(raw.call)[0])
        seconds["products"].append(timed(products.call)[0])
        elapsed, (_, steps) = timed(partial(programs.evaluate, member.policy, seed))
        evaluation_steps = int(steps) * settings.evaluation_episodes
        seconds["evaluate"].append(elapsed)
        iteration = Iteration(seed=seed, index=repeat, unrolls=unrolls)
        elapsed, (member, _) = timed(partial(programs.iterate, member, starts, hyperparameters, iteration))
        seconds["train"].append(elapsed)
    median = {name: statistics.median(times[1:]) for name, times in seconds.items()}  # the first warms up

    rows = training_steps * (int(hyperparameters.unroll_length) + 1) / int(hyperparameters.unroll_length)
    learner_gflop = products.gflop_per_row * rows * int(hyperparameters.update_epochs)
    # A limit is what the machine can do at its best; the work is what it does on the whole.
    raw_rate, product_rate = raw.work / min(seconds["raw"]), products.work / min(seconds["products"])
    limit = training_steps / raw_rate + learner_gflop / product_rate
    evaluation_rate = evaluation_steps / median["evaluate"]
    return Figures(
        environment=arguments.env,
        raw_environment_steps_per_s=raw_rate,
        evaluation_steps_per_s=evaluation_rate,
        training_steps_per_s=training_steps / median["train"],
        learner_gflop_per_s=learner_gflop / median["train"],
        matrix_product_gflop_per_s=product_rate,
        evaluation_to_raw=evaluation_rate / raw_rate,
        training_to_limit=limit / median["train"],
        compilations=trainer.compilations,
        compilation_s=trainer.compilation_seconds,
    )


@dataclass(frozen=True, kw_only=True)
class Limit:
    """A piece of bare work."""

    call: Callable[[], Any]
    work: float  # environment steps or GFLOP in one call
    gflop_per_row: float = 0.0


def raw_environment(environment: VectorEnvironment) -> Limit:
    """Return the environment under random actions, with its resets and nothing else."""
    starts = jax.jit(environment.starts)(seed_words(1))
    state = jax.jit(environment.reset)(starts)
    shape = (environment.count, environment.environment.action_size)

    @jax.jit
    def call(state: Any, key: jax.Array) -> Any:
        def step(t: jax.Array, state: Any) -> Any:
            action_ba = jax.random.uniform(jax.random.fold_in(key, t), shape, minval=-1.0, maxval=1.0)
            return environment.step(state, starts, action_ba)

        return jax.lax.fori_loop(0, RAW_STEPS, step, state)

    return Limit(call=lambda: call(state, seed_words(2)), work=float(RAW_STEPS * environment.count))


def matrix_products(settings: PPOSettings, environment: Environment) -> Limit:
    """Return the three products of a layer (forward, gradient of the input, gradient of the kernel), chained.

    The layer is a hidden one of the wider network and the rows are those of a paper-sized minibatch, which is
    where nearly all of the learner's arithmetic is.
    """
    policy, value = settings.architectures.policy, settings.architectures.value
    width = max(policy.width, value.width)
    random = np.random.default_rng(0)
    input_bh = jnp.asarray(random.normal(size=(PRODUCT_ROWS, width)), jnp.float32)
    kernel_hh = jnp.asarray(random.normal(size=(width, width)) / width, jnp.float32)

    @jax.jit
    def call(input_bh: jax.Array, kernel_hh: jax.Array) -> Any:
        def layer(_: jax.Array, carry: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
            activation_bh, kernel_hh = carry
            output_bh = activation_bh @ kernel_hh
            slope_bh = output_bh @ kernel_hh.T
            return slope_bh, activation_bh.T @ output_bh  # nothing is left out: all feeds the next layer

        return jax.lax.fori_loop(0, PRODUCT_LAYERS, layer, (input_bh, kernel_hh))

    gflop = PRODUCT_LAYERS * 3 * 2 * PRODUCT_ROWS * width**2 / 1e9
    sizes = [
        (environment.observation_size, *[policy.width] * policy.depth, 2 * environment.action_size),
        (environment.observation_size, *[value.width] * value.depth, 1),
    ]
    weights = sum(inputs * outputs for network in sizes for inputs, outputs in pairwise(network))
    return Limit(call=lambda: call(input_bh, kernel_hh), work=gflop, gflop_per_row=3 * 2 * weights / 1e9)


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """Return the seconds a call takes until its result is there, and the result."""
    began = time.perf_counter()
    result = jax.block_until_ready(call())
    return time.perf_counter() - began, result


if __name__ == "__main__":
    main(tyro.cli(Arguments))
