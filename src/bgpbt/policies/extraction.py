"""From a run to the policy of its best member."""

from dataclasses import replace

from bgpbt import envs
from bgpbt.agents.networks.action_space import check_metadata, space_of
from bgpbt.agents.networks.architecture import Architectures
from bgpbt.agents.networks.member import Policy, restore
from bgpbt.analysis import BestMember, best_member
from bgpbt.encoding import decode
from bgpbt.errors import InputError
from bgpbt.policies.description import PolicyDescription
from bgpbt.policies.policy import TrainedPolicy, blank_weights
from bgpbt.runs import ExperimentSettings, settings_of
from bgpbt.storage import RunDirectory

__all__ = ["best_policy"]


def best_policy(run: RunDirectory) -> TrainedPolicy:
    """Return the policy of the member with the highest score of a run, finished or under way.

    Raises:
        InputError: the run has no policy: its members are no PPO agents, or none has a score yet.
        DamagedRunError: the checkpoint is missing or damaged.
    """
    settings = settings_of(run)
    with run.open_history(read_only=True) as history:
        best = best_member(history.trained())
    if best is None or best.outcome.checkpoint is None:
        raise InputError(f"{run.path}: no member has a score yet")
    arrays, metadata = run.checkpoints.load(best.outcome.checkpoint)
    if metadata.get("agent") != "ppo":
        raise InputError(
            f"{run.path}: the members of {settings.environment} are no PPO agents, so they have no policy"
        )
    architecture = decode(Architectures, metadata["architectures"]).policy
    environment = envs.make(settings.environment)
    check_metadata(metadata, environment, source=f"checkpoint {best.outcome.checkpoint}")
    description = PolicyDescription(
        environment=settings.environment,
        observation_size=environment.observation_size,
        action_size=environment.action_size,
        action_distribution=space_of(environment).name,
        architecture=architecture,
        episode_length=settings.episode_length,
        evaluation_episodes=settings.evaluation_episodes,
        score=best.outcome.score,
    )
    description = _with_origin(description, run, settings, best)
    acting = {_short(name): array for name, array in arrays.items()}
    weights: Policy = restore(
        blank_weights(description), acting, source=f"checkpoint {best.outcome.checkpoint}"
    )
    return TrainedPolicy(description=description, weights=weights)


def _with_origin(
    description: PolicyDescription, run: RunDirectory, settings: ExperimentSettings, best: BestMember
) -> PolicyDescription:
    return replace(
        description,
        score_standard_error=best.outcome.figures.get("score_standard_error"),
        steps=best.total_steps,
        strategy=settings.strategy,
        seed=settings.seed,
        round=best.order.round,
        member=best.order.member,
        checkpoint=best.outcome.checkpoint,
        configuration=best.configuration,
        versions=run.description.versions,
    )


def _short(name: str) -> str:
    """Return an array's name in a policy, where there is no value network: `policy.` is left out."""
    for part in ("parameters", "spectral"):
        if name.startswith(f"{part}.policy."):
            return name.replace(".policy.", ".", 1)
    return name
