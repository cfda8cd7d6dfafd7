"""Names that libraries give the same hyperparameter, and which of them a user probably means."""

import difflib
import re
from collections.abc import Collection

__all__ = ["FLAGS", "likely_name"]

FLAGS = ("--num-envs", "--num-minibatches", "--episode-length")
"""Flags of the command line that other libraries have as hyperparameters; all members share them here."""


_GROUPS = (
    "learning_rate lr alpha step_size lr_actor actor_lr optimizer_lr adam_lr",
    "discount gamma discounting discount_factor discount_rate",
    "entropy_cost ent_coef ent_coeff entropy_coef entropy_coeff entropy_coefficient entropy_weight beta",
    "unroll_length n_steps num_steps nsteps rollout_length rollout_steps rollout_fragment_length horizon",
    "batch_size minibatch_size mini_batch_size sgd_minibatch_size train_batch_size mb_size",
    "update_epochs n_epochs num_epochs nepochs noptepochs epochs ppo_epochs num_sgd_iter "
    "num_updates_per_batch k_epochs",
    "reward_scaling reward_scale rew_scale",
    "gae_lambda lambda lam gae_lam lambda_gae",
    "clip_epsilon clip_range cliprange clip_eps clip_param clip_coef clip_ratio clip clipping_epsilon "
    "eps_clip epsilon_clip ppo_clip",
    "vf_coef vf_coeff vf_loss_coeff value_coef value_coefficient value_loss_coef value_cost",
    "max_grad_norm grad_clip clip_grad grad_norm_clip clip_grad_norm max_gradient_norm",
    "buffer_size replay_size replay_buffer_size memory_size buffer_capacity",
    "learning_starts warmup_steps start_steps min_replay_size num_steps_sampled_before_learning_starts",
    "tau polyak target_smoothing_coefficient soft_update_coef",
    "train_freq update_every training_frequency",
    "gradient_steps grad_steps num_gradient_steps utd_ratio grad_updates_per_step",
    "target_update_interval target_network_frequency target_network_update_freq target_update_freq",
    "exploration_final_eps end_e eps_end final_epsilon epsilon_end",
    "exploration_initial_eps start_e eps_start initial_epsilon epsilon_start",
    "--num-envs num_envs n_envs nenvs num_env environments num_workers",
    "--num-minibatches num_minibatches n_minibatches nminibatches minibatches",
    "--episode-length episode_length max_episode_steps",
)
"""Names of one thing here and in Stable-Baselines3, RLlib, Brax, CleanRL, PureJaxRL and ARLBench."""

_GROUP_OF = {name: group.split() for group in _GROUPS for name in group.split()}


def likely_name(name: str, allowed: Collection[str]) -> str | None:
    """Return the allowed name that is probably meant by another; None: there is none.

    Args:
        name: what was given, maybe with a path before it, as in `hp_config.lr`.
        allowed: names that are read, and flags such as `--num-envs` that may be meant.
    """
    last = re.split(r"[./:]", name.lower())[-1].replace("-", "_")
    if last in allowed:
        return last
    if last in _GROUP_OF:
        return _meant(last, allowed)
    known = [*allowed, *(synonym for synonym in _GROUP_OF if _meant(synonym, allowed))]
    near = difflib.get_close_matches(last, known, n=1, cutoff=0.75)
    return None if not near else near[0] if near[0] in allowed else _meant(near[0], allowed)


def _meant(synonym: str, allowed: Collection[str]) -> str | None:
    return next((name for name in _GROUP_OF[synonym] if name in allowed), None)
