"""MF-PBT: sub-populations that evolve at different frequencies, so that greed and patience get their turn.

Doulazmi, Lehuger, Toromanoff et al. (2025), arXiv 2506.03225. Sub-population i evolves every fᵢ rounds.
Then its members are ranked in quarters: the last copies the first and is perturbed; the third yields to
better members of other sub-populations. A migrant from a slower one brings weights and configuration; one
from a faster one only its weights, and takes the configuration of the best member it finds, so that greedy
configurations do not spread.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bgpbt.errors import InputError
from bgpbt.records import ProposalSource
from bgpbt.strategies.pbt import Perturb
from bgpbt.strategies.rules import Assignment, ClosedRound, Member
from bgpbt.strategies.selection import best_first
from bgpbt.strategies.simple import Nothing
from bgpbt.strategies.truncation_rule import fresh_members, going_on, train_apart
from bgpbt.streams import stream

__all__ = ["FREQUENCIES", "MultipleFrequencies", "default_frequencies"]

FREQUENCIES = (1, 10, 25, 50)
"""Rounds between two evolutions of each sub-population, as in the paper."""

LEAST_MEMBERS = 4
"""Of a sub-population, so that each quarter has one."""


def default_frequencies(population: int, rounds: int | None = None) -> tuple[int, ...]:
    """Return the first of the paper's frequencies, as many as the population has room and divides for.

    In a short run the slower ones are lowered, so that each sub-population evolves four times at least where
    that is possible: one that never evolved would be no part of the method.

    Raises:
        InputError: the population is too small for one sub-population.
    """
    if population < LEAST_MEMBERS:
        raise InputError(f"population = {population} must be at least {LEAST_MEMBERS} for mf-pbt")
    counts = range(1, min(len(FREQUENCIES), population // LEAST_MEMBERS) + 1)
    chosen = FREQUENCIES[: max(count for count in counts if population % count == 0)]
    if rounds is None:
        return chosen
    slowest = max(len(chosen), rounds // 4)
    scale = min(1.0, slowest / chosen[-1])
    return tuple(max(place + 1, round(frequency * scale)) for place, frequency in enumerate(chosen))


@dataclass(frozen=True, slots=True, kw_only=True)
class MultipleFrequencies:
    """A rule: MF-PBT, with PBT's perturbation.

    Raises:
        InputError: the frequencies do not fit the population, are not positive, or repeat.
    """

    perturb: Perturb
    population: int
    frequencies: tuple[int, ...]  # rounds, one for each sub-population

    def __post_init__(self) -> None:
        frequencies, count = self.frequencies, len(self.frequencies)
        if not frequencies or min(frequencies) < 1 or len(set(frequencies)) < count:
            raise InputError(f"frequencies = {frequencies} must be different whole numbers, 1 or more")
        if self.population % count or self.population // count < LEAST_MEMBERS:
            raise InputError(
                f"population = {self.population} must divide into {count} sub-populations "
                f"of at least {LEAST_MEMBERS} members, one for each of frequencies = {frequencies}"
            )

    @property
    def memory_type(self) -> type[Nothing]:
        """Nothing is remembered: who belongs where follows from the slot."""
        return Nothing

    def begin(self) -> Nothing:
        """Return the empty memory."""
        return Nothing()

    def assign(self, memory: Nothing, closed: ClosedRound) -> tuple[Nothing, tuple[Assignment, ...]]:
        """Let the sub-populations evolve whose turn it is; whoever cannot go on is replaced at once."""
        space = self.perturb.space
        if not closed.can_copy:
            return memory, train_apart(space, closed)
        if not any(member.is_usable for member in closed.kept):
            return memory, fresh_members(space, closed, range(len(closed.kept)))
        changes: dict[int, Assignment] = {}
        for group in range(self._groups(closed)):
            changes |= self._replaced(closed, group)
            if (closed.round + 1) % self.frequencies[group] == 0:
                changes |= self._migrated(closed, group)
        return memory, tuple(changes.get(slot) or going_on(member) for slot, member in enumerate(closed.kept))

    def _replaced(self, closed: ClosedRound, group: int) -> dict[int, Assignment]:
        """Replace the last quarter, if it is their turn, and whoever cannot go on, by perturbed copies."""
        ranking = self._ranking(closed, group)
        quarter = _quarter(ranking)
        is_due = (closed.round + 1) % self.frequencies[group] == 0
        losers = [
            slot
            for place, slot in enumerate(ranking)
            if not closed.kept[slot].is_usable or (is_due and place >= len(ranking) - quarter)
        ]
        donors = [slot for slot in ranking[:quarter] if closed.kept[slot].is_usable]
        donors = (
            donors or _ranked(closed, range(len(closed.kept)))[:1]
        )  # a sub-population that is lost as a whole
        losers = [slot for slot in losers if slot not in donors]
        return {
            slot: self._copy(closed, slot, closed.kept[donors[place % len(donors)]])
            for place, slot in enumerate(losers)
        }

    def _migrated(self, closed: ClosedRound, group: int) -> dict[int, Assignment]:
        """Replace members of the third quarter by better ones from outside, the best first."""
        ranking = self._ranking(closed, group)
        quarter = _quarter(ranking)
        outside = [slot for slot in range(len(closed.kept)) if self._group(closed, slot) != group]
        migrants = [slot for slot in _ranked(closed, outside) if closed.kept[slot].is_usable]
        staying = [slot for slot in ranking[2 * quarter : 3 * quarter] if closed.kept[slot].is_usable]
        return {
            slot: self._settled(closed, ranking[0], migrant)
            for slot, migrant in zip(staying, migrants, strict=False)
            if closed.kept[migrant].score > closed.kept[slot].score
        }

    def _settled(self, closed: ClosedRound, best: int, migrant: int) -> Assignment:
        home = self.frequencies[self._group(closed, best)]
        origin = self.frequencies[self._group(closed, migrant)]
        taken_from = closed.kept[best if origin < home else migrant]
        return Assignment(
            parent=closed.kept[migrant],
            configuration=taken_from.configuration,
            source=ProposalSource.INHERITED,
            note=f"migrant; configuration of member {taken_from.slot}",
        )

    def _copy(self, closed: ClosedRound, slot: int, donor: Member) -> Assignment:
        rng = stream(closed.seed, closed.round, f"perturb {slot}")
        return Assignment(
            parent=donor,
            configuration=self.perturb.perturb(donor.configuration, rng),
            source=ProposalSource.PERTURBED,
        )

    def _groups(self, closed: ClosedRound) -> int:
        """Return how many sub-populations the members that are left make, the fastest first."""
        return min(len(self.frequencies), max(1, len(closed.kept) // LEAST_MEMBERS))

    def _group(self, closed: ClosedRound, slot: int) -> int:
        return slot * self._groups(closed) // len(closed.kept)

    def _ranking(self, closed: ClosedRound, group: int) -> list[int]:
        slots = range(len(closed.kept))
        return _ranked(closed, [slot for slot in slots if self._group(closed, slot) == group])


def _quarter(ranking: Sequence[int]) -> int:
    """Return how many members a quarter is: one at least, if there are two."""
    return max(len(ranking) // 4, min(1, len(ranking) // 2))


def _ranked(closed: ClosedRound, slots: Sequence[int]) -> list[int]:
    """Return slots of kept members, best first, those that cannot go on last."""
    members = [closed.kept[slot] for slot in slots]
    scores = [member.score if member.is_usable else float("nan") for member in members]
    return [slots[place] for place in best_first(scores)]
