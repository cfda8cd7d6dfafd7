"""Flags of the population's size: the name of a schedule, or rungs given one by one."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from bgpbt.errors import InputError
from bgpbt.runs import ExperimentSettings, scheduled
from bgpbt.strategies import PopulationRung

__all__ = ["PopulationArguments", "read_rungs"]

_RUNG = re.compile(r"(?P<members>\d+)@(?:(?P<share>\d*\.?\d+)|(?P<rounds>\d+)r)")

_RACING = ("pbt", "pb2", "pb2-mix", "gpbt", "bgpbt")
"""Strategies that copy members: what the race is for. The others are controls, or bring a schedule."""


@dataclass(frozen=True, kw_only=True)
class PopulationArguments:
    """The flags."""

    population_schedule: Literal["race", "parallel", "paper"] | None = None
    """How many members train, and when. race: the initial design trains on until ranks can be trusted, then
    members leave; the best for an equal number of environment steps, and where members train one after the
    other. parallel: the number of members stays, the first copy comes later; the best for an equal time where
    each member has a device of its own. paper: the best `pop_size` after one round, as in Wan et al. (2022).
    Without it race; paper for `--preset paper`, `-sm both` and strategies that copy no member."""
    rungs: tuple[str, ...] = ()
    """Rungs of your own instead, such as `8@0.3 4@0.5`: 8 members from 30% of the budget on and 4 from half
    of it on; `8@6r`: from round 7 on."""
    copy_after: float | None = None
    """Share of the budget until which no member is copied or perturbed."""
    agreement: float | None = None
    """Begin a rung early when the ranks of two rounds correlate with this, such as 0.9; without it, never."""

    def with_population(self, settings: ExperimentSettings, *, is_paper: bool) -> ExperimentSettings:
        """Return a run's settings with the schedule that the flags name.

        Args:
            settings: of the run, with the paper's schedule.
            is_paper: whether the paper's schedule is taken where no flag says otherwise.

        Raises:
            InputError: a flag cannot be read, or two of them contradict each other.
        """
        if self.rungs and self.population_schedule is not None:
            raise InputError(
                f"--rungs {' '.join(self.rungs)} and --population-schedule {self.population_schedule} "
                "both say how many members train; give one of them"
            )
        if self.rungs:
            chosen = replace(settings, rungs=read_rungs(self.rungs))
        else:
            is_paper = is_paper or settings.is_generational or settings.strategy not in _RACING
            chosen = scheduled(settings, self.population_schedule or ("paper" if is_paper else "race"))
        copy_after = chosen.copy_after if self.copy_after is None else self.copy_after
        return replace(chosen, copy_after=copy_after, agreement=self.agreement)


def read_rungs(texts: Sequence[str]) -> tuple[PopulationRung, ...]:
    """Return the rungs that texts such as `8@0.3` or `8@6r` stand for.

    Raises:
        InputError: a text is no rung.
    """
    return tuple(_rung(text) for text in texts)


def _rung(text: str) -> PopulationRung:
    found = _RUNG.fullmatch(text)
    if found is None:
        raise InputError(
            f"--rungs {text}: a rung is MEMBERS@SHARE of the budget, such as 8@0.3, or MEMBERS@ROUNDSr, such "
            "as 8@6r"
        )
    share, rounds = found["share"], found["rounds"]
    return PopulationRung(
        members=int(found["members"]),
        share=None if share is None else float(share),
        rounds=None if rounds is None else int(rounds),
    )
