"""The PPO of three libraries with one setting, each as a function from a task and a seed to two scores.

Equal are networks, activation, Adam's step, discount, trace decay, clipping, entropy bonus, weight of the
value loss, environments, rollouts, minibatches, epochs and environment steps; no library clips gradients.
What is left is how each is made: ours estimates advantages anew for every minibatch and does not normalise
them, the two others normalise them in every minibatch; rejax takes a time limit for an end, and bounds how
far a value may move in an iteration by the clipping of the policy, so it has a row with its normalisation of
rewards as well; Stable-Baselines3 initialises orthogonally.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from bgpbt.agents import PPOTrainer

__all__ = ["LEARNERS", "TASKS", "Scores", "Task", "mean_and_interval"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A task of gymnax, and Gymnasium's of the same rules."""

    gymnax: str
    gymnasium: str
    steps: int  # environment steps of training, whole iterations
    episode_length: int  # environment steps
    normalises_in_rejax: (
        bool  # which does not bound the result, so that a pixel that is rarely on becomes huge
    )


TASKS = {
    "CartPole": Task(
        gymnax="CartPole-v1",
        gymnasium="CartPole-v1",
        steps=102_400,
        episode_length=500,
        normalises_in_rejax=True,
    ),
    "Acrobot": Task(
        gymnax="Acrobot-v1",
        gymnasium="Acrobot-v1",
        steps=102_400,
        episode_length=500,
        normalises_in_rejax=True,
    ),
    "SpaceInvaders": Task(
        gymnax="SpaceInvaders-MinAtar",
        gymnasium="MinAtar/SpaceInvaders-v0",
        steps=307_200,
        episode_length=1000,
        normalises_in_rejax=False,
    ),
}

