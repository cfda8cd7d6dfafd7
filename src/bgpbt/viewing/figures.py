"""Figures of runs, on paper: learning curves, final scores, winning schedules and lineages.

Every function writes PDF and PNG into a directory and returns their paths.
"""

import math
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bgpbt.analysis.collection import RunRecord, common_grid
from bgpbt.analysis.lineage import Makers
from bgpbt.analysis.statistics import FEWEST_RUNS, interquartile_mean, interval_of, resample
from bgpbt.records import Checkpoint, Distil, Order, Trained, Value
from bgpbt.viewing.style import (
    COLUMN_IN,
    GREY,
    PAGE_IN,
    hide,
    label_of,
    marker_of,
    new_figure,
    steps_axis,
    style_of,
    whole_numbers,
    write_figure,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_all", "draw_learning_curves", "draw_lineage", "draw_schedules", "draw_scores"]

_WIDE_RANGE = 10.0  # largest by smallest value, from which a hyperparameter's axis is logarithmic
_INK = "#22272B"
_MOST_LEGEND_COLUMNS = 3  # that fit beside each other above a column of a paper


def draw_all(runs: Sequence[RunRecord], directory: Path) -> list[Path]:
    """Draw learning curves and final scores of all runs, and schedules and lineage of each.

    Raises:
        InputError: Matplotlib is not installed, or runs of one strategy have no steps in common.
        StorageError: a file cannot be written.
    """
    written = draw_learning_curves(runs, directory) + draw_scores(runs, directory)
    for run in runs:
        written += draw_schedules(run, directory) + draw_lineage(run, directory)
    return written


def draw_learning_curves(
    runs: Sequence[RunRecord], directory: Path, name: str = "learning_curves"
) -> list[Path]:
    """Draw the best member's return over environment steps: interquartile mean and interval over seeds.

    The band is the pointwise 95% bootstrap interval; a strategy with a single run has none.
    """
    tasks, strategies = _tasks(runs), _strategies(runs)
    columns = min(len(tasks), 3)
    rows = -(-len(tasks) // columns)
    width = COLUMN_IN if columns == 1 else PAGE_IN
    with new_figure(width, 2.2 * rows + 0.3, rows=rows, columns=columns) as (figure, axes):
        for axis, task in zip(axes, tasks, strict=False):
            for index, strategy in enumerate(strategies):
                chosen = [run for run in runs if (run.task, run.strategy) == (task, strategy)]
                if chosen:
                    _draw_curve(axis, chosen, index)
            axis.set_title(label_of(task))
            axis.set_ylabel("return of the best member")
            steps_axis(axis, "environment steps, all members")
            axis.legend(loc="best")
        hide(axes[len(tasks) :])
        return write_figure(figure, directory, "learning_curves")


def draw_scores(runs: Sequence[RunRecord], directory: Path) -> list[Path]:
    """Draw each run's score, and of each strategy the interquartile mean with its 95% bootstrap interval."""
    tasks, strategies = _tasks(runs), _strategies(runs)
    columns = min(len(tasks), 3)
    rows = -(-len(tasks) // columns)
    width = COLUMN_IN if columns == 1 else PAGE_IN
    height = (0.28 * len(strategies) + 0.75) * rows
    with new_figure(width, height, rows=rows, columns=columns) as (figure, axes):
        for axis, task in zip(axes, tasks, strict=False):
            for row, strategy in enumerate(strategies):
                score_n = np.array(
                    [run.score for run in runs if (run.task, run.strategy) == (task, strategy)]
                )
                if score_n.size:
                    _draw_score_row(axis, score_n, row)
            axis.set_yticks(range(len(strategies)), [label_of(strategy) for strategy in strategies])
            axis.set_ylim(len(strategies) - 0.5, -0.5)
            axis.set_xlabel("return of the best member, last round")
            axis.set_title(label_of(task))
        hide(axes[len(tasks) :])
        return write_figure(figure, directory, "final_scores")


def draw_schedules(run: RunRecord, directory: Path) -> list[Path]:
    """Draw each hyperparameter along the best member's ancestry, over its steps, among all tried values."""
    line = run.winning_line
    names = sorted({name for order, _ in run.trained for name in order.configuration})
    columns = min(len(names), 2)
    rows = -(-len(names) // columns)
    with new_figure(COLUMN_IN, 1.15 * rows + 0.6, rows=rows, columns=columns) as (figure, axes):
        for index, (axis, name) in enumerate(zip(axes, names, strict=False)):
            _draw_schedule(axis, name, run.trained, line)
            axis.set_title(label_of(name))
            steps_axis(axis, "environment steps")
            if index < len(names) - columns:
                axis.set_xlabel("")
        hide(axes[len(names) :])
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=2)
        return write_figure(figure, directory, f"schedules-{run.name}")


def draw_lineage(run: RunRecord, directory: Path) -> list[Path]:
    """Draw who came from whom: members over rounds, coloured by return, and the best member's ancestry."""
    rounds = 1 + max(order.round for order, _ in run.trained)
    members = 1 + max(order.member for order, _ in run.trained)
    width = COLUMN_IN if rounds <= 25 else PAGE_IN
    winning = {(order.round, order.member) for order, _ in run.winning_line}
    with new_figure(width, min(0.16 * members + 1.0, 4.5)) as (figure, (axis,)):
        _draw_parents(axis, run.trained, winning)
        shown = [(order, outcome) for order, outcome in run.trained if math.isfinite(outcome.score)]
        dots = axis.scatter(
            [order.round + 1 for order, _ in shown],
            [order.member for order, _ in shown],
            c=[outcome.score for _, outcome in shown],
            s=float(np.clip(2500 / (rounds * members), 4, 26)),
            cmap="cividis",
            zorder=3,
            linewidths=0,
        )
        for order, _ in (pair for pair in run.trained if not math.isfinite(pair.outcome.score)):
            axis.plot(order.round + 1, order.member, "x", color=GREY, markersize=3)
        _mark_generations(axis, [order for order, _ in run.trained])
        figure.colorbar(dots, ax=axis, label="return", pad=0.02)
        axis.set_xlabel("round")
        axis.set_ylabel("member")
        whole_numbers(axis)
        handles, labels = axis.get_legend_handles_labels()
        columns = len(labels) if len(labels) <= _MOST_LEGEND_COLUMNS else 2
        figure.legend(handles, labels, loc="outside upper center", ncols=columns)
        return write_figure(figure, directory, f"lineage-{run.name}")


def _draw_curve(axis: "Axes", runs: Sequence[RunRecord], index: int) -> None:
    curves = [run.curve for run in runs]
    steps = common_grid(curves)
    score_nt = np.stack([curve.at(steps) for curve in curves])
    label = label_of(f"{runs[0].strategy} ({len(runs)} run{'s' if len(runs) > 1 else ''})")
    axis.plot(steps, interquartile_mean(score_nt.T), label=label, **style_of(index))
    if len(runs) >= FEWEST_RUNS:
        # One draw of runs for all steps: resampled are whole curves, not points.
        (drawn_rn,) = resample([np.arange(len(runs), dtype=np.float64)], seed=0)
        drawn_rt = interquartile_mean(np.moveaxis(score_nt[drawn_rn.astype(int)], 1, -1))
        low_t, high_t = np.quantile(drawn_rt, [0.025, 0.975], axis=0)
        axis.fill_between(steps, low_t, high_t, color=style_of(index)["color"], alpha=0.18, linewidth=0)


def _draw_score_row(axis: "Axes", score_n: npt.NDArray[np.float64], row: int) -> None:
    style = marker_of(row)
    offset_n = np.linspace(-0.22, 0.22, score_n.size) if score_n.size > 1 else np.zeros(1)
    axis.plot(score_n, row + offset_n, linestyle="", markersize=2.5, alpha=0.6, mew=0, **style)
    if score_n.size > 1:
        interval = interval_of(interquartile_mean, [score_n])
        if interval.is_known:
            axis.hlines(row, interval.low, interval.high, color=style["color"], linewidth=2.5, alpha=0.5)
        axis.vlines(interval.value, row - 0.3, row + 0.3, color=style["color"], linewidth=1.6)


def _draw_schedule(
    axis: "Axes",
    name: str,
    trained: Sequence[Trained],
    line: Sequence[Trained],
) -> None:
    tried = [order for order, _ in trained if name in order.configuration]
    number = _numbers([order.configuration[name] for order in tried], axis)
    axis.plot(
        [order.first_step for order in tried],
        [number[order.configuration[name]] for order in tried],
        ".",
        color=GREY,
        markersize=3.5,
        alpha=0.55,
        mew=0,
        label="all tried",
    )
    label = "ancestry of the best"
    # A student of a new generation starts at step 0 again, so generations are lines of their own.
    for _, stretch in groupby(
        line, key=lambda pair: (pair.order.generation, name in pair.order.configuration)
    ):
        steps, values = [], []
        for order, outcome in stretch:
            if name in order.configuration:
                steps += [order.first_step, order.first_step + outcome.steps]
                values += 2 * [number[order.configuration[name]]]
        axis.plot(steps, values, color=style_of(0)["color"], label=label)
        label = "_nolegend_"


def _numbers(values: Sequence[Value], axis: "Axes") -> dict[Value, float]:
    """Return where values go on an axis; sets its scale, or its labels where values are no numbers."""
    if any(isinstance(value, (str, bool)) for value in values):
        options = sorted(set(values), key=str)
        axis.set_yticks(range(len(options)), [label_of(str(option)) for option in options])
        axis.set_ylim(-0.5, len(options) - 0.5)
        return {option: float(index) for index, option in enumerate(options)}
    numbers = [float(value) for value in values]
    if min(numbers) > 0 and max(numbers) / min(numbers) > _WIDE_RANGE:
        axis.set_yscale("log")
    return {value: float(value) for value in values}


def _draw_parents(axis: "Axes", trained: Sequence[Trained], winning: set[tuple[int, int]]) -> None:
    """Draw a line from every member to the one whose weights it started from, and to its teacher."""
    makers = Makers(trained)
    kinds = {
        "goes on": {"color": "#C9CED2", "linewidth": 0.6},
        "copied": {"color": style_of(1)["color"], "linewidth": 0.8},
        "distilled": {"color": style_of(2)["color"], "linewidth": 0.8, "linestyle": ":"},
        "ancestry of the best": {"color": _INK, "linewidth": 1.8},
        "its teacher": {"color": _INK, "linewidth": 1.8, "linestyle": ":"},
    }
    segments: dict[str, list[tuple[float, float]]] = {kind: [] for kind in kinds}
    for order, _ in trained:
        here = (order.round, order.member)
        for checkpoint, kind in _sources(order):
            if (maker := makers.of(checkpoint, before=order.round)) is not None:
                there = (maker.order.round, maker.order.member)
                if here in winning and there in winning:
                    kind = "ancestry of the best" if kind == "weights" else "its teacher"
                elif kind == "weights":
                    kind = "goes on" if there[1] == here[1] else "copied"
                segments[kind] += [(there[0] + 1, there[1]), (here[0] + 1, here[1]), (np.nan, np.nan)]
    for kind, points in segments.items():
        if points:
            x, y = zip(*points, strict=True)
            axis.plot(x, y, label=kind, zorder=1 + (kinds[kind]["color"] == _INK), **kinds[kind])


def _sources(order: Order) -> list[tuple[Checkpoint, str]]:
    """Return the checkpoints an order starts from, and what is taken: weights, or a teacher's lessons."""
    if order.start.weights is not None:
        return [(order.start.weights, "weights")]
    return [(order.start.teacher, "distilled")] if isinstance(order.start, Distil) else []


def _mark_generations(axis: "Axes", orders: Sequence[Order]) -> None:
    """Shade every second generation of architectures."""
    spans: dict[int, list[int]] = {}
    for order in orders:
        spans.setdefault(order.generation, []).append(order.round + 1)
    for generation, rounds in spans.items():
        if generation % 2 == 1:
            axis.axvspan(min(rounds) - 0.5, max(rounds) + 0.5, color="#EEF0F2", zorder=0, linewidth=0)


def _tasks(runs: Sequence[RunRecord]) -> list[str]:
    return sorted({run.task for run in runs})


def _strategies(runs: Sequence[RunRecord]) -> list[str]:
    """Return strategies in the sequence they were named in, which decides their colours."""
    return list(dict.fromkeys(run.strategy for run in runs))
