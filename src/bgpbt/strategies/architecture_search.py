"""Which architectures a new generation tries: Wan et al. (2022), section 3.2.

Half come from Bayesian optimisation over all architectures that were ever trained, some are the best of them,
the rest are random.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bgpbt.records import Configuration, ProposalSource
from bgpbt.space import Space
from bgpbt.strategies.selection import is_number
from bgpbt.streams import stream
from bgpbt.surrogate import Observation, PendingPoint, SuggestRequest, SurrogateSettings, suggest

__all__ = ["ArchitectureProposal", "Evidence", "evidence_of", "merits", "propose_architectures"]

BEST_SHARE = 0.25  # of the proposals are the best architectures so far
DRAWS = 200  # random architectures that are tried to find a new one
PRIOR_WEIGHT = 1.0  # of one observation of no merit for every architecture


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """How one architecture did in one round, beside the others that trained for as long."""

    architecture: Configuration
    round: int
    standing: float  # mean score of its members, in standard deviations from the mean of the round


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchitectureProposal:
    """An architecture to try, and how it came about."""

    architecture: Configuration
    source: ProposalSource
    note: str = ""  # for people


def evidence_of(
    round_index: int, architectures: Sequence[Configuration], scores: Sequence[float]
) -> tuple[Evidence, ...]:
    """Return what one round says of the architectures in it; a score that is not a number is its worst."""
    numbers = [score for score in scores if is_number(score)]
    if not numbers:
        return ()
    score_m = np.array([score if is_number(score) else min(numbers) for score in scores])
    spread = float(score_m.std())
    standing_m = (score_m - score_m.mean()) / spread if spread > 0 else np.zeros(score_m.size)
    by_key: dict[str, list[float]] = {}
    for architecture, standing in zip(architectures, standing_m, strict=True):
        by_key.setdefault(_key(architecture), []).append(float(standing))
    return tuple(
        Evidence(architecture=json.loads(key), round=round_index, standing=float(np.mean(standings)))
        for key, standings in by_key.items()
    )


def merits(evidence: Sequence[Evidence]) -> list[tuple[Configuration, float]]:
    """Return the merit of every architecture, best first, comparable over rounds and generations.

    Scores of different rounds cannot be compared: members have trained for longer, and the worst have left.
    So the standing of an architecture in a round is modelled as its merit plus the level of the round, by
    least squares; architectures that stay on tie the rounds together.
    """
    keys = list(dict.fromkeys(_key(item.architecture) for item in evidence))
    rounds = list(dict.fromkeys(item.round for item in evidence))
    rows = np.arange(len(evidence))
    design_nu = np.zeros((len(evidence) + len(keys), len(keys) + len(rounds)))
    design_nu[rows, [keys.index(_key(item.architecture)) for item in evidence]] = 1.0
    design_nu[rows, [len(keys) + rounds.index(item.round) for item in evidence]] = 1.0
    prior = np.arange(len(keys))
    design_nu[len(evidence) + prior, prior] = np.sqrt(PRIOR_WEIGHT)
    standing_n = np.array([*(item.standing for item in evidence), *np.zeros(len(keys))])
    solution_u, *_ = np.linalg.lstsq(design_nu, standing_n, rcond=None)
    order = np.argsort(-solution_u[: len(keys)], kind="stable")
    return [(json.loads(keys[i]), float(solution_u[i])) for i in order]


def propose_architectures(
    space: Space,
    evidence: Sequence[Evidence],
    count: int,
    settings: SurrogateSettings,
    seed: tuple[int, int],
    *,
    is_random: bool = False,
) -> tuple[ArchitectureProposal, ...]:
    """Return the architectures that a new generation tries, all different while the space has more.

    Args:
        space: of the architectures alone.
        evidence: of all rounds so far.
        count: how many; half of them, rounded up, are the model's.
        settings: of the surrogate.
        seed: of the run, and the round.
        is_random: draw all, the control that the released code in effect was.
    """
    ranked = merits(evidence)
    chosen: list[ArchitectureProposal] = []
    if ranked and not is_random:
        for index in range(count - count // 2):
            chosen.append(_from_model(space, ranked, chosen, settings, (*seed, index)))
        for architecture, merit in ranked[: int(BEST_SHARE * count)]:
            if not _is_among(architecture, chosen):
                note = f"merit {merit:.2f}"
                chosen.append(
                    ArchitectureProposal(
                        architecture=architecture, source=ProposalSource.INHERITED, note=note
                    )
                )
    drawn = iter(space.sample(DRAWS, stream(*seed, count)))
    while len(chosen) < count:
        new = next((draw for draw in drawn if not _is_among(draw, chosen)), None)
        architecture = space.sample(1, stream(*seed, len(chosen)))[0] if new is None else new
        chosen.append(ArchitectureProposal(architecture=architecture, source=ProposalSource.RANDOM))
    return tuple(chosen)


def _from_model(
    space: Space,
    ranked: Sequence[tuple[Configuration, float]],
    chosen: Sequence[ArchitectureProposal],
    settings: SurrogateSettings,
    seed: tuple[int, int, int],
) -> ArchitectureProposal:
    observations = [
        Observation(configuration=architecture, score_before=0.0, time=0.0, improvement_rate=merit)
        for architecture, merit in ranked
    ]
    request = SuggestRequest(
        centre=ranked[0][0],
        score_before=0.0,
        time=0.0,
        pending=tuple(PendingPoint(configuration=p.architecture, score_before=0.0) for p in chosen),
    )
    suggestion = suggest(space, observations, request, None, settings, seed)
    if suggestion.reason is None:
        return ArchitectureProposal(
            architecture=suggestion.configuration, source=ProposalSource.MODEL, note="architecture"
        )
    return ArchitectureProposal(
        architecture=suggestion.configuration, source=ProposalSource.FALLBACK, note=suggestion.reason
    )


def _is_among(architecture: Configuration, chosen: Sequence[ArchitectureProposal]) -> bool:
    return any(_key(proposal.architecture) == _key(architecture) for proposal in chosen)


def _key(architecture: Configuration) -> str:
    return json.dumps(dict(architecture), sort_keys=True)
