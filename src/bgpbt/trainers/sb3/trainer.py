"""An algorithm of Stable-Baselines3 on a Gymnasium environment, as a trainer.

Every order makes a new agent with the order's hyperparameters and gives it what the checkpoint holds. So all
that Stable-Baselines3 derives from a hyperparameter (schedules, buffers, bounds) is as its constructor makes
it, and no attribute of an old value is left.
"""

import copy
import random
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

import gymnasium
import numpy as np
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.vec_env import VecEnv, VecNormalize

from bgpbt.contracts import Checkpoints
from bgpbt.errors import InputError
from bgpbt.outcomes import EpisodeReturns
from bgpbt.records import Checkpoint, Configuration, Order, Outcome
from bgpbt.space import Space
from bgpbt.space.rules import check_inputs
from bgpbt.trainers.job import SEEDS, Result, TrainerError, answer, start_of
from bgpbt.trainers.sb3.hyperparameters import algorithm_of, check_arguments, checked, rules_of
from bgpbt.trainers.sb3.state import arrays_of, restore

__all__ = ["SB3Trainer"]

Environment = str | Callable[[], "gymnasium.Env[Any, Any]"]

Progress = Callable[[Order, int], None]
"""Told of an order and the environment steps it has been trained for."""

_REPORT_EVERY = 1000  # environment steps
_ONE_AT_A_TIME = threading.Lock()
"""Stable-Baselines3 draws from the global generators of PyTorch and NumPy, which a process has once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SB3Trainer:
    """Trains and scores agents of one algorithm of Stable-Baselines3; configurations have its names.

    The score is the mean return of `evaluation_episodes` episodes with deterministic actions, from the same
    start states for all members, which no training seed decides. Members of one process train one after the
    other; `bgpbt.trainers.IsolatedTrainer` trains them at the same time. On the CPU the same order gives the
    same bytes: an agent computes on one thread. With `total_steps`, schedules of Stable-Baselines3 (DQN's
    exploration, functions in `arguments`) run over the whole run, and without it over each order.

    Raises:
        InputError: an argument is not allowed.
    """

    environment: Environment  # Gymnasium's name, or a function that makes one environment
    algorithm: str = "PPO"  # one of `ALGORITHMS`
    policy: str = "MlpPolicy"
    arguments: Mapping[str, Any] = field(default_factory=dict)  # of the constructor, for all members
    environments: int = 1  # copies that a member steps in turn
    normalise: bool = False  # observations and rewards in training, by `VecNormalize`
    evaluation_episodes: int = 10
    evaluation_seed: int = 0
    device: str = "cpu"  # PyTorch's name
    total_steps: int | None = None  # environment steps of a member in the whole run
    on_progress: Progress | None = None  # told of an order and its environment steps

    def __post_init__(self) -> None:
        check_arguments(self.algorithm, self.arguments)
        for name in ("environments", "evaluation_episodes", "total_steps"):
            count = getattr(self, name)
            if count is not None and count < 1:
                raise InputError(f"{name} = {count!r} must be 1 or more")
        if self.evaluation_seed < 0:
            raise InputError(f"evaluation_seed = {self.evaluation_seed!r} must be 0 or more")

    def check_space(self, space: Space) -> None:
        """Check that the algorithm takes every input and value of a space.

        Raises:
            InputError: it does not; the text has the name that was probably meant.
        """
        check_inputs(space, rules_of(self.algorithm), reader=self.algorithm)

    def train(self, order: Order, checkpoints: Checkpoints) -> Outcome:
        """Carry out an order; it trains whole rollouts, so it may stop short by less than one of them.

        Raises:
            InputError: a hyperparameter is not allowed, the order is shorter than one rollout, or it is to
                distil or to grow.
            TrainerError: the checkpoint is of another algorithm or other networks.
            DamagedRunError: the checkpoint is missing or damaged.
        """
        began = time.perf_counter()
        start = start_of(order)
        before = None if start is None else self._load(start, checkpoints)
        configuration = checked(self.algorithm, order.configuration)
        with _own_random_state(), closing(self._environment(self.environments)) as environment:
            model = self._model(environment, configuration, seed=order.seed % SEEDS)
            if before is not None:
                restore(model, before)
            steps = _whole_rollouts(model, order.steps)
            self._learn(model, steps, order)
            returns = self._returns(model, self.evaluation_episodes, self.evaluation_seed)
            arrays = arrays_of(model)
        result = Result(
            score=returns.mean,
            steps=steps,
            evaluation_steps=returns.steps,
            figures={"score_standard_error": returns.standard_error} | _training_figures(model),
        )
        checkpoint = checkpoints.save(arrays, self._metadata)
        return answer(order, result, checkpoint, time.perf_counter() - began)

    def evaluate(
        self, checkpoint: Checkpoint, checkpoints: Checkpoints, *, episodes: int, seed: int
    ) -> EpisodeReturns:
        """Score a member on start states of its own, with deterministic actions.

        Raises:
            TrainerError: the checkpoint is of another algorithm or other networks.
            DamagedRunError: it is missing or damaged.
        """
        arrays = self._load(checkpoint, checkpoints)
        with _own_random_state(), closing(self._environment(1)) as environment:
            model = self._model(environment, {}, seed=0)
            restore(model, arrays, to_train=False)
            return self._returns(model, episodes, seed)

    def model(
        self, checkpoint: Checkpoint, checkpoints: Checkpoints, configuration: Configuration | None = None
    ) -> BaseAlgorithm:
        """Return a member as Stable-Baselines3's own object, to act with, train further or save.

        Args:
            checkpoint: of the member.
            checkpoints: of the run, such as `finished.run.checkpoints`.
            configuration: hyperparameters that it is to have; None: those in `arguments`.

        Raises:
            TrainerError: the checkpoint is of another algorithm or other networks.
            DamagedRunError: it is missing or damaged.
        """
        arrays = self._load(checkpoint, checkpoints)
        chosen = checked(self.algorithm, configuration or {})
        model = self._model(self._environment(self.environments), chosen, seed=None)
        restore(model, arrays)
        return model

    @property
    def _metadata(self) -> dict[str, str]:
        return {"agent": "stable-baselines3", "algorithm": self.algorithm}

    def _load(self, checkpoint: Checkpoint, checkpoints: Checkpoints) -> Mapping[str, Any]:
        arrays, metadata = checkpoints.load(checkpoint)
        if metadata != self._metadata:
            raise TrainerError(f"checkpoint {checkpoint} is of {metadata}, not of {self._metadata}")
        return arrays

    def _environment(self, count: int, *, seed: int | None = None) -> VecEnv:
        environment = make_vec_env(self.environment, n_envs=count, seed=seed)
        return VecNormalize(environment) if self.normalise else environment

    def _model(self, environment: VecEnv, configuration: Configuration, *, seed: int | None) -> BaseAlgorithm:
        # Copies, since constructors write into `policy_kwargs`, and noise has a state.
        arguments = {**copy.deepcopy(dict(self.arguments)), **configuration}
        if isinstance(environment, VecNormalize) and "gamma" in arguments:
            environment.gamma = arguments["gamma"]  # of the returns by whose spread rewards are divided
        return algorithm_of(self.algorithm)(
            self.policy, environment, **arguments, seed=seed, device=self.device, verbose=0
        )

    def _learn(self, model: BaseAlgorithm, steps: int, order: Order) -> None:
        if self.total_steps is not None:
            _let_schedules_run_over(model, self.total_steps)
        report = self.on_progress
        callback = None if report is None else _reporting(report, order, model.num_timesteps)
        model.learn(total_timesteps=steps, reset_num_timesteps=False, callback=callback)

    def _returns(self, model: BaseAlgorithm, episodes: int, seed: int) -> EpisodeReturns:
        copies = min(self.environments, episodes)
        with closing(self._environment(copies, seed=seed % SEEDS)) as environment:
            if isinstance(environment, VecNormalize):
                learnt = model.get_vec_normalize_env()
                assert learnt is not None
                environment.obs_rms = learnt.obs_rms
                environment.training = environment.norm_reward = False
            return_n, length_n = evaluate_policy(
                model, environment, episodes, deterministic=True, return_episode_rewards=True
            )
        return EpisodeReturns(return_n=np.array(return_n, dtype=np.float64), steps=int(np.sum(length_n)))


def _reporting(on_progress: Progress, order: Order, first: int) -> Callable[[dict[str, Any], Any], bool]:
    """Return a callback of Stable-Baselines3 that tells of an order's progress.

    Args:
        on_progress: is told.
        order: is trained.
        first: steps that the agent was trained for before.
    """
    told = 0

    def report(local: dict[str, Any], _: Any) -> bool:
        nonlocal told
        steps = local["self"].num_timesteps - first
        if steps - told >= _REPORT_EVERY:
            told = steps
            on_progress(order, steps)
        return True

    return report


@contextmanager
def _own_random_state() -> Iterator[None]:
    """Leave the global generators, and how many threads PyTorch takes, as they were."""
    with _ONE_AT_A_TIME, torch.random.fork_rng(), warnings.catch_warnings():
        # It advises on minibatches that do not divide the rollout, with every value that is tried.
        warnings.filterwarnings("ignore", message="You have specified a mini-batch size")
        pythons, numpys = random.getstate(), np.random.get_state()  # noqa: NPY002
        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # small networks are not faster on more, and sums have one order
        try:
            yield
        finally:
            torch.set_num_threads(threads)
            random.setstate(pythons)
            np.random.set_state(numpys)  # noqa: NPY002


def _whole_rollouts(model: Any, steps: int) -> int:
    """Return the steps of the rollouts that fit into `steps`.

    Raises:
        InputError: not even one does.
    """
    frequency = getattr(model, "train_freq", None)  # of off-policy algorithms
    each: int = model.n_steps if frequency is None else frequency.frequency
    rollout: int = each * model.n_envs
    if steps < rollout:
        name = "n_steps" if frequency is None else "train_freq"
        raise InputError(
            f"{name} = {each} of {model.n_envs} environments makes rollouts of {rollout} "
            f"steps, but an order has {steps}; lower {name} or raise t_ready"
        )
    return steps // rollout * rollout


def _let_schedules_run_over(model: Any, total_steps: int) -> None:
    def update(steps: int, _: int) -> None:
        model._current_progress_remaining = max(0.0, 1.0 - steps / total_steps)

    model._update_current_progress_remaining = update


def _training_figures(model: BaseAlgorithm) -> dict[str, float]:
    """Return the mean return of the last episodes in training, with sampled actions, if any ended."""
    episodes = [float(episode["r"]) for episode in model.ep_info_buffer or ()]
    return {"training_return": float(np.mean(episodes))} if episodes else {}
