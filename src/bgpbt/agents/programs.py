"""The compiled programs of one pair of architectures.

They are compiled ahead of time, so a call with another shape or type is an error and never a silent second
compilation. All randomness enters as a raw threefry key (two uint32 words) made from a seed; each use has its
own stream, so no key is used twice.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from bgpbt.agents.architecture import Architectures
from bgpbt.agents.evaluation import episode_returns
from bgpbt.agents.hyperparameters import DEFAULTS, Hyperparameters, hyperparameters_of
from bgpbt.agents.learner import Learner
from bgpbt.agents.loss import LossTerms
from bgpbt.agents.member import Member, Policy, initialise_agent
from bgpbt.envs.vector import StartStates

__all__ = ["Programs", "SeedWords", "compile_programs", "seed_words"]

SeedWords = npt.NDArray[np.uint32]
"""A seed as a raw threefry key: (2,), high word first."""


class _Stream(IntEnum):
    """What an order's randomness is used for."""

    STARTS = 0
    INITIALISE = 1
    ITERATE = 2
    EVALUATE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Programs:
    """What a trainer calls; every argument and result is an array or a tree of arrays."""

    draw_starts: Callable[[SeedWords], StartStates]
    initialise: Callable[[SeedWords, StartStates], Member]
    iterate: Callable[
        [Member, StartStates, Hyperparameters, np.int32, SeedWords, np.int32], tuple[Member, LossTerms]
    ]  # the member it is given is consumed
    evaluate: Callable[[Policy, SeedWords], tuple[jax.Array, jax.Array]]  # returns (episodes,), steps
    member_shape: Member  # shapes and types, for restoring


def seed_words(seed: int) -> SeedWords:
    """Return a seed in [0, 2**64) as a key; different seeds are different keys."""
    return np.array([seed >> 32, seed & 0xFFFFFFFF], dtype=np.uint32)


def compile_programs(learner: Learner, architectures: Architectures, *, evaluation_episodes: int) -> Programs:
    """Compile what it takes to train and score agents of these architectures."""
    vector = learner.environment
    base = vector.environment

    def draw_starts(seed: jax.Array) -> StartStates:
        return vector.starts(jax.random.fold_in(seed, _Stream.STARTS))

    def initialise(seed: jax.Array, starts: StartStates) -> Member:
        return initialise_agent(
            jax.random.fold_in(seed, _Stream.INITIALISE),
            architectures,
            observation_size=base.observation_size,
            action_size=base.action_size,
            environments=vector.reset(starts),
        )

    def iterate(
        member: Member,
        starts: StartStates,
        hyperparameters: Hyperparameters,
        unrolls: jax.Array,
        seed: jax.Array,
        iteration: jax.Array,
    ) -> tuple[Member, LossTerms]:
        key = jax.random.fold_in(jax.random.fold_in(seed, _Stream.ITERATE), iteration)
        return learner.iterate(member, starts, hyperparameters, unrolls, key)

    def evaluate(policy: Policy, seed: jax.Array) -> tuple[jax.Array, jax.Array]:
        return episode_returns(
            base,
            policy,
            jax.random.fold_in(seed, _Stream.EVALUATE),
            episodes=evaluation_episodes,
            episode_length=vector.episode_length,
        )

    seed = jax.ShapeDtypeStruct((2,), jnp.uint32)
    integer = jax.ShapeDtypeStruct((), jnp.int32)
    hyperparameters = hyperparameters_of(DEFAULTS)
    starts_shape = jax.eval_shape(draw_starts, seed)
    member_shape = jax.eval_shape(initialise, seed, starts_shape)
    return Programs(
        draw_starts=_compiled(draw_starts, seed),
        initialise=_compiled(initialise, seed, starts_shape),
        iterate=_compiled(
            iterate, member_shape, starts_shape, hyperparameters, integer, seed, integer, consume=(0,)
        ),
        evaluate=_compiled(evaluate, member_shape.policy, seed),
        member_shape=member_shape,
    )


def _compiled(function: Callable[..., Any], *shapes: Any, consume: tuple[int, ...] = ()) -> Any:
    return jax.jit(function, donate_argnums=consume).lower(*shapes).compile()
