"""A comparison of strategies, drawn."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bgpbt.analysis.comparison import Comparison
from bgpbt.analysis.statistics import Interval
from bgpbt.moved import moved
from bgpbt.viewing.style import PAGE_IN, label_of, new_figure, style_of, write_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_comparison", "draw_interval", "draw_profiles", "name_rows"]

__getattr__ = moved(
    __name__,
    {"bgpbt.analysis.comparison": ("Reference", "Scored", "compare", "read_references", "to_json")},
)


def draw_comparison(comparison: Comparison, directory: Path) -> list[Path]:
    """Draw overall scores, probabilities of improvement and performance profiles side by side.

    Raises:
        InputError: Matplotlib is not installed.
        StorageError: a file cannot be written.
    """
    pairs = len(comparison.strategies) * (len(comparison.strategies) - 1) // 2
    height = max(0.24 * max(len(comparison.strategies), pairs) + 1.0, 2.1)
    with new_figure(PAGE_IN, height, columns=3) as (figure, (overall, improvement, profiles)):
        _draw_overall(overall, comparison)
        _draw_improvement(improvement, comparison)
        draw_profiles(profiles, comparison, comparison.strategies)
        return write_figure(figure, directory, "comparison")


def draw_interval(axis: "Axes", interval: Interval, row: int, colour: str) -> None:
    """Draw an interval as a bar in a row of its own, with a tick at the value; the tick alone without one."""
    if interval.is_known:
        axis.hlines(row, interval.low, interval.high, color=colour, linewidth=4, alpha=0.45)
    axis.plot(interval.value, row, "|", color=colour, markersize=9, markeredgewidth=1.8)


def name_rows(axis: "Axes", names: Sequence[str]) -> None:
    """Write strategies' names beside rows of intervals, the first on top."""
    axis.set_yticks(range(len(names)), [label_of(name) for name in names])
    axis.set_ylim(max(len(names), 1) - 0.5, -0.5)


def draw_profiles(axis: "Axes", comparison: Comparison, strategies: Sequence[str]) -> None:
    """Draw which share of the runs of some strategies lies above each scaled return, with 95% intervals."""
    for index, strategy in enumerate(strategies):
        share, low, high = comparison.profiles[strategy]
        style = style_of(index)
        axis.plot(comparison.thresholds, share, label=label_of(strategy), **style)
        axis.fill_between(comparison.thresholds, low, high, color=style["color"], alpha=0.15, linewidth=0)
    axis.set_xlabel("scaled return")
    axis.set_ylabel("share of runs above")
    axis.set_ylim(-0.02, 1.02)
    axis.legend()


def _draw_overall(axis: "Axes", comparison: Comparison) -> None:
    for row, strategy in enumerate(comparison.strategies):
        draw_interval(axis, comparison.overall[strategy], row, style_of(row)["color"])
    name_rows(axis, list(comparison.strategies))
    axis.set_xlabel("scaled return, interquartile mean")
    axis.set_title(f"over {len(comparison.shared_tasks)} task{'s' * (len(comparison.shared_tasks) > 1)}")


def _draw_improvement(axis: "Axes", comparison: Comparison) -> None:
    names: list[str] = []
    for index, one in enumerate(comparison.strategies):
        for other in comparison.strategies[index + 1 :]:
            draw_interval(axis, comparison.improvement[one][other], len(names), style_of(index)["color"])
            names.append(f"{one} > {other}")
    axis.axvline(0.5, color="#22272B", linewidth=0.6, linestyle=":")
    axis.set_xlim(-0.02, 1.02)
    name_rows(axis, names)
    axis.set_xlabel("probability of improvement")
