"""When generations begin, how long a distillation is, and what both cost in environment steps."""

from dataclasses import dataclass

from bgpbt import checks
from bgpbt.errors import InputError
from bgpbt.strategies.population_rungs import halved_sizes
from bgpbt.strategies.settings import PopulationSettings

__all__ = ["GenerationSettings", "Rung", "distillation_steps", "expected_steps", "rungs"]

HALVING = 2
"""Successive halving keeps one of so many students at each rung (eta)."""

_CHOICES = {"architectures": ("search", "random"), "inherit": ("distil", "grow")}


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationSettings:
    """When generations begin and how; the defaults are those of Wan et al. (2022), section 4.

    Raises:
        InputError: a count or a choice is not allowed.
    """

    t_distillation: int = 30_000_000  # environment steps that a student which survives is distilled for
    distill_every: int = 40_000_000  # environment steps of a generation, distillation left out, at most
    max_distillation: int = 2  # new generations at most
    patience: int = 20  # rounds in a row without a new best of the generation
    architectures: str = "search"  # "search": by Bayesian optimisation; "random": the control
    inherit: str = "distil"  # "grow": enlarge the teacher's networks where the student's contain them

    def __post_init__(self) -> None:
        for name, least in (
            ("t_distillation", 1),
            ("distill_every", 1),
            ("max_distillation", 0),
            ("patience", 1),
        ):
            checks.whole(name, getattr(self, name), least)
        for name, allowed in _CHOICES.items():
            checks.one_of(name, getattr(self, name), allowed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """One round of successive halving."""

    students: int
    until: int  # environment steps that each of them has been distilled for when it ends


def rungs(students: int, survivors: int, steps: int) -> tuple[Rung, ...]:
    """Return the rungs that leave `survivors` of `students`, who are distilled for `steps` in total.

    Half of the students leave after each rung, and each rung takes as long as all before it.

    Raises:
        InputError: there are too few steps.
    """
    sizes = [students, *halved_sizes(students, survivors)[:-1]]  # the last rung leaves the survivors
    last = len(sizes) - 1
    if steps // HALVING**last < 1:
        raise InputError(
            f"t_distillation = {steps} is too short for {len(sizes)} rungs "
            f"({', '.join(str(size) for size in sizes)} students)"
        )
    return tuple(
        Rung(students=size, until=steps // HALVING ** (last - index)) for index, size in enumerate(sizes)
    )


def expected_steps(population: PopulationSettings, generations: GenerationSettings | None = None) -> int:
    """Return the environment steps of all members of a run in which no generation ends before its time."""
    if generations is None:
        return sum(members * steps for members, steps in population.planned_rounds())
    if population.is_race:
        return population.total
    done = population.next_target(0)
    steps, began_at, number = population.initial * done, 0, 0
    while done < population.max_timesteps:
        if _is_over(population, generations, number, done, began_at):
            steps += distillation_steps(population, generations)
            done += generations.t_distillation
            began_at, number = done, number + 1
        target = population.next_target(done)
        steps += population.population * (target - done)
        done = target
    return steps if population.budget is None else min(steps, population.budget)


def distillation_steps(population: PopulationSettings, generations: GenerationSettings) -> int:
    """Return the environment steps of one distillation, all students together."""
    plan = rungs(population.initial, population.population, generations.t_distillation)
    before = (0, *(rung.until for rung in plan))
    return sum(rung.students * (rung.until - done) for rung, done in zip(plan, before, strict=False))


def _is_over(
    population: PopulationSettings, generations: GenerationSettings, number: int, done: int, began_at: int
) -> bool:
    """Return whether a generation has had its time and another fits into the run."""
    return (
        number < generations.max_distillation
        and done - began_at >= generations.distill_every
        and done + generations.t_distillation < population.max_timesteps
    )