ENVIRONMENTS, UNROLL, MINIBATCHES, EPOCHS = 16, 64, 4, 4
WIDTHS = (64, 64)
LEARNING_RATE, DISCOUNT, GAE_LAMBDA, CLIP, ENTROPY = 1e-3, 0.99, 0.95, 0.2, 0.01
EVALUATION_SEED = 10**6


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Mean returns of a trained agent."""

    sampled: float
    deterministic: float


def train_ours(task: Task, seed: int, episodes: int, *, reward_scaling: float = 1.0) -> Scores:
    """Train our PPO."""
    import jax.numpy as jnp

    from bgpbt.agents.networks.member import restore
    from bgpbt.agents.ppo.rollout import distribution_of
    from bgpbt.records import Fresh, Order, Proposal, ProposalSource, Purpose
    from bgpbt.toys import MemoryCheckpoints

    order = Order(
        round=0,
        member=0,
        purpose=Purpose.TRAIN,
        start=Fresh(),
        configuration={
            **{"batch_size": ENVIRONMENTS // MINIBATCHES, "unroll_length": UNROLL, "update_epochs": EPOCHS},
            **{"learning_rate": LEARNING_RATE, "discount": DISCOUNT, "gae_lambda": GAE_LAMBDA},
            **{"clip_epsilon": CLIP, "entropy_cost": ENTROPY, "reward_scaling": reward_scaling},
        },
        first_step=0,
        steps=task.steps,
        seed=seed,
        proposal=Proposal(source=ProposalSource.DEFAULT),
    )
    trainer, checkpoints = _our_trainer(task), MemoryCheckpoints()
    outcome = trainer.train(order, checkpoints)
    assert outcome.checkpoint is not None
    assert outcome.steps == task.steps
    shapes = trainer.programs(trainer.settings.architectures).member_shape
    policy = restore(shapes, checkpoints.load(outcome.checkpoint)[0], source="it").policy
    actions = trainer.learner.actions

    def choose(policy: Any, observation_bo: Any, key: Any, is_sampled: Any) -> Any:
        distribution = distribution_of(actions, policy, observation_bo)
        return actions.performed(jnp.where(is_sampled, distribution.sample(key), distribution.mode()))

    return _scored_on_gymnax(task, choose, policy, episodes)


@functools.cache
def _our_trainer(task: Task) -> "PPOTrainer":
    """Return the trainer of a task, which compiles once for all seeds."""
    from ConfigSpace import ConfigurationSpace, Constant, Float

    from bgpbt.agents import Architecture, Architectures, PPOSettings, PPOTrainer
    from bgpbt.space import Space

    searched = ConfigurationSpace()
    searched.add(
        Float("learning_rate", (1e-5, 1e-1)),
        Constant("batch_size", ENVIRONMENTS // MINIBATCHES),
        Constant("unroll_length", UNROLL),
    )
    shape = Architecture(depth=len(WIDTHS), width=WIDTHS[0])
    settings = PPOSettings(
        environment=f"gymnax:{task.gymnax}",
        environments=ENVIRONMENTS,
        minibatches=MINIBATCHES,
        episode_length=task.episode_length,
        evaluation_episodes=1,
        architectures=Architectures(policy=shape, value=shape),
    )
    return PPOTrainer(settings, Space.from_configspace(searched))


def train_rejax(task: Task, seed: int, episodes: int, *, normalises_rewards: bool = False) -> Scores:
    """Train the PPO of rejax 0.1.3, which is written for gymnax before 1.0."""
    import gymnax
    import jax
    import jax.numpy as jnp
    from rejax import PPO

    environment, parameters = gymnax.make(task.gymnax)
    algorithm = PPO.create(
        env=_BeforeOne(environment),
        env_params=parameters,
        agent_kwargs={"hidden_layer_sizes": WIDTHS, "activation": "swish"},
        num_envs=ENVIRONMENTS,
        num_steps=UNROLL,
        num_minibatches=MINIBATCHES,
        num_epochs=EPOCHS,
        learning_rate=LEARNING_RATE,
        gamma=DISCOUNT,
        gae_lambda=GAE_LAMBDA,
        clip_eps=CLIP,
        ent_coef=ENTROPY,
        vf_coef=0.5,
        normalize_observations=task.normalises_in_rejax,
        normalize_rewards=normalises_rewards,
        total_timesteps=task.steps,
        eval_freq=task.steps,
        skip_initial_evaluation=True,
    ).replace(eval_callback=lambda *_: ())
    state, _ = jax.jit(algorithm.train)(jax.random.PRNGKey(seed))
    assert int(state.global_step) == task.steps

    def choose(state: Any, observation_bo: Any, key: Any, is_sampled: Any) -> Any:
        if task.normalises_in_rejax:
            observation_bo = algorithm.normalize_obs(state.obs_rms_state, observation_bo)
        parameters = state.actor_ts.params
        distribution = algorithm.actor.apply(parameters, observation_bo, method="_action_dist")
        return jnp.where(is_sampled, distribution.sample(seed=key), distribution.mode())

    return _scored_on_gymnax(task, choose, state, episodes)


class _BeforeOne:
    """A task of gymnax 1.x as gymnax 0.0.9 had it: one flag for both ends of an episode."""

    def __init__(self, environment: Any) -> None:
        self._environment = environment

    def __getattr__(self, name: str) -> Any:
        return getattr(self._environment, name)

    def __deepcopy__(self, memo: dict[int, Any]) -> "_BeforeOne":
        return self

    def step(self, key: Any, state: Any, action: Any, parameters: Any) -> tuple[Any, ...]:
        """Return observation, state, reward, end and information."""
        observation, state, reward, terminated, truncated, _ = self._environment.step(
            key, state, action, parameters
        )
        return observation, state, reward, terminated | truncated, {}


def _scored_on_gymnax(
    task: Task, choose: Callable[[Any, Any, Any, Any], Any], weights: Any, episodes: int
) -> Scores:
    """Score an agent on start states that are the same for both libraries."""
    import jax
    import jax.numpy as jnp

    from bgpbt import envs

    environment = envs.make(f"gymnax:{task.gymnax}")

    def mean_return(weights: Any, key: Any, is_sampled: Any) -> Any:
        start_key, action_key = jax.random.split(key)

        def step(carry: Any, t: Any) -> Any:
            state, alive_b, return_b = carry
            action_b = choose(weights, state.observation, jax.random.fold_in(action_key, t), is_sampled)
            state = jax.vmap(environment.step)(state, action_b.astype(jnp.int32))
            return_b += jnp.where(alive_b, state.reward, 0.0)
            return (state, alive_b & ~state.terminated, return_b), None

        state = jax.vmap(environment.reset)(jax.random.split(start_key, episodes))
        first = (state, jnp.ones(episodes, bool), jnp.zeros(episodes))
        (_, _, return_b), _ = jax.lax.scan(step, first, jnp.arange(task.episode_length))
        return return_b.mean()

    compiled, key = jax.jit(mean_return), jax.random.PRNGKey(EVALUATION_SEED)
    return Scores(
        sampled=float(compiled(weights, key, True)), deterministic=float(compiled(weights, key, False))
    )


def train_sb3(task: Task, seed: int, episodes: int) -> Scores:
    """Train the PPO of Stable-Baselines3 on Gymnasium's task."""
    import gymnasium
    import torch
    from stable_baselines3 import PPO
    from stable_baselines3.common.env_util import make_vec_env
    from stable_baselines3.common.evaluation import evaluate_policy
    from stable_baselines3.common.vec_env import VecNormalize

    torch.set_num_threads(1)

    def make() -> Any:
        if not task.gymnasium.startswith("MinAtar/"):
            return gymnasium.make(task.gymnasium)
        from minatar.gym import register_envs

        if task.gymnasium not in gymnasium.registry:
            register_envs()
        return gymnasium.make(
            task.gymnasium,
            max_episode_steps=task.episode_length,  # as in gymnax
            use_minimal_action_set=True,
            disable_env_checker=True,
        )

    training = VecNormalize(make_vec_env(make, n_envs=ENVIRONMENTS, seed=seed), norm_reward=False)
    shape = {"net_arch": {"pi": list(WIDTHS), "vf": list(WIDTHS)}, "activation_fn": torch.nn.SiLU}
    model = PPO(
        "MlpPolicy",
        training,
        learning_rate=LEARNING_RATE,
        n_steps=UNROLL,
        batch_size=ENVIRONMENTS * UNROLL // MINIBATCHES,
        n_epochs=EPOCHS,
        gamma=DISCOUNT,
        gae_lambda=GAE_LAMBDA,
        clip_range=CLIP,
        ent_coef=ENTROPY,
        vf_coef=0.25,  # of the squared error itself, where the others halve it
        max_grad_norm=float("inf"),
        policy_kwargs=shape,
        seed=seed,
        device="cpu",
    )
    model.learn(task.steps)
    assert model.num_timesteps == task.steps
    scoring = make_vec_env(make, n_envs=ENVIRONMENTS, seed=EVALUATION_SEED)
    scoring = VecNormalize(scoring, training=False, norm_reward=False)
    scoring.obs_rms = training.obs_rms
    sampled, deterministic = (
        float(evaluate_policy(model, scoring, episodes, deterministic=flag)[0]) for flag in (False, True)
    )
    return Scores(sampled=sampled, deterministic=deterministic)


LEARNERS: dict[str, Callable[[Task, int, int], Scores]] = {
    "bgpbt": train_ours,
    "bgpbt, rewards x 0.1": functools.partial(train_ours, reward_scaling=0.1),
    "rejax 0.1.3": train_rejax,
    "rejax 0.1.3, rewards normalised": functools.partial(train_rejax, normalises_rewards=True),
    "Stable-Baselines3": train_sb3,
}


def mean_and_interval(score_n: Any) -> tuple[float, float]:
    """Return the mean, and half the width of Student's 95% interval; NaN for one seed."""
    from scipy.stats import t

    count = len(score_n)
    if count < 2:
        return float(np.mean(score_n)), float("nan")
    return float(np.mean(score_n)), float(t.ppf(0.975, count - 1) * np.std(score_n, ddof=1) / count**0.5)
