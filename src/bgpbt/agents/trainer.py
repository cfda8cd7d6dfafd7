"""PPO as a trainer: an order in, a checkpoint and a score out."""

import time
from dataclasses import replace

import jax
import numpy as np

from bgpbt import envs
from bgpbt.agents.compiled.memory_need import MemoryNeed, memory_need
from bgpbt.agents.compiled.program_cache import ProgramCache
from bgpbt.agents.compiled.programs import Programs
from bgpbt.agents.networks.architecture import Architectures
from bgpbt.agents.networks.member import Member, Policy
from bgpbt.agents.orders import Begun, OrderDesk, Progress, Training
from bgpbt.agents.ppo.evaluation import EpisodeReturns
from bgpbt.agents.ppo.learner import Learner, iteration_of
from bgpbt.agents.ppo.loss import LossTerms
from bgpbt.agents.seeds import batch_seeds, seed_words
from bgpbt.agents.settings import PPOSettings, Ranges
from bgpbt.agents.space_check import check_space
from bgpbt.contracts import Checkpoints
from bgpbt.envs.vector import VectorEnvironment
from bgpbt.records import Checkpoint, Order, Outcome
from bgpbt.space import Space
from bgpbt.xla import on_cpu

__all__ = ["PPOTrainer"]


class PPOTrainer:
    """Trains and scores members with PPO. Safe to call from several threads.

    Args:
        settings: what all members have in common.
        space: what configurations can hold; its largest batch and unroll size the buffers.
        on_progress: told of every iteration; an exception it raises ends the training at once.
        cache: the compiled programs of another trainer, as `sharing` hands them on; None: none yet.
    """

    def __init__(
        self,
        settings: PPOSettings,
        space: Space,
        *,
        on_progress: Progress | None = None,
        cache: ProgramCache | None = None,
    ) -> None:
        self._settings = settings
        self._ranges = Ranges.of(space)
        self._cache = _new_cache(settings, self._ranges) if cache is None else cache
        self._desk = OrderDesk(settings, space, self._cache, on_progress=on_progress)

    def sharing(
        self, settings: PPOSettings, space: Space, *, on_progress: Progress | None = None
    ) -> "PPOTrainer | None":
        """Return a trainer with these settings that uses this one's compiled programs; None if it cannot.

        It can where nothing differs that programs are compiled for: seeds, default architectures, what
        distillation does and any range of the space but those that size buffers.
        """
        own = replace(
            self._settings,
            evaluation_seed=settings.evaluation_seed,
            architectures=settings.architectures,
            distillation=settings.distillation,
        )
        if own != settings or self._ranges != Ranges.of(space):
            return None
        return PPOTrainer(settings, space, on_progress=on_progress, cache=self._cache)

    def check_space(self, space: Space) -> None:
        """Refuse a space with an input that PPO does not read, or a value that it cannot take."""
        check_space(space)

    @property
    def settings(self) -> PPOSettings:
        """What all members have in common."""
        return self._settings

    @property
    def desk(self) -> OrderDesk:
        """What prepares members and makes outcomes of them."""
        return self._desk

    @property
    def learner(self) -> Learner:
        """What every member's programs are made of."""
        return self._cache.learner

    @property
    def stacked_learner(self) -> Learner:
        """What the program of a stack of members is made of."""
        return replace(self.learner, slice_sizes=(self._ranges.stacked_slice,))

    @property
    def environment(self) -> VectorEnvironment:
        """What members are trained on."""
        return self.learner.environment

    @property
    def compilations(self) -> int:
        """Programs compiled in this process since the programs' trainer was made, down to the smallest.

        A run takes two for each pair of architectures and one besides. What an environment's library compiles
        while it makes the task is not in it: the newer Brax has about fifty copies of constants.
        """
        return self._cache.compilations.count

    @property
    def compilation_seconds(self) -> float:
        """Time spent on compilation."""
        return self._cache.compilations.seconds

    @property
    def memory_need(self) -> MemoryNeed:
        """What a member takes while it trains, with the largest networks that the space can propose."""
        return memory_need(self.learner, self._desk.largest)

    @property
    def stacked_memory_need(self) -> MemoryNeed:
        """The same for a member of a stack."""
        return memory_need(self.stacked_learner, self._desk.largest)

    def train(self, order: Order, checkpoints: Checkpoints) -> Outcome:
        """Train a member for at most `order.steps` steps, in whole unrolls, and score it.

        Raises:
            InputError: the configuration does not fit this trainer.
            DamagedRunError: the checkpoint to start from is damaged or of another environment.
        """
        began = time.perf_counter()
        begun = self._desk.begin(order, checkpoints)
        member, steps, losses = self._learn(begun)
        programs, seeds = self.programs(begun.architectures), [self._settings.evaluation_seed]
        returns = self._evaluate(programs, member.policy, seeds)
        training = Training(steps=steps, losses=losses, seconds=time.perf_counter() - began)
        return self._desk.conclude(begun, member, returns, training, checkpoints)

    def prepare(self, order: Order) -> None:
        """Compile what an order takes, so that `train` need not; for another thread, while others train."""
        self.programs(self._desk.architectures_of(order)).compile()

    def evaluate(
        self, checkpoint: Checkpoint, checkpoints: Checkpoints, *, episodes: int, seed: int
    ) -> EpisodeReturns:
        """Score a checkpoint on start states of its own, in batches of `evaluation_episodes`.

        Raises:
            DamagedRunError: the checkpoint is damaged or of another environment.
        """
        member, architectures = self._desk.load(checkpoint, checkpoints)
        batches = -(-episodes // self._settings.evaluation_episodes)
        seeds = batch_seeds(seed, batches)
        return self._evaluate(self.programs(architectures), member.policy, seeds, episodes)

    def programs(self, architectures: Architectures, padded_to: Architectures | None = None) -> Programs:
        """Return the programs of these architectures, each compiled when it is first called.

        Teachers' networks are padded to `padded_to`; None: to the largest that the space can propose.
        """
        return self._cache.programs(architectures, padded_to or self._desk.largest)

    def _learn(self, begun: Begun) -> tuple[Member, int, list[LossTerms]]:
        order, hyperparameters, member = begun.order, begun.hyperparameters, begun.member
        padded_to = self._desk.padded_to([begun])
        programs, seed = self.programs(begun.architectures, padded_to), seed_words(order.seed)
        steps = 0
        losses: list[LossTerms] = []
        buffers = self._cache.buffers.take()
        while (unrolls := self._desk.next_unrolls(hyperparameters, order.steps - steps)) > 0:
            iteration = iteration_of(seed, len(losses), unrolls)
            teacher_input = None if begun.schedule is None else begun.schedule.at(steps, padded_to)
            member, buffers, terms = programs.iterate(
                member, begun.starts, buffers, hyperparameters, iteration, teacher_input
            )
            losses.append(jax.device_get(terms))  # waits, so that progress is real
            steps += self._desk.steps_of(hyperparameters, unrolls)
            self._desk.report(order, steps)
        self._cache.buffers.give_back(buffers)
        return member, steps, losses

    def _evaluate(
        self, programs: Programs, policy: Policy, seeds: list[int], episodes: int | None = None
    ) -> EpisodeReturns:
        batches = [programs.evaluate(policy, seed_words(seed)) for seed in seeds]
        return_n = np.concatenate([np.asarray(return_b, dtype=np.float64) for return_b, _ in batches])
        steps = sum(int(steps) for _, steps in batches) * self._settings.evaluation_episodes
        return EpisodeReturns(return_n=return_n[:episodes], steps=steps)


def _new_cache(settings: PPOSettings, ranges: Ranges) -> ProgramCache:
    """Return a cache of programs for members with these settings; nothing is compiled yet."""
    learner = Learner(
        environment=VectorEnvironment(
            environment=envs.make(settings.environment),
            count=settings.environments,
            episode_length=settings.episode_length,
        ),
        longest_rollout=ranges.longest_rollout(settings),
        most_sequences=ranges.largest_batch * settings.minibatches,
        slice_sizes=ranges.slice_sizes(accelerator=not on_cpu()),
    )
    return ProgramCache(learner, evaluation_episodes=settings.evaluation_episodes)
