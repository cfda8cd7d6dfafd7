"""A space is refused where PPO would not read an input, or could not take a value."""

from typing import Any

import pytest
from ConfigSpace import Categorical, ConfigurationSpace, Constant, Float, Integer, OrdinalHyperparameter
from ConfigSpace.hyperparameters import Hyperparameter

from bgpbt.agents import check_space
from bgpbt.errors import InputError
from bgpbt.space import Space, ppo_space, with_architectures


def space(*hyperparameters: Hyperparameter[Any, Any]) -> Space:
    described = ConfigurationSpace()
    described.add(Float("reward_scaling", (0.1, 10.0)), *hyperparameters)
    return Space.from_configspace(described)


def test_the_paper_s_spaces_are_read_whole() -> None:
    check_space(ppo_space())
    check_space(with_architectures(ppo_space()))


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("ent_coef", "entropy_cost"),  # Stable-Baselines3
        ("clip_range", "clip_epsilon"),
        ("n_epochs", "update_epochs"),
        ("n_steps", "unroll_length"),
        ("entropy_coeff", "entropy_cost"),  # RLlib
        ("num_sgd_iter", "update_epochs"),
        ("discounting", "discount"),  # Brax
        ("num_updates_per_batch", "update_epochs"),
        ("clipping_epsilon", "clip_epsilon"),
        ("clip_eps", "clip_epsilon"),  # ARLBench, PureJaxRL
        ("minibatch_size", "batch_size"),
        ("gamma", "discount"),
        ("lr", "learning_rate"),
        ("hp_config.lr", "learning_rate"),
        ("GAE-Lambda", "gae_lambda"),
        ("learning_rte", "learning_rate"),
        ("num_envs", "--num-envs"),
    ],
)
def test_an_unknown_name_is_answered_with_the_likely_one(name: str, meant: str) -> None:
    with pytest.raises(InputError) as caught:
        check_space(space(Float(name, (0.1, 0.9))), source="s.yaml")
    message = str(caught.value)
    assert message.startswith(
        f"s.yaml: PPO does not read {name} (did you mean {meant}?); it reads learning_rate,"
    )
    assert "policy_depth" in message


@pytest.mark.parametrize("name", ["typo_rate", "max_grad_norm", "vf_coef"])
def test_what_ppo_has_not_is_refused_without_a_guess(name: str) -> None:
    with pytest.raises(InputError, match=f"PPO does not read {name}; it reads learning_rate"):
        check_space(space(Float(name, (0.1, 0.9))))


def test_all_unknown_names_are_named() -> None:
    with pytest.raises(InputError, match=r"not read ent_coef \(did you mean entropy_cost\?\), typo_rate; it"):
        check_space(space(Float("ent_coef", (0.1, 0.9)), Float("typo_rate", (0.1, 0.9))))


@pytest.mark.parametrize(
    ("hyperparameter", "message"),
    [
        (Float("learning_rate", (-0.5, 0.1)), "learning_rate = -0.5 must be a number, 0 or more"),
        (Constant("learning_rate", -0.5), "learning_rate = -0.5 must be a number, 0 or more"),
        (Float("discount", (0.9, 1.5)), "discount = 1.5 must be a number from 0 to 1"),
        (OrdinalHyperparameter("gae_lambda", [0.9, 1.1]), "gae_lambda = 1.1 must be a number from 0 to 1"),
        (Categorical("batch_size", [128, 0]), "batch_size = 0 must be a whole number, 1 or more"),
        (Categorical("batch_size", [128, 2**40]), "batch_size = 1099511627776 must be a whole number"),
        (Constant("unroll_length", 2.5), "unroll_length = 2.5 must be a whole number, 1 or more"),
        (Integer("update_epochs", (0, 9)), "update_epochs = 0 must be a whole number, 1 or more"),
        (Float("update_epochs", (1.0, 9.0)), "update_epochs is a float; it must be an integer, ordinal"),
        (Categorical("clip_epsilon", ["small", "large"]), "clip_epsilon = 'small' is not a number"),
        (Categorical("entropy_cost", [True, False]), "entropy_cost = True is not a number"),
        (Constant("learning_rate", 1e39), "learning_rate = 1e[+]39 must be a number, 0 or more"),
        (Integer("policy_depth", (0, 4)), "policy_depth = 0 must be a whole number from 1 to 100"),
        (Integer("value_log2_width", (5, 256)), "value_log2_width = 17 must be a whole number from 0 to 16"),
        (Categorical("policy_spectral_norm", ["no", "yes"]), "policy_spectral_norm = 'no' must be true or"),
    ],
)
def test_a_value_that_ppo_cannot_take_is_refused(
    hyperparameter: Hyperparameter[Any, Any], message: str
) -> None:
    with pytest.raises(InputError, match=f"^space: {message}"):
        check_space(space(hyperparameter))
