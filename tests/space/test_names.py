"""Names of other libraries are read as what they mean, where that is read at all."""

import pytest

from bgpbt.space import sb3_ppo_space
from bgpbt.space.names import likely_name

OURS = ("learning_rate", "discount", "entropy_cost", "unroll_length", "clip_epsilon")
SB3 = ("learning_rate", "gamma", "ent_coef", "n_steps", "clip_range", "max_grad_norm")


@pytest.mark.parametrize(
    ("name", "ours", "sb3"),
    [
        ("discounting", "discount", "gamma"),
        ("discount", "discount", "gamma"),
        ("entropy_coeff", "entropy_cost", "ent_coef"),
        ("num_steps", "unroll_length", "n_steps"),
        ("hp.Clip-Eps", "clip_epsilon", "clip_range"),
        ("learning_rte", "learning_rate", "learning_rate"),
        ("discounted_factor", "discount", "gamma"),  # near a synonym
        ("grad_clip", None, "max_grad_norm"),
        ("colour", None, None),
    ],
)
def test_the_same_name_means_what_each_trainer_calls_it(name: str, ours: str | None, sb3: str | None) -> None:
    assert likely_name(name, OURS) == ours
    assert likely_name(name, SB3) == sb3


def test_the_defaults_of_the_sb3_space_are_those_of_stable_baselines3() -> None:
    # Stable-Baselines3 2.x, ppo.py; n_steps is for eight environments, ent_coef = 0 has no logarithm.
    assert sb3_ppo_space().default() == {
        **{"learning_rate": 3e-4, "n_steps": 2048 // 8, "batch_size": 64, "n_epochs": 10, "gamma": 0.99},
        **{"gae_lambda": 0.95, "clip_range": 0.2, "ent_coef": 1e-6, "vf_coef": 0.5, "max_grad_norm": 0.5},
    }
