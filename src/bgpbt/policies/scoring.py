"""Scores of a policy on any seeds, as the run that trained it would have scored it.

Actions are sampled, an episode counts until it terminates or is cut, and a seed's start states and action
noise do not depend on the policy, so two policies can be compared episode by episode.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import numpy as np
import numpy.typing as npt

from bgpbt import checks
from bgpbt.agents.networks.member import Policy
from bgpbt.agents.ppo.evaluation import EpisodeReturns, episode_returns
from bgpbt.agents.seeds import Stream, batch_seeds, seed_words, stream_key
from bgpbt.policies.policy import TrainedPolicy, environment_of
from bgpbt.xla import jit

__all__ = ["QUANTILES", "PolicyScore", "score_policy"]

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyScore:
    """What came of the episodes of one seed, or of several together."""

    return_n: npt.NDArray[np.float64]  # undiscounted return of each episode

    @property
    def mean(self) -> float:
        """Mean return."""
        return self._as_returns().mean

    @property
    def standard_error(self) -> float:
        """Standard error of the mean over episodes; 0 for a single episode."""
        return self._as_returns().standard_error

    @property
    def quantiles(self) -> dict[float, float]:
        """The returns' quantiles at `QUANTILES`."""
        return dict(zip(QUANTILES, map(float, np.quantile(self.return_n, QUANTILES)), strict=True))

    def _as_returns(self) -> EpisodeReturns:
        return EpisodeReturns(return_n=self.return_n, steps=0)


def score_policy(policy: TrainedPolicy, *, seeds: Sequence[int], episodes: int) -> list[PolicyScore]:
    """Score a policy on `episodes` episodes of each seed; equal calls give equal bytes on equal machines.

    Raises:
        InputError: a seed or the number of episodes is not allowed, or the environment is not installed.
    """
    checks.at_least("episodes", episodes, 1)
    are_seeds = len(seeds) > 0 and all(0 <= seed < 2**63 for seed in seeds)
    checks.require(are_seeds, "seeds", list(seeds), "one or more integers in [0, 2**63)")
    description = policy.description
    environment = environment_of(description)
    # One program for all batches: of what goes beyond whole ones, the last is cut.
    together = min(description.evaluation_episodes, episodes)

    @jit
    def returns_of(weights: Policy, seed: jax.Array) -> jax.Array:
        key = stream_key(seed, Stream.EVALUATE)
        length = description.episode_length
        return episode_returns(environment, weights, key, episodes=together, episode_length=length)[0]

    scores = []
    for seed in seeds:
        batches = batch_seeds(seed, -(-episodes // together))
        return_n = np.concatenate([returns_of(policy.weights, seed_words(batch)) for batch in batches])
        scores.append(PolicyScore(return_n=return_n[:episodes].astype(np.float64)))
    return scores
