"""Whether PPO reads every input of a space, and can take every value that the space can propose."""

import difflib
import re
from collections.abc import Mapping

from bgpbt.agents.ppo.hyperparameters import RULES, Rule
from bgpbt.errors import InputError
from bgpbt.records import Value
from bgpbt.space import ARCHITECTURE_INPUTS, Space
from bgpbt.space.inputs import Categorical, Continuous, Input, Ordered

__all__ = ["ALLOWED_INPUTS", "check_space", "likely_input"]

ALLOWED_INPUTS = (*RULES, *ARCHITECTURE_INPUTS)
"""All that PPO reads of a configuration."""

_SIZES: Mapping[str, Rule] = {
    "depth": Rule(low=1, high=100, is_whole=True),
    "log2_width": Rule(low=0, high=16, is_whole=True),
}
"""What an architecture input can be, by the end of its name."""

_SYNONYMS = {
    "learning_rate": "lr alpha step_size lr_actor actor_lr optimizer_lr adam_lr",
    "discount": "gamma discounting discount_factor discount_rate",
    "entropy_cost": "ent_coef ent_coeff entropy_coef entropy_coeff entropy_coefficient entropy_weight beta",
    "unroll_length": "n_steps num_steps nsteps rollout_length rollout_steps rollout_fragment_length horizon",
    "batch_size": "minibatch_size mini_batch_size sgd_minibatch_size train_batch_size mb_size",
    "update_epochs": "n_epochs num_epochs nepochs noptepochs epochs ppo_epochs num_sgd_iter "
    "num_updates_per_batch k_epochs",
    "reward_scaling": "reward_scale rew_scale",
    "gae_lambda": "lambda lam gae_lam lambda_gae",
    "clip_epsilon": "clip_range cliprange clip_eps clip_param clip_coef clip_ratio clip clipping_epsilon "
    "eps_clip epsilon_clip ppo_clip",
    "--num-envs": "num_envs n_envs nenvs num_env environments num_workers",
    "--num-minibatches": "num_minibatches n_minibatches nminibatches minibatches",
    "--episode-length": "episode_length max_episode_steps",
}
"""Names of Stable-Baselines3, RLlib, Brax, CleanRL, PureJaxRL and ARLBench, by the input or flag meant."""

_MEANT = {synonym: name for name, synonyms in _SYNONYMS.items() for synonym in synonyms.split()}


def check_space(space: Space, *, source: str = "space") -> None:
    """Check that PPO reads every input, and can take every value.

    Raises:
        InputError: it does not; the text begins with `source`, and has the name that was probably meant.
    """
    unknown = [name for name in space.configuration_space if name not in ALLOWED_INPUTS]
    if unknown:
        shown = (
            f"{name} (did you mean {near}?)" if (near := likely_input(name)) else name for name in unknown
        )
        raise InputError(
            f"{source}: PPO does not read {', '.join(shown)}; it reads {', '.join(ALLOWED_INPUTS)}"
        )
    for name, value in space.constants.items():
        _check_value(name, value, source)
    for item in space.inputs:
        for value in _values(item, source):
            _check_value(item.name, value, source)


def likely_input(name: str) -> str | None:
    """Return the input or the flag that a name of another library probably means; None: there is none."""
    last = re.split(r"[./:]", name.lower())[-1].replace("-", "_")
    if last in ALLOWED_INPUTS or last in _MEANT:
        return _MEANT.get(last, last)
    near = difflib.get_close_matches(last, [*ALLOWED_INPUTS, *_MEANT], n=1, cutoff=0.75)
    return _MEANT.get(near[0], near[0]) if near else None


def _values(item: Input, source: str) -> tuple[Value, ...]:
    """Return values of an input such that PPO can take all if it can take these."""
    match item:
        case Ordered():
            return item.levels
        case Categorical():
            return item.choices
        case Continuous(is_integer=True):
            return (int(item.low), int(item.high))
    rule = _rule(item.name)
    if rule is None or rule.is_whole:
        raise InputError(
            f"{source}: {item.name} is a float; it must be an integer, ordinal or categorical input"
        )
    return (item.low, item.high)


def _check_value(name: str, value: Value, source: str) -> None:
    rule = _rule(name)
    if rule is None:  # whether to normalise
        complaint = None if value in (False, True) else "must be true or false"
    else:
        complaint = rule.complaint(value)
    if complaint is not None:
        raise InputError(f"{source}: {name} = {value!r} {complaint}")


def _rule(name: str) -> Rule | None:
    """Return the rule of a number; None: the input is a truth value."""
    return RULES.get(name) or _SIZES.get(name.split("_", 1)[1])
