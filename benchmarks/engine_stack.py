"""A population in one program, whose rollouts, learning and evaluation are timed apart."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from bgpbt.agents import PPOTrainer
from bgpbt.agents.networks.padding import pad_member
from bgpbt.agents.ppo.buffers import blank_buffers
from bgpbt.agents.ppo.evaluation import episode_returns
from bgpbt.agents.ppo.hyperparameters import DEFAULTS, hyperparameters_of
from bgpbt.agents.ppo.learner import Iteration
from bgpbt.agents.seeds import Stream, seed_words, stream_key
from bgpbt.xla import jit
from engine_member import MINIBATCH, Part, agent_shapes

__all__ = ["TimedStack"]


class TimedStack:
    """Members stacked as an accelerator trains them, all with default hyperparameters.

    Args:
        trainer: whose members they are.
        members: in the stack.
    """

    def __init__(self, trainer: PPOTrainer, members: int) -> None:
        settings = trainer.settings
        learner = trainer.stacked_learner
        vector = learner.environment
        programs = trainer.programs(settings.architectures)
        hyperparameters = hyperparameters_of(DEFAULTS)
        unrolls = settings.unrolls_per_iteration(int(hyperparameters.batch_size))
        steps = unrolls * int(hyperparameters.unroll_length)
        self._episodes = members * settings.evaluation_episodes
        self._starts = programs.draw_starts(seed_words(0))
        member = programs.initialise(seed_words(0), self._starts)
        self._buffers: Any = None
        self._iteration = 0

        def stacked(tree: Any) -> Any:
            return jax.device_put(jax.tree.map(lambda leaf: np.stack([leaf] * members), tree))

        self._stack = stacked(pad_member(member, settings.architectures, settings.architectures))
        # As in a run, each member has numbers of its own, even where they are equal.
        self._numbers = stacked((hyperparameters, np.int32(unrolls), seed_words(0)))

        def numbers_of(own: Any, number: Any) -> Any:
            hyperparameters, unrolls, seed = own
            return hyperparameters, Iteration(seed, number, unrolls, jnp.int32(steps))

        def collect(member: Any, starts: Any, own: Any, number: Any) -> Any:
            buffers = blank_buffers(vector, learner.longest_rollout)
            return learner.collect(member, starts, buffers, *numbers_of(own, number))

        def learn(member: Any, buffers: Any, own: Any, number: Any) -> Any:
            return learner.learn(member, buffers, programs.no_teacher, *numbers_of(own, number))[0]

        def evaluate(policy: Any) -> Any:
            key = stream_key(jnp.asarray(seed_words(0)), Stream.EVALUATE)
            episodes = settings.evaluation_episodes
            return episode_returns(
                vector.environment, policy, key, episodes=episodes, episode_length=vector.episode_length
            )

        self._collect = jit(jax.vmap(collect, in_axes=(0, None, 0, None)), consume=(0,))
        self._learn = jit(jax.vmap(learn, in_axes=(0, 0, 0, None)), consume=(0,))
        self._evaluate = jit(jax.vmap(evaluate))
        updates = members * settings.minibatches * int(hyperparameters.update_epochs)
        self.work = {
            "rollout": float(members * trainer.desk.steps_of(hyperparameters, unrolls)),
            "learner": updates * agent_shapes(trainer).gflop(*MINIBATCH),
            "evaluation": 0.0,  # known once it is done
        }

    def do(self, part: Part) -> None:
        """Do one part; those of an iteration in their order."""
        iteration = np.int32(self._iteration)
        match part:
            case "rollout":
                self._stack, self._buffers = jax.block_until_ready(
                    self._collect(self._stack, self._starts, self._numbers, iteration)
                )
            case "learner":
                self._stack = jax.block_until_ready(
                    self._learn(self._stack, self._buffers, self._numbers, iteration)
                )
                self._iteration += 1
            case "evaluation":
                _, length_m = self._evaluate(self._stack.policy)
                self.work["evaluation"] = float(np.max(length_m)) * self._episodes
