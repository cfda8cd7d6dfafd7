"""All that an agent has learnt goes into arrays and back, whatever its algorithm."""

import copy
from typing import Any

import numpy as np
import pytest

pytest.importorskip("stable_baselines3", reason="pip install 'bgpbt[sb3]'")

import stable_baselines3
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import VecNormalize

from bgpbt.errors import InputError
from bgpbt.trainers.sb3.state import arrays_of, restore

OFF_POLICY: dict[str, Any] = {
    "learning_starts": 10,
    "buffer_size": 100,
    "batch_size": 8,
    "policy_kwargs": {"net_arch": [8]},
}


def agent(algorithm: str, environment: str = "Pendulum-v1", *, seed: int = 0, **arguments: Any) -> Any:
    vector = VecNormalize(make_vec_env(environment, n_envs=2))
    own = copy.deepcopy(arguments)  # constructors write into policy_kwargs
    return getattr(stable_baselines3, algorithm)("MlpPolicy", vector, seed=seed, device="cpu", **own)


@pytest.mark.parametrize(
    ("algorithm", "arguments"),
    [
        ("PPO", {"n_steps": 20, "batch_size": 20, "n_epochs": 2}),
        ("A2C", {}),
        ("SAC", OFF_POLICY),
        ("SAC", {**OFF_POLICY, "ent_coef": 0.1}),
        ("TD3", OFF_POLICY),
        ("DQN", {**OFF_POLICY, "environment": "CartPole-v1", "target_update_interval": 7}),
    ],
)
def test_an_agent_is_the_same_after_it_was_stored(algorithm: str, arguments: dict[str, Any]) -> None:
    one, other = (agent(algorithm, seed=seed, **arguments) for seed in (0, 1))
    one.learn(60)
    arrays = arrays_of(one)
    restore(other, arrays)
    again = arrays_of(other)
    assert again.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(again[name], array, err_msg=name)
        assert again[name].dtype == array.dtype, name
    assert {"normaliser/observations/mean", "normaliser/returns/var"} <= arrays.keys()
    # An agent that goes on as it is, and one that was stored: equal draws, equal bytes.
    for model in (one, other):
        model._last_obs = None
        model.set_random_seed(5)
        model.learn(40, reset_num_timesteps=False)
    continued = arrays_of(other)
    for name, array in arrays_of(one).items():
        if name not in ("replay/dones", "replay/timeouts"):  # where it was stored, an episode was cut
            np.testing.assert_array_equal(continued[name], array, err_msg=name)


def test_the_newest_transitions_are_kept_oldest_first() -> None:
    one = agent(
        "DQN", "CartPole-v1", learning_starts=1000, buffer_size=10
    )  # five of each of two environments
    one.learn(14)  # seven of each
    buffer = one.replay_buffer
    newest = [buffer.rewards[(buffer.pos + index) % 5].tolist() for index in range(5)]
    kept = arrays_of(one)["replay/observations"]
    np.testing.assert_array_equal(kept[0], buffer.observations[buffer.pos])
    assert arrays_of(one)["replay/rewards"].tolist() == newest
    larger, smaller = (
        agent("DQN", "CartPole-v1", learning_starts=1000, buffer_size=size) for size in (40, 6)
    )
    restore(larger, arrays_of(one))
    assert (larger.replay_buffer.pos, larger.replay_buffer.full) == (5, False)
    np.testing.assert_array_equal(larger.replay_buffer.observations[:5], kept)
    restore(smaller, arrays_of(one))
    assert (smaller.replay_buffer.pos, smaller.replay_buffer.full) == (0, True)
    np.testing.assert_array_equal(smaller.replay_buffer.observations, kept[-3:])


def test_the_last_transition_is_one_that_a_time_limit_cut() -> None:
    one = agent("DQN", "CartPole-v1", learning_starts=1000, buffer_size=100, train_freq=1)
    one.learn(6)  # no pole falls in three steps
    arrays = arrays_of(one)
    assert arrays["replay/dones"].tolist() == [[0, 0], [0, 0], [1, 1]]
    assert arrays["replay/timeouts"].tolist() == [[0, 0], [0, 0], [1, 1]]
    assert not one.replay_buffer.dones.any()  # of the agent itself nothing changes


def test_a_fixed_entropy_coefficient_is_a_hyperparameter() -> None:
    learnt, low, high = (agent("SAC", **OFF_POLICY, ent_coef=value) for value in ("auto", 0.1, 0.2))
    low.learn(30)
    restore(high, arrays_of(low))
    assert float(high.ent_coef_tensor) == pytest.approx(0.2)
    restore(learnt, arrays_of(low))  # which has none to hand on
    assert float(learnt.log_ent_coef.detach()) == 0.0
    learnt.learn(30)
    restore(low, arrays_of(learnt))
    assert float(low.ent_coef_tensor) == pytest.approx(0.1)


def test_a_replay_buffer_that_cannot_be_kept_is_refused() -> None:
    arguments: dict[str, Any] = {
        "optimize_memory_usage": True,
        "replay_buffer_kwargs": {"handle_timeout_termination": False},
    }
    with pytest.raises(InputError, match="a ReplayBuffer cannot be kept in a checkpoint"):
        arrays_of(agent("DQN", "CartPole-v1", buffer_size=10, **arguments))
