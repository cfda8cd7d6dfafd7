"""One member whose rollout, learning and evaluation are timed apart."""

from functools import partial

import jax
import numpy as np

from bgpbt.agents import PPOTrainer
from bgpbt.agents.hyperparameters import DEFAULTS, hyperparameters_of
from bgpbt.agents.programs import Iteration, seed_words
from engine_limits import Shapes, shapes_of, timed

__all__ = ["MINIBATCH", "TimedMember", "agent_shapes"]

MINIBATCH = (int(DEFAULTS["batch_size"]), int(DEFAULTS["unroll_length"]))  # sequences, and steps of each


def agent_shapes(trainer: PPOTrainer) -> Shapes:
    """Return the shapes of the kernels that a trainer's agents have by default."""
    return shapes_of(trainer.environment.environment, trainer.settings.architectures)


class TimedMember:
    """One member, training on with default hyperparameters.

    Args:
        trainer: whose programs it runs.
    """

    def __init__(self, trainer: PPOTrainer) -> None:
        settings = trainer.settings
        self._programs = trainer.programs(settings.architectures)
        self._starts = self._programs.draw_starts(seed_words(0))
        self.member = self._programs.initialise(seed_words(0), self._starts)
        self._hyperparameters = hyperparameters_of(DEFAULTS)
        self._unrolls = settings.unrolls_per_iteration(int(self._hyperparameters.batch_size))
        self._episodes = settings.evaluation_episodes
        self._no_lesson = self._programs.no_lesson
        self._iteration = 0
        updates = settings.minibatches * int(self._hyperparameters.update_epochs)
        self.work = {  # of an iteration, and of an evaluation
            "rollout": float(trainer.steps_of(self._hyperparameters, self._unrolls)),
            "learner": updates * agent_shapes(trainer).gflop(*MINIBATCH),
            "evaluation": 0.0,  # known once it is done
        }

    def start(self) -> None:
        """Train for an unroll and evaluate as a run does, in one program each."""
        iteration = Iteration(seed=seed_words(0), index=0, unrolls=1)
        self.member, _ = self._programs.iterate(self.member, self._starts, self._hyperparameters, iteration)
        jax.block_until_ready(self._programs.evaluate(self.member.policy, seed_words(0)))

    def run(self) -> dict[str, float]:
        """Train for an iteration and evaluate; return the seconds per step, per GFLOP and per step."""
        programs, seed = self._programs, seed_words(0)
        numbers = (self._hyperparameters, np.int32(self._unrolls), seed, np.int32(self._iteration))
        collect = partial(programs.collect, self.member, self._starts, *numbers)
        rollout_s, (member, experience) = timed(collect)
        learn = partial(programs.learn, member, experience, self._no_lesson, *numbers)
        learner_s, (self.member, _) = timed(learn)
        evaluation_s, (_, length) = timed(partial(programs.evaluate, self.member.policy, seed))
        self.work["evaluation"] = float(int(length) * self._episodes)
        self._iteration += 1
        elapsed = {"rollout": rollout_s, "learner": learner_s, "evaluation": evaluation_s}
        return {name: elapsed[name] / self.work[name] for name in elapsed}
