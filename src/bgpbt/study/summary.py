"""What a study says: scores by task, over all tasks, against the baseline; and whether it repeats another.

The statistics are those of `bgpbt.analysis.statistics`: interquartile means, probabilities of improvement and
stratified bootstrap intervals (Agarwal et al., 2021).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bgpbt.analysis.comparison import Comparison, Reference, compare
from bgpbt.analysis.statistics import Interval
from bgpbt.study.protocol import Protocol, Scale
from bgpbt.study.results import RunResult

__all__ = ["Agreement", "Summary", "agreement", "markdown", "summarise"]

_DIGITS = 3  # significant


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The comparison of the contenders, and that of the switches; None where there are no runs to compare."""

    baseline: str
    contenders: Comparison | None
    ablations: Comparison | None
    incomplete: tuple[str, ...]  # contenders and switches that lack runs on a task, and are not compared


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scored:
    task: str
    strategy: str
    score: float


def summarise(protocol: Protocol, scale: Scale, runs: Sequence[RunResult]) -> Summary:
    """Compare what there is of a study.

    A run whose members all failed counts as the return that is 0 on the common scale.
    """
    references = {name: Reference(low=task.low, high=task.high) for name, task in scale.tasks.items()}
    scored = [
        _Scored(task=run.task, strategy=run.contender, score=_score(run, references))
        # Sorted, since bootstrap intervals depend on the order a little.
        for run in sorted(runs, key=lambda run: (run.task, run.contender, run.seed))
        if run.task in references
    ]
    switches = (protocol.baseline, *scale.ablations)
    on_ablations = [run for run in scored if run.task in scale.ablation_tasks]
    lacking = (*_lacking(scored, scale.contenders), *_lacking(on_ablations, scale.ablations))
    return Summary(
        baseline=protocol.baseline,
        contenders=_compared(scored, scale.contenders, references),
        ablations=_compared(on_ablations, switches, references) if scale.ablations else None,
        incomplete=tuple(dict.fromkeys(lacking)),
    )


def markdown(comparison: Comparison, baseline: str) -> str:
    """Return a comparison as a table: a row for each contender, the best first.

    The last column is left out where the baseline has not been compared.
    """
    tasks = comparison.shared_tasks
    against = [baseline] if baseline in comparison.strategies else []
    head = ["", *tasks, "all, scaled", *(f"P({one} is better)" for one in against)]
    ranking = sorted(comparison.strategies, key=lambda one: -comparison.overall[one].value)
    rows = [
        [
            f"`{one}`",
            *(_cell(comparison.by_task[one][task]) for task in tasks),
            _cell(comparison.overall[one]),
            *("" if one == better else _cell(comparison.improvement[better][one]) for better in against),
        ]
        for one in ranking
    ]
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How well one study repeats another."""

    compared: int  # pairs of task and contender with an interval in both
    without_interval: int  # pairs that both have, but one with too few runs for an interval
    apart: tuple[tuple[str, str], ...]  # those whose 95% intervals do not meet


def agreement(one: Sequence[RunResult], other: Sequence[RunResult]) -> Agreement:
    """Compare two studies' interquartile means pair by pair."""
    first, second = _intervals(one), _intervals(other)
    shared = [pair for pair in first if pair in second]
    known = [pair for pair in shared if first[pair].is_known and second[pair].is_known]
    apart = tuple(
        pair for pair in known if first[pair].low > second[pair].high or second[pair].low > first[pair].high
    )
    return Agreement(compared=len(known), without_interval=len(shared) - len(known), apart=apart)


def _compared(
    scored: Sequence[_Scored], contenders: Sequence[str], references: Mapping[str, Reference]
) -> Comparison | None:
    """Compare those contenders that have runs on every task that any of them has runs on."""
    lacking = _lacking(scored, contenders)
    runs = [run for run in scored if run.strategy in contenders]
    complete = [one for one in contenders if one not in lacking]
    if not runs or len(complete) < 2:
        return None
    chosen = [run for one in complete for run in runs if run.strategy == one]
    return compare(chosen, references=references)


def _lacking(scored: Sequence[_Scored], contenders: Sequence[str]) -> list[str]:
    """Return those contenders that lack runs on a task which another has runs on."""
    runs = [run for run in scored if run.strategy in contenders]
    tasks = {run.task for run in runs}
    return [one for one in contenders if {run.task for run in runs if run.strategy == one} != tasks]


def _intervals(runs: Sequence[RunResult]) -> dict[tuple[str, str], Interval]:
    finite = [run for run in runs if math.isfinite(run.score)]
    compared: dict[tuple[str, str], Interval] = {}
    for task in {run.task for run in finite}:
        comparison = compare([run for run in finite if run.task == task])
        compared |= {(task, one): comparison.by_task[one][task] for one in comparison.strategies}
    return compared


def _score(run: RunResult, references: Mapping[str, Reference]) -> float:
    return run.score if math.isfinite(run.score) else references[run.task].low


def _cell(interval: Interval) -> str:
    return interval.shown(_DIGITS)
