"""The compiled programs of one pair of architectures.

Compilation takes longer than many an iteration, so programs are few: an iteration is one, with the teacher
in it whether there is one or not, and new networks are drawn by NumPy. A program is compiled for its shapes,
so a call with another shape or type is an error and never a silent second compilation.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from bgpbt.agents.networks.architecture import Architecture, Architectures
from bgpbt.agents.networks.growth import grow_member
from bgpbt.agents.networks.member import Member, Policy, initialise_agent
from bgpbt.agents.ppo.buffers import Buffers, blank_buffers
from bgpbt.agents.ppo.distillation import TeacherInput, no_teacher
from bgpbt.agents.ppo.evaluation import episode_returns
from bgpbt.agents.ppo.hyperparameters import DEFAULTS, Hyperparameters, hyperparameters_of
from bgpbt.agents.ppo.learner import Iteration, Learner, iteration_of
from bgpbt.agents.ppo.loss import LossTerms
from bgpbt.agents.seeds import SeedWords, Stream, random_of, seed_words, stream_key
from bgpbt.envs.vector import StartStates
from bgpbt.xla import jit

__all__ = [
    "Evaluate",
    "Program",
    "Programs",
    "compile_evaluation",
    "compile_programs",
    "compile_starts",
    "grown",
    "member_shape",
]

Result = TypeVar("Result")

_SEED = jax.ShapeDtypeStruct((2,), jnp.uint32)  # the shape of one


class Program(Generic[Result]):
    """A function that is compiled before its first call, since not every one of a set is called.

    Args:
        function: of arrays, or trees of them.
        shapes: of its arguments.
        consume: positions of arguments whose memory it takes over.
    """

    def __init__(self, function: Callable[..., Result], *shapes: Any, consume: tuple[int, ...] = ()) -> None:
        self._jitted = jit(function, consume=consume)
        self._shapes = shapes
        self._lock = threading.Lock()
        self._compiled: Any = None

    def compiled(self) -> Any:
        """Return the compiled program, as JAX has it."""
        with self._lock:  # two threads do not compile the same program
            if self._compiled is None:
                self._compiled = self._jitted.lower(*self._shapes).compile()
            return self._compiled

    def __call__(self, *arguments: Any) -> Result:
        """Run it."""
        result: Result = self.compiled()(*arguments)
        return result


Evaluate = Program[tuple[jax.Array, jax.Array]]
"""Of a policy and seed words: the returns (episodes,) and the steps that the longest episode took."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Programs:
    """What a trainer calls; every argument and result is an array or a tree of arrays.

    A run compiles `draw_starts` once, `train` for each pair of architectures, and `evaluate` for each policy.
    `collect` and `learn` are the halves of `train`, for who looks at the data in between or times them; they
    are compiled for nobody else.
    """

    draw_starts: Program[StartStates]  # of seed words
    train: Program[tuple[Member, Buffers, LossTerms]]  # the member and the buffers it is given are consumed
    evaluate: Evaluate
    collect: Program[tuple[Member, Buffers]]  # so they are here
    learn: Program[tuple[Member, Buffers, LossTerms]]  # and here
    member_shape: Member  # shapes and types, for restoring
    no_teacher: TeacherInput
    learner: Learner
    architectures: Architectures

    def compile(self) -> None:
        """Compile what a run calls; training last, which is what another thread may be at."""
        self.draw_starts.compiled()
        self.evaluate.compiled()
        self.train.compiled()

    def initialise(self, seed: SeedWords, starts: StartStates) -> Member:
        """Return a new member at the start states, drawn without a program."""
        return initialise_agent(
            random_of(seed, Stream.INITIALISE),
            self.architectures,
            self.learner.environment,
            jax.tree.map(np.array, starts),  # a copy: training consumes the member, and not the start states
        )

    def iterate(
        self,
        member: Member,
        starts: StartStates,
        buffers: Buffers,
        hyperparameters: Hyperparameters,
        iteration: Iteration,
        teacher_input: TeacherInput | None = None,
    ) -> tuple[Member, Buffers, LossTerms]:
        """Collect, let a teacher look at the data, and learn. Member and buffers are consumed."""
        teacher_input = self.no_teacher if teacher_input is None else teacher_input
        return self.train(member, starts, buffers, teacher_input, hyperparameters, iteration)


def compile_starts(learner: Learner) -> Program[StartStates]:
    """Return what draws start states, which is the same for all architectures."""

    def draw_starts(seed: jax.Array) -> StartStates:
        return learner.environment.starts(stream_key(seed, Stream.STARTS))

    return Program(draw_starts, _SEED)


def compile_programs(
    learner: Learner,
    architectures: Architectures,
    padded_to: Architectures,
    draw_starts: Program[StartStates],
    evaluate: Evaluate,
) -> Programs:
    """Compile the programs of these architectures, under teachers that fit into `padded_to`."""
    iteration = iteration_of(seed_words(0), 0, 0)
    starts = jax.eval_shape(learner.environment.starts, iteration.seed)
    member = member_shape(learner, architectures)
    numbers = (hyperparameters_of(DEFAULTS), iteration)
    teacher_input = no_teacher(padded_to, learner.environment.environment)
    buffers = jax.eval_shape(lambda: blank_buffers(learner.environment, learner.longest_rollout))
    return Programs(
        draw_starts=draw_starts,
        train=Program(learner.train, member, starts, buffers, teacher_input, *numbers, consume=(0, 2)),
        evaluate=evaluate,
        collect=Program(learner.collect, member, starts, buffers, *numbers, consume=(0, 2)),
        learn=Program(learner.learn, member, buffers, teacher_input, *numbers, consume=(0, 1)),
        member_shape=member,
        no_teacher=jax.device_put(teacher_input),
        learner=learner,
        architectures=architectures,
    )


def compile_evaluation(learner: Learner, policy: Architecture, *, episodes: int) -> Evaluate:
    """Compile what scores policies of an architecture, whatever the value network beside them."""
    vector = learner.environment

    def evaluate(policy: Policy, seed: jax.Array) -> tuple[jax.Array, jax.Array]:
        return episode_returns(
            vector.environment,
            policy,
            stream_key(seed, Stream.EVALUATE),
            episodes=episodes,
            episode_length=vector.episode_length,
        )

    shape = member_shape(learner, Architectures(policy=policy, value=policy)).policy
    return Program(evaluate, shape, _SEED)


def member_shape(learner: Learner, architectures: Architectures) -> Member:
    """Return the shapes and types of a member of these architectures."""

    def new(seed: jax.Array) -> Member:
        starts = learner.environment.starts(seed)
        return initialise_agent(np.random.default_rng(0), architectures, learner.environment, starts)

    return jax.eval_shape(new, _SEED)


def grown(member: Member, new: Architectures, seed: SeedWords) -> Member:
    """Return a member with larger networks, drawn without a program; growth must apply."""
    return grow_member(member, new, random_of(seed, Stream.GROW))
