"""The compiled programs of one pair of architectures.

They are compiled for their shapes, so a call with another shape or type is an error and never a silent second
compilation. All randomness enters as a raw threefry key (two uint32 words) made from a seed; each use has its
own stream, so no key is used twice.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from bgpbt.agents.architecture import Architectures
from bgpbt.agents.distillation import Lesson, Teacher, no_lesson, teach, teacher_of
from bgpbt.agents.evaluation import episode_returns
from bgpbt.agents.growth import grow_member
from bgpbt.agents.hyperparameters import DEFAULTS, Hyperparameters, hyperparameters_of
from bgpbt.agents.learner import Learner
from bgpbt.agents.loss import LossTerms
from bgpbt.agents.member import Member, Policy, initialise_agent
from bgpbt.agents.rollout import Experience, empty
from bgpbt.envs.vector import StartStates

__all__ = [
    "Iteration",
    "Programs",
    "SeedWords",
    "Teach",
    "blank_lesson",
    "collect_key",
    "compile_growth",
    "compile_programs",
    "compile_starts",
    "compile_teacher",
    "evaluate_key",
    "learn_key",
    "seed_words",
]

SeedWords = npt.NDArray[np.uint32]
"""A seed as a raw threefry key: (2,), high word first."""

Teach = Callable[[Teacher, Experience, np.int32, Lesson], Lesson]
"""A compiled `bgpbt.agents.distillation.teach`."""


class _Stream(IntEnum):
    """What an order's randomness is used for."""

    STARTS = 0
    INITIALISE = 1
    COLLECT = 2
    EVALUATE = 3
    LEARN = 4
    GROW = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Iteration:
    """One PPO iteration of an order."""

    seed: SeedWords  # of the order
    index: int  # within the order, from 0
    unrolls: int  # of every environment


@dataclass(frozen=True, slots=True, kw_only=True)
class Programs:
    """What a trainer calls; every argument and result is an array or a tree of arrays."""

    draw_starts: Callable[[SeedWords], StartStates]
    initialise: Callable[[SeedWords, StartStates], Member]
    collect: Callable[..., tuple[Member, Experience]]  # the member it is given is consumed
    learn: Callable[..., tuple[Member, LossTerms]]  # so it is here
    evaluate: Callable[[Policy, SeedWords], tuple[jax.Array, jax.Array]]  # returns (episodes,), steps
    member_shape: Member  # shapes and types, for restoring
    no_lesson: Lesson

    def iterate(
        self,
        member: Member,
        starts: StartStates,
        hyperparameters: Hyperparameters,
        iteration: Iteration,
        teach: Callable[[Experience], Lesson] | None = None,
    ) -> tuple[Member, LossTerms]:
        """Collect, let a teacher look at the data, and learn. The member it is given is consumed."""
        numbers = (hyperparameters, np.int32(iteration.unrolls), iteration.seed, np.int32(iteration.index))
        member, experience = self.collect(member, starts, *numbers)
        lesson = self.no_lesson if teach is None else teach(experience)
        return self.learn(member, experience, lesson, *numbers)


def seed_words(seed: int) -> SeedWords:
    """Return a seed in [0, 2**64) as a key; different seeds are different keys."""
    return np.array([seed >> 32, seed & 0xFFFFFFFF], dtype=np.uint32)


def collect_key(seed: jax.Array, iteration: jax.Array) -> jax.Array:
    """Return the key of an iteration's rollout."""
    return jax.random.fold_in(jax.random.fold_in(seed, _Stream.COLLECT), iteration)


def learn_key(seed: jax.Array, iteration: jax.Array) -> jax.Array:
    """Return the key of an iteration's learning."""
    return jax.random.fold_in(jax.random.fold_in(seed, _Stream.LEARN), iteration)


def evaluate_key(seed: jax.Array) -> jax.Array:
    """Return the key of an evaluation."""
    return jax.random.fold_in(seed, _Stream.EVALUATE)


def compile_starts(learner: Learner) -> Callable[[SeedWords], StartStates]:
    """Compile what draws start states, which is the same for all architectures."""

    def draw_starts(seed: jax.Array) -> StartStates:
        return learner.environment.starts(jax.random.fold_in(seed, _Stream.STARTS))

    compiled: Callable[[SeedWords], StartStates] = _compiled(draw_starts, _shape((2,), jnp.uint32))
    return compiled


