"""BG-PBT's exploration within a generation: Bayesian optimisation of the rate of improvement, in a region.

Wan et al. (2022), section 3.1 and algorithm 2. All members of all rounds are data, members that go on
training are pending, and the trust region is centred on the configuration that comes with the copied weights.
It counts a success when the best score of a round belongs to a member whose configuration the model proposed
for that round. When it restarts, its data are dropped; the first loser gets the new region's centre, any
other a random point around it. Frozen inputs, such as the architecture, come with the copied weights.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from bgpbt.records import Configuration, ProposalSource, Value
from bgpbt.space import Space
from bgpbt.strategies.observations import observations_of, pending_points
from bgpbt.strategies.rules import ClosedRound, Member
from bgpbt.strategies.selection import best_first, is_number
from bgpbt.strategies.truncation_rule import Clone, Explored
from bgpbt.surrogate import (
    Observation,
    PendingPoint,
    Suggestion,
    SuggestRequest,
    SurrogateSettings,
    TrustRegion,
    newest_rounds,
    restart_centre,
    start_region,
    suggest,
    update_region,
)

__all__ = ["BayesianExplore", "BayesianMemory"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BayesianMemory:
    """What Bayesian exploration remembers."""

    region: TrustRegion
    observations: tuple[Observation, ...] = ()  # since the region began, oldest first
    best_points: tuple[Observation, ...] = ()  # of each region that has ended
    fit: tuple[float, ...] = ()  # the last fitted hyperparameters, where the next fit begins


@dataclass(frozen=True, slots=True, kw_only=True)
class BayesianExplore:
    """BG-PBT's exploration (mode `hpo`)."""

    space: Space
    surrogate: SurrogateSettings = field(default_factory=SurrogateSettings)
    frozen: tuple[str, ...] = ()  # names of inputs that are never varied

    @property
    def memory_type(self) -> type[BayesianMemory]:
        """The region and its data."""
        return BayesianMemory

    def begin(self) -> BayesianMemory:
        """Return the memory of a run without data."""
        return BayesianMemory(region=start_region(self.surrogate))

    def explore(
        self, memory: BayesianMemory, closed: ClosedRound, clones: Sequence[Clone]
    ) -> tuple[BayesianMemory, tuple[Explored, ...]]:
        """Learn from the round, then propose for one clone after the other."""
        restarts_before = memory.region.restarts
        memory = self._learn(memory, closed)
        has_restarted = memory.region.restarts > restarts_before
        pending = pending_points(closed, clones)
        explored: tuple[Explored, ...] = ()
        centre: Configuration | None = None  # of a region that begins in this round
        for clone in clones:
            if has_restarted and centre is None:
                seed = (closed.seed, closed.round, clone.slot)
                suggestion = restart_centre(
                    self.space, memory.best_points, self.surrogate, seed, frozen=self._frozen_values(clone)
                )
                centre = suggestion.configuration
            else:
                suggestion = self._suggest(memory, closed, clone, pending, centre)
                memory = replace(memory, fit=suggestion.fit or memory.fit)
            explored = (*explored, _explored(suggestion, memory.region, has_restarted))
            pending = (
                *pending,
                PendingPoint(configuration=suggestion.configuration, score_before=clone.donor.score),
            )
        return memory, explored

    def _learn(self, memory: BayesianMemory, closed: ClosedRound) -> BayesianMemory:
        observations = newest_rounds(
            (*memory.observations, *observations_of(closed)), self.surrogate.most_points
        )
        memory = replace(memory, observations=observations)
        if not any(self._is_tried(member) for member in closed.kept):
            return memory  # nothing of the model's was tried, so it has neither succeeded nor failed
        best = closed.kept[best_first([member.score for member in closed.kept])[0]]
        region = update_region(memory.region, best.is_usable and self._is_tried(best), self.surrogate)
        if region.restarts == memory.region.restarts:
            return replace(memory, region=region)
        return BayesianMemory(region=region, best_points=(*memory.best_points, *_best(observations)))

    def _is_tried(self, member: Member) -> bool:
        """Return whether a member's configuration counts as the model's, in this round."""
        is_counted = member.is_new or self.surrogate.success == "lineage"
        return is_counted and member.source is ProposalSource.MODEL

    def _suggest(
        self,
        memory: BayesianMemory,
        closed: ClosedRound,
        clone: Clone,
        pending: tuple[PendingPoint, ...],
        centre: Configuration | None,
    ) -> Suggestion:
        request = SuggestRequest(
            centre={**(centre or clone.donor.configuration), **self._frozen_values(clone)},
            score_before=clone.donor.score,
            time=float(closed.round + 1),
            pending=pending,
            frozen=self.frozen,
            warm_start=memory.fit,
        )
        seed = (closed.seed, closed.round, clone.slot)
        return suggest(self.space, memory.observations, request, memory.region, self.surrogate, seed)

    def _frozen_values(self, clone: Clone) -> dict[str, Value]:
        donor = clone.donor.configuration
        return {name: donor[name] for name in self.frozen if name in donor}


def _best(observations: Sequence[Observation]) -> tuple[Observation, ...]:
    """Return the observation of the highest rate, if any rate is a number."""
    rates = [observation.improvement_rate for observation in observations]
    ranking = [i for i in best_first(rates) if is_number(rates[i])]
    return tuple(observations[i] for i in ranking[:1])


def _explored(suggestion: Suggestion, region: TrustRegion, has_restarted: bool) -> Explored:
    note = f"restart {region.restarts}" if has_restarted else f"region {region.length:.3g}"
    if suggestion.reason is not None:
        note = f"{note}: {suggestion.reason}"
    else:
        note = f"{note}, model skill {suggestion.figures['skill']:.2f}"
    return Explored(
        configuration=suggestion.configuration,
        source=ProposalSource.MODEL if suggestion.reason is None else ProposalSource.FALLBACK,
        note=note,
        figures={
            "region.length": region.length,
            "region.restarts": float(region.restarts),
            **{f"model.{name}": value for name, value in suggestion.figures.items()},
        },
    )
