"""PPO as a trainer: an order in, a checkpoint and a score out."""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np
import numpy.typing as npt

from bgpbt import envs
from bgpbt.agents.architecture import Architectures, architectures_of
from bgpbt.agents.compilation import CompilationCounter
from bgpbt.agents.evaluation import EpisodeReturns
from bgpbt.agents.hyperparameters import Hyperparameters, hyperparameters_of
from bgpbt.agents.learner import Learner
from bgpbt.agents.loss import LossTerms
from bgpbt.agents.member import Member, Policy, arrays_of, restore
from bgpbt.agents.programs import Programs, compile_programs, seed_words
from bgpbt.agents.settings import PPOSettings, Ranges
from bgpbt.contracts import Checkpoints
from bgpbt.encoding import decode, encode
from bgpbt.envs.vector import VectorEnvironment
from bgpbt.errors import DamagedRunError, InputError
from bgpbt.records import Checkpoint, Fresh, From, Order, Outcome
from bgpbt.space import Space

__all__ = ["PPOTrainer"]

Progress = Callable[[Order, int], None]
"""Called after every iteration with the order and the environment steps done for it so far."""


class PPOTrainer:
    """Trains and scores members with PPO. Safe to call from several threads.

    Args:
        settings: what all members have in common.
        space: what configurations can hold; its largest batch and unroll size the buffers.
        on_progress: told of every iteration; an exception it raises ends the training at once.
    """

    def __init__(self, settings: PPOSettings, space: Space, *, on_progress: Progress | None = None) -> None:
        self._settings = settings
        self._on_progress = on_progress
        self._ranges = Ranges.of(space)
        self._vector = VectorEnvironment(
            environment=envs.make(settings.environment),
            count=settings.environments,
            episode_length=settings.episode_length,
        )
        self._counter = CompilationCounter()
        self._programs: dict[Architectures, Programs] = {}
        self._compiling = threading.Lock()

    @property
    def environment(self) -> VectorEnvironment:
        """What members are trained on."""
        return self._vector

    @property
    def compilations(self) -> int:
        """Programs compiled in this process since the trainer was made."""
        return self._counter.count

    @property
    def compilation_seconds(self) -> float:
        """Time spent on compilation."""
        return self._counter.seconds

    def train(self, order: Order, checkpoints: Checkpoints) -> Outcome:
        """Train a member for at most `order.steps` steps, in whole unrolls, and score it.

        Raises:
            InputError: the configuration does not fit this trainer.
            DamagedRunError: the checkpoint to start from is damaged or of another environment.
        """
        began = time.perf_counter()
        architectures = architectures_of(order.configuration, self._settings.architectures)
        hyperparameters = hyperparameters_of(order.configuration)
        self._ranges.check(hyperparameters)
        member, steps, figures = self._learn(order, architectures, hyperparameters, checkpoints)
        returns = self._evaluate(
            self.programs(architectures), member.policy, [self._settings.evaluation_seed]
        )
        arrays = arrays_of(member)
        failure = _failure(arrays, returns.mean)
        checkpoint = checkpoints.save(arrays, self._metadata(architectures)) if failure is None else None
        return Outcome(
            round=order.round,
            member=order.member,
            checkpoint=checkpoint,
            score=returns.mean if failure is None else float("nan"),
            steps=steps,
            evaluation_steps=returns.steps,
            seconds=time.perf_counter() - began,
            figures=figures | {"score_standard_error": returns.standard_error},
            failure=failure,
        )

    def evaluate(
        self, checkpoint: Checkpoint, checkpoints: Checkpoints, *, episodes: int, seed: int
    ) -> EpisodeReturns:
        """Score a checkpoint on start states of its own, in batches of `evaluation_episodes`.

        Raises:
            DamagedRunError: the checkpoint is damaged or of another environment.
        """
        arrays, architectures = self._load(checkpoint, checkpoints)
        programs = self.programs(architectures)
        member = restore(programs.member_shape, arrays, source=f"checkpoint {checkpoint}")
        batches = -(-episodes // self._settings.evaluation_episodes)
        # Odd multiples keep the batches of neighbouring seeds apart.
        seeds = [(seed + (batch << 32)) % 2**63 for batch in range(batches)]
        return self._evaluate(programs, member.policy, seeds, episodes)

    def programs(self, architectures: Architectures) -> Programs:
        """Return the compiled programs of these architectures, compiling them the first time."""
        with self._compiling:
            if architectures not in self._programs:
                learner = Learner(
                    environment=self._vector,
                    longest_rollout=self._ranges.longest_rollout(self._settings),
                    most_sequences=self._ranges.largest_batch * self._settings.minibatches,
                    slice_rows=self._ranges.slice_rows,
                )
                self._programs[architectures] = compile_programs(
                    learner, architectures, evaluation_episodes=self._settings.evaluation_episodes
                )
            return self._programs[architectures]

    def _learn(
        self,
        order: Order,
        architectures: Architectures,
        hyperparameters: Hyperparameters,
        checkpoints: Checkpoints,
    ) -> tuple[Member, int, dict[str, float]]:
        programs = self.programs(architectures)
        seed = seed_words(order.seed)
        starts = programs.draw_starts(seed)
        if isinstance(order.start, Fresh):
            member = programs.initialise(seed, starts)
        else:
            member = self._resume(order, architectures, checkpoints)
        steps = 0
        losses: list[LossTerms] = []
        while (unrolls := self._unrolls(hyperparameters, order.steps - steps)) > 0:
            member, terms = programs.iterate(
                member, starts, hyperparameters, np.int32(unrolls), seed, np.int32(len(losses))
            )
            losses.append(jax.device_get(terms))  # waits, so that progress is real
            steps += unrolls * int(hyperparameters.unroll_length) * self._settings.environments
            if self._on_progress is not None:
                self._on_progress(order, steps)
        return member, steps, _mean(losses)

    def _unrolls(self, hyperparameters: Hyperparameters, remaining: int) -> int:
        """Return the unrolls of the next iteration, cut to whole unrolls that fit into `remaining` steps."""
        one_unroll = int(hyperparameters.unroll_length) * self._settings.environments
        whole = self._settings.unrolls_per_iteration(int(hyperparameters.batch_size))
        return min(whole, remaining // one_unroll)

    def _resume(self, order: Order, architectures: Architectures, checkpoints: Checkpoints) -> Member:
        if not isinstance(order.start, From):
            raise InputError(f"round {order.round}, member {order.member}: PPO does not distil yet")
        arrays, stored = self._load(order.start.checkpoint, checkpoints)
        source = f"checkpoint {order.start.checkpoint}"
        if stored != architectures:
            raise InputError(f"{source} holds {stored}, but the configuration names {architectures}")
        return restore(self.programs(architectures).member_shape, arrays, source=source)

    def _load(
        self, checkpoint: Checkpoint, checkpoints: Checkpoints
    ) -> tuple[dict[str, npt.NDArray[Any]], Architectures]:
        arrays, metadata = checkpoints.load(checkpoint)
        environment = metadata.get("environment")
        if environment != self._settings.environment:
            raise DamagedRunError(
                f"checkpoint {checkpoint} is of environment {environment!r}, "
                f"this run is of {self._settings.environment!r}"
            )
        return arrays, decode(Architectures, metadata["architectures"])

    def _metadata(self, architectures: Architectures) -> Mapping[str, str]:
        return {
            "agent": "ppo",
            "environment": self._settings.environment,
            "architectures": encode(architectures),
        }

    def _evaluate(
        self, programs: Programs, policy: Policy, seeds: list[int], episodes: int | None = None
    ) -> EpisodeReturns:
        batches = [programs.evaluate(policy, seed_words(seed)) for seed in seeds]
        return_n = np.concatenate([np.asarray(return_b, dtype=np.float64) for return_b, _ in batches])
        steps = sum(int(steps) for _, steps in batches) * self._settings.evaluation_episodes
        return EpisodeReturns(return_n=return_n[:episodes], steps=steps)


def _failure(arrays: Mapping[str, npt.NDArray[np.generic]], score: float) -> str | None:
    """Return why nobody should go on from this member, if so."""
    if not np.isfinite(score):
        return f"the mean return is {score}"
    for name, array in arrays.items():
        if name.startswith("parameters.") and not np.all(np.isfinite(array)):
            return f"{name} is not finite"
    return None


def _mean(losses: list[LossTerms]) -> dict[str, float]:
    """Return each term's mean over iterations; nothing if there was none."""
    if not losses:
        return {}
    return {name: float(np.mean([getattr(terms, name) for terms in losses])) for name in LossTerms._fields}
