"""Generations: the population trains, then new architectures are distilled from its best, and so on.

Wan et al. (2022), section 3.2 and algorithm 3. Within a generation another rule decides; it never sees the
students. A new generation begins when this one has stopped to improve, or has trained long enough: students
of proposed architectures learn from the best members, successive halving (Jamieson and Talwalkar, 2016)
leaves as many as the population has members, and the other rule starts anew with them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar, cast

from bgpbt.records import Checkpoint, Configuration
from bgpbt.space import Space
from bgpbt.space.network_shapes import NETWORKS, growth_applies, shape_of
from bgpbt.strategies.architecture_search import (
    ArchitectureProposal,
    Evidence,
    evidence_of,
    propose_architectures,
)
from bgpbt.strategies.generation_settings import GenerationSettings, Rung, distillation_steps, rungs
from bgpbt.strategies.rules import Assignment, ClosedRound, Lesson, Member, Rule
from bgpbt.strategies.selection import best_first
from bgpbt.strategies.settings import PopulationSettings
from bgpbt.strategies.truncation_rule import fresh_members, going_on
from bgpbt.streams import stream
from bgpbt.surrogate import SurrogateSettings

__all__ = ["Generational", "GenerationalMemory", "contains"]

Memory = TypeVar("Memory")

DRAWS = 32
"""Random hyperparameters that are tried for a student where a clause forbids its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """A distillation under way."""

    begun_at: int  # target of the round before it
    rung: int
    teachers: tuple[Checkpoint, ...]  # by slot
    grown: tuple[bool, ...]  # by slot: whether the student began as its enlarged teacher
    size: int = 0  # members of the population that it leaves; 0: as many as the settings say


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationalMemory(Generic[Memory]):
    """What is remembered from round to round."""

    inner: Memory
    generation: int = 0
    began_at: int = 0  # target that this generation's population began with
    best: Member | None = None  # of this generation
    stagnant: int = 0  # rounds in a row without a new best of this generation
    evidence: tuple[Evidence, ...] = ()  # of architectures, in all generations
    course: Course | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Generational(Generic[Memory]):
    """Wraps the rule of a generation (`bgpbt.strategies.rules.Rule`) into one over generations."""

    space: Space  # of everything
    hyperparameters: Space  # without the architecture inputs
    architectures: Space  # of the architecture inputs alone
    population: PopulationSettings
    settings: GenerationSettings
    inner: Rule[Memory]
    surrogate: SurrogateSettings

    def __post_init__(self) -> None:
        self._rungs()  # refuses a distillation that is too short

    @property
    def memory_type(self) -> type[GenerationalMemory[Memory]]:
        """The generation, and the memory of the other rule."""
        inner_type = self.inner.memory_type
        return cast(
            type[GenerationalMemory[Memory]],
            GenerationalMemory[inner_type],  # type: ignore[valid-type]
        )

    def begin(self) -> GenerationalMemory[Memory]:
        """Return the memory of the first generation."""
        return GenerationalMemory(inner=self.inner.begin())

    def assign(
        self, memory: GenerationalMemory[Memory], closed: ClosedRound
    ) -> tuple[GenerationalMemory[Memory], tuple[Assignment, ...]]:
        """Go on with a distillation or begin one, or let the other rule decide."""
        memory = self._learn(memory, closed)
        if memory.course is not None:
            return self._next_rung(memory, memory.course, closed)
        if self._is_due(memory, closed):
            return self._begin_generation(memory, closed)
        inner, assignments = self.inner.assign(memory.inner, replace(closed, best=memory.best))
        return replace(memory, inner=inner), _of_generation(memory.generation, assignments)

    def _rungs(self) -> tuple[Rung, ...]:
        return rungs(self.population.initial, self.population.population, self.settings.t_distillation)

    def _learn(self, memory: GenerationalMemory[Memory], closed: ClosedRound) -> GenerationalMemory[Memory]:
        tried = [self._architecture(member.configuration) for member in closed.members]
        scores = [member.score for member in closed.members]
        memory = replace(memory, evidence=(*memory.evidence, *evidence_of(closed.round, tried, scores)))
        if memory.course is not None:
            return memory
        best = _best(closed.kept)
        if best is not None and (memory.best is None or best.score > memory.best.score):
            return replace(memory, best=best, stagnant=0)
        return replace(memory, stagnant=memory.stagnant + 1)

    def _is_due(self, memory: GenerationalMemory[Memory], closed: ClosedRound) -> bool:
        is_over = closed.target - memory.began_at >= self.settings.distill_every
        return (
            memory.generation < self.settings.max_distillation
            and (is_over or memory.stagnant >= self.settings.patience)
            and closed.can_copy
            and closed.target + self.settings.t_distillation < self.population.longest
            and (
                not self.population.is_race
                or distillation_steps(self.population, self.settings) < (closed.left or 0)
            )
            and any(member.is_usable for member in closed.kept)
        )

    def _begin_generation(
        self, memory: GenerationalMemory[Memory], closed: ClosedRound
    ) -> tuple[GenerationalMemory[Memory], tuple[Assignment, ...]]:
        count = self.population.initial
        proposals = propose_architectures(
            self.architectures,
            memory.evidence,
            count,
            self.surrogate,
            (closed.seed, closed.round),
            is_random=self.settings.architectures == "random",
        )
        teachers = self._draw_teachers(closed, count)
        students = [
            (self._joined(proposal, hyperparameters, closed, slot), proposal, origin)
            for slot, (proposal, (hyperparameters, origin)) in enumerate(
                zip(proposals, self._draw_hyperparameters(closed, count), strict=True)
            )
        ]
        course = Course(
            begun_at=closed.target,
            rung=0,
            size=len(closed.kept) if self.population.is_race else 0,
            teachers=tuple(_checkpoint(teacher) for teacher in teachers),
            grown=tuple(
                self.settings.inherit == "grow" and contains(configuration, teacher.configuration)
                for (configuration, _, _), teacher in zip(students, teachers, strict=True)
            ),
        )
        assignments = tuple(
            Assignment(
                parent=None,
                configuration=configuration,
                source=proposal.source,
                note=_note(proposal, origin, teacher, is_grown=course.grown[slot]),
                generation=memory.generation + 1,
                lesson=self._lesson(course, slot),
            )
            for slot, ((configuration, proposal, origin), teacher) in enumerate(
                zip(students, teachers, strict=True)
            )
        )
        return replace(memory, course=course), assignments

    def _next_rung(
        self, memory: GenerationalMemory[Memory], course: Course, closed: ClosedRound
    ) -> tuple[GenerationalMemory[Memory], tuple[Assignment, ...]]:
        plan, index = self._rungs(), course.rung + 1
        ranking = best_first(
            [member.score if member.is_usable else float("nan") for member in closed.members]
        )
        usable = [closed.members[slot] for slot in ranking if closed.members[slot].is_usable]
        if index == len(plan) or not usable:
            return self._populate(memory, usable, closed, course.size)
        survivors = sorted(usable[: plan[index].students], key=lambda member: member.slot)
        course = replace(
            course,
            rung=index,
            teachers=tuple(course.teachers[member.slot] for member in survivors),
            grown=tuple(course.grown[member.slot] for member in survivors),
        )
        assignments = tuple(
            replace(going_on(member), generation=memory.generation + 1, lesson=self._lesson(course, slot))
            for slot, member in enumerate(survivors)
        )
        return replace(memory, course=course), assignments

    def _populate(
        self, memory: GenerationalMemory[Memory], usable: Sequence[Member], closed: ClosedRound, size: int
    ) -> tuple[GenerationalMemory[Memory], tuple[Assignment, ...]]:
        """Make the best students the new population, some of them twice if too few are left.

        If none is left, the best member of all rounds takes every slot, since nothing learnt may be lost.
        """
        size = size or self.population.population
        best = [*usable[:size]] or ([] if closed.best is None else [closed.best])
        memory = GenerationalMemory(
            inner=self.inner.begin(),
            generation=memory.generation + 1,
            began_at=closed.target,
            best=best[0] if best else None,
            evidence=memory.evidence,
        )
        if not best:
            return memory, _of_generation(memory.generation, fresh_members(self.space, closed, range(size)))
        members = sorted(best, key=lambda member: member.slot)
        chosen = [*members, *(best[i % len(best)] for i in range(size - len(members)))]
        return memory, _of_generation(memory.generation, tuple(going_on(member) for member in chosen))

    def _lesson(self, course: Course, slot: int) -> Lesson:
        return Lesson(
            teacher=course.teachers[slot],
            rung=course.rung,
            begun_at=course.begun_at,
            until=self._rungs()[course.rung].until,
            total=self.settings.t_distillation,
            is_grown=course.grown[slot],
        )

    def _draw_teachers(self, closed: ClosedRound, count: int) -> list[Member]:
        """Draw a teacher for each student from as many of the best as a round would let others copy."""
        good = _ranked(closed.kept)[: self.population.replaced]
        random = stream(closed.seed, closed.round, "teachers")
        return [good[int(random.integers(len(good)))] for _ in range(count)]

    def _draw_hyperparameters(self, closed: ClosedRound, count: int) -> list[tuple[Configuration, str]]:
        """Return the other hyperparameters of each student: half from the better half of the members."""
        random = stream(closed.seed, closed.round, "students")
        ranked = _ranked(closed.kept)
        good = ranked[: -(-len(ranked) // 2)]
        drawn = self.hyperparameters.sample(count, random)
        copied = set(random.permutation(count)[: count // 2].tolist())
        result: list[tuple[Configuration, str]] = []
        for slot in range(count):
            if slot in copied:
                donor = good[int(random.integers(len(good)))]
                result.append((donor.configuration, f"hyperparameters of member {donor.slot}"))
            else:
                result.append((drawn[slot], "random hyperparameters"))
        return result

    def _joined(
        self, proposal: ArchitectureProposal, hyperparameters: Configuration, closed: ClosedRound, slot: int
    ) -> Configuration:
        """Return a configuration with the architecture; other hyperparameters if a clause forbids these."""
        random = stream(closed.seed, closed.round, f"student {slot}")
        candidates = [hyperparameters, *self.hyperparameters.sample(DRAWS, random)]
        for candidate in candidates:
            own = {n: v for n, v in candidate.items() if n not in self.architectures.configuration_space}
            values = {**own, **proposal.architecture}
            configuration = {name: values[name] for name in self.space.configuration_space if name in values}
            if self.space.is_legal(configuration):
                return configuration
        return self.space.sample(1, random)[0]

    def _architecture(self, configuration: Configuration) -> Configuration:
        names = self.architectures.configuration_space
        return {name: configuration[name] for name in names if name in configuration}


def _of_generation(generation: int, assignments: Sequence[Assignment]) -> tuple[Assignment, ...]:
    return tuple(replace(assignment, generation=generation) for assignment in assignments)


def _ranked(members: Sequence[Member]) -> list[Member]:
    """Return the usable members, best first."""
    usable = [member for member in members if member.is_usable]
    return [usable[i] for i in best_first([member.score for member in usable])]


def _best(members: Sequence[Member]) -> Member | None:
    return next(iter(_ranked(members)), None)


def _checkpoint(teacher: Member) -> Checkpoint:
    assert teacher.checkpoint is not None
    return teacher.checkpoint


def _note(proposal: ArchitectureProposal, origin: str, teacher: Member, *, is_grown: bool) -> str:
    verb = "grown from" if is_grown else "taught by"
    parts = (proposal.note, origin, f"{verb} member {teacher.slot}")
    return "; ".join(part for part in parts if part)


def contains(student: Configuration, teacher: Configuration) -> bool:
    """Return whether networks of the student's architecture can compute what the teacher's do."""
    return all(growth_applies(shape_of(teacher, network), shape_of(student, network)) for network in NETWORKS)
