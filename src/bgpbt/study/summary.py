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


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The comparison of the contenders, and that of the switches; None where there are no runs to compare."""

    baseline: str
    contenders: Comparison | None
    ablations: Comparison | None


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
    return Summary(
        baseline=protocol.baseline,
        contenders=_compared(scored, scale.contenders, references),
        ablations=_compared(on_ablations, switches, references) if scale.ablations else None,
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

    compared: int  # pairs of task and contender that both have
    apart: tuple[tuple[str, str], ...]  # those whose 95% intervals do not meet


def agreement(one: Sequence[RunResult], other: Sequence[RunResult]) -> Agreement:
    """Compare two studies' interquartile means pair by pair."""
    first, second = _intervals(one), _intervals(other)
    shared = [pair for pair in first if pair in second]
    apart = tuple(
        pair for pair in shared if first[pair].low > second[pair].high or second[pair].low > first[pair].high
    )
    return Agreement(compared=len(shared), apart=apart)


def _compared(
    scored: Sequence[_Scored], contenders: Sequence[str], references: Mapping[str, Reference]
) -> Comparison | None:
    """Compare those contenders that have runs on every task that any of them has runs on."""
    runs = [run for run in scored if run.strategy in contenders]
    tasks = {run.task for run in runs}
    complete = [
        one for one in contenders if {run.task for run in runs if run.strategy == one} == tasks and tasks
    ]
    if len(complete) < 2:
        return None
    chosen = [run for one in complete for run in runs if run.strategy == one]
    return compare(chosen, references=references)


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
    return f"{interval.value:.3g} [{interval.low:.3g}, {interval.high:.3g}]"
