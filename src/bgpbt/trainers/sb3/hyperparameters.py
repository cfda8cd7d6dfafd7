"""The hyperparameters of Stable-Baselines3's algorithms, by its names, and what each can be."""

import inspect
from collections.abc import Mapping
from typing import Any

import stable_baselines3
from stable_baselines3.common.base_class import BaseAlgorithm

from bgpbt.errors import InputError, shown
from bgpbt.records import Configuration, Value
from bgpbt.space.names import likely_name
from bgpbt.space.rules import TRUTH, Rule, Truth

__all__ = ["ALGORITHMS", "OWNED", "algorithm_of", "check_arguments", "checked", "default_of", "rules_of"]

ALGORITHMS = ("PPO", "A2C", "SAC", "TD3", "DQN")

OWNED = frozenset({"policy", "env", "seed", "device", "verbose", "tensorboard_log", "_init_setup_model"})
"""Arguments of a constructor that the trainer gives itself."""

_SHARE = Rule(high=1.0)
_COUNT = Rule(low=1, is_whole=True)
_ANY_NUMBER = Rule(low=-float(Rule().high))

_RULES: Mapping[str, Rule | Truth] = {
    "learning_rate": Rule(),
    "n_steps": _COUNT,
    "batch_size": Rule(low=2, is_whole=True),
    "n_epochs": _COUNT,
    "gamma": _SHARE,
    "gae_lambda": _SHARE,
    "clip_range": Rule(),
    "clip_range_vf": Rule(),
    "normalize_advantage": TRUTH,
    "ent_coef": Rule(),
    "vf_coef": Rule(),
    "max_grad_norm": Rule(),
    "target_kl": Rule(),
    "rms_prop_eps": Rule(),
    "buffer_size": _COUNT,
    "learning_starts": Rule(is_whole=True),
    "tau": _SHARE,
    "train_freq": _COUNT,
    "gradient_steps": Rule(low=-1, is_whole=True),
    "target_update_interval": _COUNT,
    "target_entropy": _ANY_NUMBER,
    "exploration_fraction": _SHARE,
    "exploration_initial_eps": _SHARE,
    "exploration_final_eps": _SHARE,
    "policy_delay": _COUNT,
    "target_policy_noise": Rule(),
    "target_noise_clip": Rule(),
}
"""What can change while an agent trains; nothing that decides which arrays an agent has."""

_TEXTS: Mapping[tuple[str, str], tuple[str, ...]] = {("SAC", "ent_coef"): ("auto",)}


def algorithm_of(name: str) -> type[BaseAlgorithm]:
    """Return an algorithm's class.

    Raises:
        InputError: there is none of this name.
    """
    if name not in ALGORITHMS:
        raise InputError(f"algorithm = {shown(name)} must be one of {', '.join(ALGORITHMS)}")
    algorithm: type[BaseAlgorithm] = getattr(stable_baselines3, name)
    return algorithm


def default_of(algorithm: str, argument: str) -> Any:
    """Return the default of an argument of an algorithm's constructor."""
    return inspect.signature(algorithm_of(algorithm).__init__).parameters[argument].default


def rules_of(algorithm: str) -> dict[str, Rule | Truth]:
    """Return the hyperparameters that can be searched, and what each can be."""
    rules: dict[str, Rule | Truth] = {}
    for name in _parameters(algorithm):
        if name in _RULES:
            texts = _TEXTS.get((algorithm, name))
            rules[name] = _RULES[name] if texts is None else Rule(texts=texts)
    return rules


def checked(algorithm: str, configuration: Configuration) -> dict[str, Value]:
    """Return a configuration as the constructor takes it.

    Raises:
        InputError: the algorithm does not take a name, or not a value of it.
    """
    rules = rules_of(algorithm)
    values = {}
    for name, value in configuration.items():
        if name not in rules:
            raise InputError(f"{algorithm} takes no {name}{_advice(name, rules)}")
        rule = rules[name]
        complaint = rule.complaint(value)
        if complaint is not None:
            raise InputError(f"{name} = {value!r} {complaint}")
        is_count = isinstance(value, float) and rule.is_whole
        values[name] = bool(value) if isinstance(rule, Truth) else int(value) if is_count else value
    return values


def check_arguments(algorithm: str, arguments: Mapping[str, Any]) -> None:
    """Check the arguments of the constructor that are the same for all members.

    Raises:
        InputError: the algorithm has no such argument, or the trainer gives it itself.
    """
    allowed = {name: None for name in _parameters(algorithm) if name not in OWNED}
    for name in arguments:
        if name not in allowed:
            raise InputError(
                f"arguments: {algorithm} takes no {name}{_advice(name, allowed)}"
                if name not in OWNED
                else f"arguments: {name} is given by the trainer itself; leave it out"
            )
    unit = arguments.get("train_freq")
    if isinstance(unit, tuple) and unit[-1] != "step":
        raise InputError(f"arguments: train_freq = {shown(unit)} must count steps, as orders do")


def _parameters(algorithm: str) -> tuple[str, ...]:
    signature = inspect.signature(algorithm_of(algorithm).__init__)
    return tuple(name for name in signature.parameters if name != "self")


def _advice(name: str, allowed: Mapping[str, object]) -> str:
    near = likely_name(name, allowed)
    return f" (did you mean {near}?)" if near else f"; it takes {', '.join(allowed)}"
