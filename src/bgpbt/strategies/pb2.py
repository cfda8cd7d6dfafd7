"""The exploration of PB2 and PB2-Mix: GP-UCB on the rate of improvement, with a time-varying model.

Parker-Holder et al. (2020), algorithm 1. PB2 was made for continuous inputs. Its model sees no categories,
which change as in PBT, drawn anew with some probability; `pb2_model` says what becomes of the other kinds.
PB2-Mix (Parker-Holder et al., 2021) draws each category from a bandit of its own (`exp3`), then maximises a
model that sees categories too, given the choices.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bgpbt.arrays import Floats
from bgpbt.records import Configuration, ProposalSource
from bgpbt.space import Space
from bgpbt.strategies.exp3 import exploration_rate, probabilities, updated_weights
from bgpbt.strategies.observations import observations_of, pending_points
from bgpbt.strategies.pb2_model import Task, propose
from bgpbt.strategies.rules import ClosedRound
from bgpbt.strategies.selection import best_first, is_number
from bgpbt.strategies.truncation_rule import Clone, Explored
from bgpbt.streams import stream
from bgpbt.surrogate import Observation, PendingPoint

__all__ = ["PB2Explore", "PB2Memory"]

MOST_POINTS = 100
"""Newest observations that are modelled: twelve rounds of eight members, as a fit costs the cube of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PB2Memory:
    """What PB2 and PB2-Mix remember."""

    observations: tuple[Observation, ...] = ()  # oldest first
    weights: tuple[tuple[float, ...], ...] = ()  # of each category's choices; none for PB2


@dataclass(frozen=True, slots=True, kw_only=True)
class PB2Explore:
    """PB2's exploration, or with `bandit_plays` that of PB2-Mix."""

    space: Space
    bandit_plays: int | None = None  # members times rounds of the whole run; None: no bandit
    resample_probability: float = 0.25  # of each category, without a bandit

    @property
    def memory_type(self) -> type[PB2Memory]:
        """Observations, and the bandits' weights."""
        return PB2Memory

    def begin(self) -> PB2Memory:
        """Return the memory of a run without data."""
        if self.bandit_plays is None:
            return PB2Memory()
        numbers = self.space.number_of_levels_d[self.space.is_categorical_d]
        return PB2Memory(weights=tuple((1.0 / int(n),) * int(n) for n in numbers))

    def explore(
        self, memory: PB2Memory, closed: ClosedRound, clones: Sequence[Clone]
    ) -> tuple[PB2Memory, tuple[Explored, ...]]:
        """Learn from the round, then propose for one clone after the other."""
        observed = observations_of(closed)
        memory = PB2Memory(
            observations=(*memory.observations, *observed)[-MOST_POINTS:],
            weights=self._learnt(memory.weights, observed),
        )
        pending = pending_points(closed, clones)
        results: tuple[Explored, ...] = ()
        for clone in clones:
            result = self._explored(memory, closed, clone, pending)
            results = (*results, result)
            point = PendingPoint(configuration=result.configuration, score_before=clone.donor.score)
            pending = (*pending, point)
        return memory, results

    def _explored(
        self, memory: PB2Memory, closed: ClosedRound, clone: Clone, pending: tuple[PendingPoint, ...]
    ) -> Explored:
        rng = stream(closed.seed, closed.round, f"pb2 {clone.slot}")
        task = Task(
            space=self.space,
            observations=memory.observations,
            pending=pending,
            given=self._with_categories(memory, clone.donor.configuration, rng),
            score_before=clone.donor.score,
            time=float(closed.round + 1),
            models_categories=bool(memory.weights),
        )
        configuration, complaint = propose(task, rng)
        if complaint is not None:
            return Explored(configuration=configuration, source=ProposalSource.FALLBACK, note=complaint)
        source = ProposalSource.BANDIT if self.space.is_categorical_d.all() else ProposalSource.MODEL
        return Explored(configuration=configuration, source=source)

    def _with_categories(
        self, memory: PB2Memory, configuration: Configuration, rng: np.random.Generator
    ) -> Configuration:
        """Return the configuration with categories drawn by their rule, unless a clause forbids that."""
        (x_d,) = self.space.encode([configuration])
        for place, column in enumerate(np.flatnonzero(self.space.is_categorical_d)):
            if memory.weights:
                x_d[column] = self._drawn(memory.weights[place], rng)
            elif rng.random() < self.resample_probability:
                item = self.space.inputs[int(column)]
                x_d[column] = item.coordinate(item.draw(rng))
        (candidate,) = self.space.decode(x_d[None])
        return candidate if self.space.is_legal(candidate) else configuration

    def _drawn(self, weights: tuple[float, ...], rng: np.random.Generator) -> int:
        return int(rng.choice(len(weights), p=probabilities(np.array(weights), self._exploration(weights))))

    def _exploration(self, weights: tuple[float, ...]) -> float:
        assert self.bandit_plays is not None
        return exploration_rate(len(weights), self.bandit_plays)

    def _learnt(
        self, weights: tuple[tuple[float, ...], ...], observed: Sequence[Observation]
    ) -> tuple[tuple[float, ...], ...]:
        """Return each bandit's weights after a round: a play for each member whose category is active."""
        x_nd = self.space.encode([observation.configuration for observation in observed])
        gain_n = _gains([observation.improvement_rate for observation in observed])
        columns = np.flatnonzero(self.space.is_categorical_d)
        return tuple(
            self._after(of_choices, x_nd[:, column], gain_n)
            for of_choices, column in zip(weights, columns, strict=False)  # PB2 has no weights
        )

    def _after(self, weights: tuple[float, ...], choice_n: Floats, gain_n: Floats) -> tuple[float, ...]:
        assert self.bandit_plays is not None
        plays = [(int(c), float(g)) for c, g in zip(choice_n, gain_n, strict=True) if not np.isnan(c)]
        if not plays:
            return weights
        played, gains = zip(*plays, strict=True)
        after_c = updated_weights(
            np.array(weights), played, gains, self._exploration(weights), 1.0 / self.bandit_plays
        )
        return tuple(float(weight) for weight in after_c)


def _gains(rates: Sequence[float]) -> Floats:
    """Return rates of one round as gains in [0, 1], by rank: 1 for the best, 0 for the worst and the failed.

    Rates differ by orders of magnitude between tasks and between early and late rounds; ranks do not.
    """
    ranking = best_first(rates)
    gain_n = np.zeros(len(rates))
    gain_n[ranking] = np.linspace(1.0, 0.0, len(rates))
    return np.where([is_number(rate) for rate in rates], gain_n, 0.0)
