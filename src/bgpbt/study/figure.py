"""The figures of a study: scores over all tasks, who beats whom, how learning went; profiles of returns."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bgpbt.analysis.comparison import Comparison
from bgpbt.analysis.statistics import interquartile_mean
from bgpbt.arrays import Floats
from bgpbt.study.protocol import Scale
from bgpbt.study.results import Result
from bgpbt.viewing.comparison import draw_interval, draw_profiles, name_rows
from bgpbt.viewing.style import COLUMN_IN, GREY, PAGE_IN, label_of, new_figure, style_of, write_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_study"]


PROFILES_IN = 2.4  # their height
_GRID = np.linspace(0.0, 1.0, 101)  # of the budget
_DRAWN = ("random", "pbt", "pb2")  # as curves, beside the baseline; more are a tangle


def draw_study(
    comparison: Comparison, baseline: str, scale: Scale, results: Sequence[Result], directory: Path
) -> list[Path]:
    """Draw overall scores, probabilities of improvement over each rival and learning curves; and profiles.

    Raises:
        InputError: Matplotlib is not installed.
        StorageError: a file cannot be written.
    """
    ranking = sorted(comparison.strategies, key=lambda one: -comparison.overall[one].value)
    height = max(0.21 * len(ranking) + 0.9, 2.3)
    with new_figure(PAGE_IN, height, columns=3) as (figure, (overall, improvement, curves)):
        _draw_overall(overall, comparison, ranking, baseline)
        _draw_improvement(improvement, comparison, ranking, baseline)
        drawn = [baseline, *(one for one in _DRAWN if one in ranking and one != baseline)]
        _draw_curves(curves, drawn, scale, results)
        paths = write_figure(figure, directory, "study")
    with new_figure(COLUMN_IN, PROFILES_IN, columns=1) as (figure, (profiles,)):
        draw_profiles(profiles, comparison, drawn)
        return [*paths, *write_figure(figure, directory, "profiles")]


def _draw_overall(axis: "Axes", comparison: Comparison, ranking: Sequence[str], baseline: str) -> None:
    for row, one in enumerate(ranking):
        draw_interval(axis, comparison.overall[one], row, _colour(one, baseline))
    _name_rows(axis, ranking, baseline)
    tasks = len(comparison.shared_tasks)
    axis.set_xlabel(f"scaled return over {tasks} task{'s' * (tasks > 1)}")


def _draw_improvement(axis: "Axes", comparison: Comparison, ranking: Sequence[str], baseline: str) -> None:
    rivals = [one for one in ranking if one != baseline]
    for row, one in enumerate(rivals):
        draw_interval(axis, comparison.improvement[baseline][one], row, style_of(0)["color"])
    axis.axvline(0.5, color="#22272B", linewidth=0.6, linestyle=":")
    axis.set_xlim(-0.02, 1.02)
    _name_rows(axis, rivals, baseline)
    axis.set_xlabel(f"probability that {label_of(baseline)} is better")


def _draw_curves(axis: "Axes", drawn: Sequence[str], scale: Scale, results: Sequence[Result]) -> None:
    for index, one in enumerate(drawn):
        of_one = [result for result in results if result.run.contender == one]
        if not of_one:
            continue
        curve_tn = np.stack([_curve(result, scale) for result in of_one], axis=-1)
        runs = Counter(result.run.task for result in of_one)
        weight_n = np.array([1.0 / runs[result.run.task] for result in of_one])  # tasks count equally
        axis.plot(_GRID, interquartile_mean(curve_tn, weight_n), label=label_of(one), **style_of(index))
    axis.set_xlabel("share of the budget")
    axis.set_ylabel("best so far, scaled")
    axis.legend()


def _curve(result: Result, scale: Scale) -> Floats:
    """Return the best score so far over the share of the budget that is spent, on the common scale."""
    task = scale.tasks[result.run.task]
    rounds = [row for row in result.rounds if np.isfinite(row.best)]
    spent_t = np.array([row.steps / task.budget for row in rounds])
    best_t = np.maximum.accumulate(np.array([row.best for row in rounds]))
    scaled_t = (best_t - task.low) / (task.high - task.low)
    return np.interp(_GRID, spent_t, scaled_t, left=np.nan if not rounds else float(scaled_t[0]))


def _colour(one: str, baseline: str) -> str:
    return str(style_of(0)["color"]) if one == baseline else GREY


def _name_rows(axis: "Axes", names: Sequence[str], baseline: str) -> None:
    name_rows(axis, names)
    for label, name in zip(axis.get_yticklabels(), names, strict=True):
        label.set_fontweight("bold" if name == baseline else "normal")