def compile_programs(
    learner: Learner,
    architectures: Architectures,
    draw_starts: Callable[[SeedWords], StartStates],
    *,
    evaluation_episodes: int,
) -> Programs:
    """Compile what it takes to train and score agents of these architectures."""
    functions = _Functions(learner, architectures, evaluation_episodes)
    seed, integer = _shape((2,), jnp.uint32), _shape((), jnp.int32)
    starts = jax.eval_shape(learner.environment.starts, seed)
    member = jax.eval_shape(functions.initialise, seed, starts)
    numbers = (hyperparameters_of(DEFAULTS), integer, seed, integer)
    _, experience = jax.eval_shape(functions.collect, member, starts, *numbers)
    lesson = blank_lesson(learner)
    return Programs(
        draw_starts=draw_starts,
        initialise=_compiled(functions.initialise, seed, starts),
        collect=_compiled(functions.collect, member, starts, *numbers, consume=(0,)),
        learn=_compiled(functions.learn, member, experience, lesson, *numbers, consume=(0,)),
        evaluate=_compiled(functions.evaluate, member.policy, seed),
        member_shape=member,
        no_lesson=jax.device_put(lesson),
    )


def compile_teacher(learner: Learner, member: Member) -> Teach:
    """Compile what it takes for members shaped like this one to teach."""
    lesson = blank_lesson(learner)
    experience = jax.eval_shape(lambda: empty(learner.environment, learner.longest_rollout))
    compiled: Teach = _compiled(teach, teacher_of(member), experience, _shape((), jnp.int32), lesson)
    return compiled


def compile_growth(member: Member, new: Architectures) -> Callable[[Member, SeedWords], Member]:
    """Compile what it takes to enlarge members shaped like this one; growth must apply."""

    def enlarge(member: Member, seed: jax.Array) -> Member:
        return grow_member(member, new, jax.random.fold_in(seed, _Stream.GROW))

    compiled: Callable[[Member, SeedWords], Member] = _compiled(enlarge, member, _shape((2,), jnp.uint32))
    return compiled


@dataclass(frozen=True, slots=True)
class _Functions:
    """The programs before compilation."""

    learner: Learner
    architectures: Architectures
    evaluation_episodes: int

    def initialise(self, seed: jax.Array, starts: StartStates) -> Member:
        environment = self.learner.environment
        return initialise_agent(
            jax.random.fold_in(seed, _Stream.INITIALISE),
            self.architectures,
            observation_size=environment.environment.observation_size,
            action_size=environment.environment.action_size,
            environments=environment.reset(starts),
        )

    def collect(self, member: Member, starts: StartStates, *numbers: Any) -> tuple[Member, Experience]:
        hyperparameters, unrolls, seed, index = numbers
        return self.learner.collect(member, starts, hyperparameters, unrolls, collect_key(seed, index))

    def learn(
        self, member: Member, experience: Experience, lesson: Lesson, *numbers: Any
    ) -> tuple[Member, LossTerms]:
        hyperparameters, unrolls, seed, index = numbers
        return self.learner.learn(
            member, (experience, lesson), hyperparameters, unrolls, learn_key(seed, index)
        )

    def evaluate(self, policy: Policy, seed: jax.Array) -> tuple[jax.Array, jax.Array]:
        return episode_returns(
            self.learner.environment.environment,
            policy,
            evaluate_key(seed),
            episodes=self.evaluation_episodes,
            episode_length=self.learner.environment.episode_length,
        )


def blank_lesson(learner: Learner) -> Lesson:
    """Return what a member is told that has no teacher."""
    vector = learner.environment
    return no_lesson(learner.longest_rollout, vector.count, vector.environment.action_size)


def _shape(shape: tuple[int, ...], dtype: Any) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(shape, dtype)


class _Lazy:
    """A program that is compiled before its first call, since not every one of a set is called."""

    def __init__(
        self, function: Callable[..., Any], shapes: tuple[Any, ...], consume: tuple[int, ...]
    ) -> None:
        self._jitted = jax.jit(function, donate_argnums=consume)
        self._shapes = shapes
        self._lock = threading.Lock()
        self._compiled: Callable[..., Any] | None = None

    def __call__(self, *arguments: Any) -> Any:
        with self._lock:  # two threads do not compile the same program
            if self._compiled is None:
                self._compiled = self._jitted.lower(*self._shapes).compile()
        return self._compiled(*arguments)


def _compiled(function: Callable[..., Any], *shapes: Any, consume: tuple[int, ...] = ()) -> Any:
    return _Lazy(function, shapes, consume)
