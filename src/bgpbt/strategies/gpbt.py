"""GPBT's exploration: a loser keeps its own configuration and moves it towards that of the winner it copies.

Bai and Cheng (2024), arXiv 2404.08233, pairwise learning: with momentum, as in particle swarms,

    v' = w r1 v + c r2 (x_winner - x_loser),    x' = clip(x_loser + v'),

in the unit coordinates of the inputs that have an order. r1 and r2 are uniform in [0, 1], drawn for each
input. The velocity v belongs to the member of a slot and is kept as it is where x' is clipped. The weights
are the winner's, as in PBT.

The paper says nothing of categories. Between two of them there is no direction that could be kept, so their
velocity is always 0; a loser takes the winner's category when the step c r2 crosses the half of the way, with
c = 1 in half of all cases. An input that only one of the two has takes that one's value, and one that neither
has is drawn. As in the authors' experiments each input is drawn anew with `resample_probability`; then, as
wherever there is no step, it comes to rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bgpbt.errors import InputError
from bgpbt.records import Configuration, ProposalSource
from bgpbt.space import Floats, Space
from bgpbt.space.inputs import Categorical, Input
from bgpbt.strategies.pbt import MOST_TRIES
from bgpbt.strategies.rules import ClosedRound
from bgpbt.strategies.streams import stream
from bgpbt.strategies.truncation_rule import Clone, Explored

__all__ = ["PairwiseLearning", "Velocities", "step_towards"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Velocities:
    """What pairwise learning remembers: how the members of the coming round moved last."""

    by_slot: tuple[tuple[float, ...], ...] = ()  # in unit coordinates by input; empty: all are at rest


@dataclass(frozen=True, slots=True, kw_only=True)
class PairwiseLearning:
    """GPBT's exploration.

    Raises:
        InputError: a weight is negative or not finite, or the probability not in [0, 1].
    """

    space: Space
    inertia: float = 1.0  # w
    attraction: float = 1.0  # c
    resample_probability: float = 0.25  # of each input

    def __post_init__(self) -> None:
        for name in ("inertia", "attraction"):
            if not 0.0 <= getattr(self, name) < float("inf"):
                raise InputError(f"{name} = {getattr(self, name)} must be 0 or more, and finite")
        if not 0.0 <= self.resample_probability <= 1.0:
            raise InputError(f"resample_probability = {self.resample_probability} must be from 0 to 1")

    @property
    def memory_type(self) -> type[Velocities]:
        """The velocities."""
        return Velocities

    def begin(self) -> Velocities:
        """Return the memory of members at rest."""
        return Velocities()

    def explore(
        self, memory: Velocities, closed: ClosedRound, clones: Sequence[Clone]
    ) -> tuple[Velocities, tuple[Explored, ...]]:
        """Move the configuration of each loser towards its winner's."""
        if not any(member.is_usable for member in closed.kept):
            return Velocities(), ()  # all members will be new
        at_rest = (0.0,) * self.space.dimension
        # Where members have left in between, as trials of a user's may, slots no longer say whose is whose.
        is_known = len(memory.by_slot) == len(closed.members)
        before = dict(enumerate(memory.by_slot)) if is_known else {}
        after = [before.get(member.slot, at_rest) for member in closed.kept]
        explored: list[Explored] = []
        for clone in clones:
            loser = closed.kept[clone.slot].configuration
            random = stream(closed.seed, closed.round, f"pairwise {clone.slot}")
            configuration, v_d = self.moved(
                loser, clone.donor.configuration, np.array(after[clone.slot]), random
            )
            after[clone.slot] = tuple(v_d.tolist())
            explored.append(
                Explored(
                    configuration=configuration,
                    source=ProposalSource.PERTURBED,
                    note=f"its own configuration, moved towards member {clone.donor.slot}'s",
                )
            )
        return Velocities(by_slot=tuple(after)), tuple(explored)

    def moved(
        self, loser: Configuration, winner: Configuration, v_d: Floats, random: np.random.Generator
    ) -> tuple[Configuration, Floats]:
        """Return a legal configuration from the loser's towards the winner's, and its velocity (inputs,).

        Where forbidden clauses reject every try it is drawn from the space, at rest.
        """
        x_2d = self.space.encode([loser, winner])
        for _ in range(MOST_TRIES):
            steps = [
                self._coordinate(item, (x_2d[0, d], x_2d[1, d]), v_d[d], random)
                for d, item in enumerate(self.space.inputs)
            ]
            (candidate,) = self.space.decode(np.array([[x for x, _ in steps]]))
            if self.space.is_legal(candidate):
                return candidate, np.array([v for _, v in steps])
        return self.space.sample(1, random)[0], np.zeros(self.space.dimension)

    def _coordinate(
        self, item: Input, pair: tuple[float, float], velocity: float, random: np.random.Generator
    ) -> tuple[float, float]:
        """Return an input's coordinate and velocity after a step; the loser's comes first in the pair."""
        loser, winner = pair
        is_drawn = random.random() < self.resample_probability
        r1, r2 = random.random(2)
        if is_drawn or (np.isnan(loser) and np.isnan(winner)):
            return item.coordinate(item.draw(random)), 0.0
        if np.isnan(loser) or np.isnan(winner):
            return (winner if np.isnan(loser) else loser), 0.0
        if isinstance(item, Categorical):
            return (winner if self.attraction * r2 > 0.5 else loser), 0.0
        return step_towards(loser, winner, velocity, (self.inertia * r1, self.attraction * r2))


def step_towards(
    loser: float, winner: float, velocity: float, weights: tuple[float, float]
) -> tuple[float, float]:
    """Return the loser's coordinate and velocity after one step, for given w r1 and c r2; all in [0, 1]."""
    moved = weights[0] * velocity + weights[1] * (winner - loser)
    return min(max(loser + moved, 0.0), 1.0), moved
