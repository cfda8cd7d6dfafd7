"""Members whose rollouts, learning and evaluation are timed apart: one, or several side by side."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Literal, Protocol

import jax

from bgpbt.agents import PPOTrainer
from bgpbt.agents.ppo.buffers import BufferPool
from bgpbt.agents.ppo.hyperparameters import DEFAULTS, hyperparameters_of
from bgpbt.agents.ppo.learner import iteration_of
from bgpbt.agents.seeds import seed_words
from engine_limits import Limit, Shapes, shapes_of, timed

__all__ = [
    "MINIBATCH",
    "PARTS",
    "Part",
    "Timed",
    "TimedMember",
    "agent_shapes",
    "seconds_of",
    "side_by_side",
    "together",
]

Part = Literal["rollout", "learner", "evaluation"]
PARTS: tuple[Part, ...] = ("rollout", "learner", "evaluation")

MINIBATCH = (int(DEFAULTS["batch_size"]), int(DEFAULTS["unroll_length"]))  # sequences, and steps of each


def agent_shapes(trainer: PPOTrainer) -> Shapes:
    """Return the shapes of the kernels that a trainer's agents have by default."""
    return shapes_of(trainer.environment.environment, trainer.settings.architectures)


class Timed(Protocol):
    """What trains and is scored part by part: a member, or a stack of them."""

    work: dict[str, float]  # of each part: environment steps, or GFLOP

    def do(self, part: Part) -> None:
        """Do one part, and wait for it."""
        ...


def seconds_of(part: Part, members: Sequence[Timed]) -> float:
    """Let all members do a part at the same time; return the seconds for a step, or for a GFLOP."""
    elapsed, _ = timed(partial(together, [partial(member.do, part) for member in members]))
    return elapsed / sum(member.work[part] for member in members)


def side_by_side(limit: Limit, count: int) -> Limit:
    """Return the same work done `count` times at once, each in a thread of its own."""
    return Limit(call=lambda: together([limit.call] * count), work=count * limit.work)


def together(calls: Sequence[Callable[[], Any]]) -> None:
    """Do all calls at the same time, and wait for them."""

    def wait(call: Callable[[], Any]) -> None:
        jax.block_until_ready(call())

    with ThreadPoolExecutor(len(calls)) as threads:
        list(threads.map(wait, calls))


class TimedMember:
    """One member, training on with default hyperparameters.

    Args:
        trainer: whose programs it runs.
    """

    def __init__(self, trainer: PPOTrainer) -> None:
        settings = trainer.settings
        self.programs = trainer.programs(settings.architectures)
        self._starts = self.programs.draw_starts(seed_words(0))
        self.member = self.programs.initialise(seed_words(0), self._starts)
        self._hyperparameters = hyperparameters_of(DEFAULTS)
        self._unrolls = settings.unrolls_per_iteration(int(self._hyperparameters.batch_size))
        self._episodes = settings.evaluation_episodes
        self._buffers = BufferPool(trainer.environment, trainer.learner.longest_rollout).take()
        self._iteration = 0
        updates = settings.minibatches * int(self._hyperparameters.update_epochs)
        self.work = {  # of an iteration, and of an evaluation
            "rollout": float(trainer.desk.steps_of(self._hyperparameters, self._unrolls)),
            "learner": updates * agent_shapes(trainer).gflop(*MINIBATCH),
            "evaluation": 0.0,  # known once it is done
        }

    def start(self) -> None:
        """Train for an unroll and evaluate as a run does, in one program each."""
        iteration = iteration_of(seed_words(0), 0, 1)
        self.member, self._buffers, _ = self.programs.iterate(
            self.member, self._starts, self._buffers, self._hyperparameters, iteration
        )
        jax.block_until_ready(self.programs.evaluate(self.member.policy, seed_words(0)))

    def do(self, part: Part) -> None:
        """Do one part; those of an iteration in their order."""
        programs, seed = self.programs, seed_words(0)
        numbers = (self._hyperparameters, iteration_of(seed, self._iteration, self._unrolls))
        match part:
            case "rollout":
                self.member, self._buffers = jax.block_until_ready(
                    programs.collect(self.member, self._starts, self._buffers, *numbers)
                )
            case "learner":
                self.member, self._buffers, _ = jax.block_until_ready(
                    programs.learn(self.member, self._buffers, programs.no_teacher, *numbers)
                )
                self._iteration += 1
            case "evaluation":
                _, length = programs.evaluate(self.member.policy, seed)
                self.work["evaluation"] = float(int(length) * self._episodes)
