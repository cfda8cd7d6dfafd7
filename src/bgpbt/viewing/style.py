"""How printed figures look: sized for a column of a paper, safe for the colour-blind, legible in grey.

Colours are those of Okabe and Ito without yellow, which is too light for a line on white; a line style goes
with each, so that no figure depends on colour alone. Matplotlib is imported only when a figure is made.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bgpbt.errors import InputError
from bgpbt.storage.files import write_durably

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "COLUMN_IN",
    "GREY",
    "PAGE_IN",
    "hide",
    "label_of",
    "marker_of",
    "new_figure",
    "steps_axis",
    "style_of",
    "whole_numbers",
    "write_figure",
]

COLUMN_IN, PAGE_IN = 3.3, 6.8
"""Widths of one and of two columns, in inches."""

GREY = "#8A8F94"

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)), (0, (8, 2)))
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")

_SETTINGS: dict[str, Any] = {
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "lines.linewidth": 1.2,
    "legend.frameon": False,
    "pdf.fonttype": 42,  # text stays text
    "svg.fonttype": "none",
}


def label_of(name: str) -> str:
    """Return a name that Matplotlib shows as it is: no mathematics, not left out for a leading `_`."""
    escaped = name.replace("$", r"\$")
    return f"\u2009{escaped}" if name.startswith("_") else escaped


_UNITS = ((1e9, "billions"), (1e6, "millions"), (1e3, "thousands"))
_DOTS_PER_INCH = 200


def style_of(index: int) -> dict[str, Any]:
    """Return colour and line style of one of several strategies; they repeat after seven."""
    return {"color": _COLOURS[index % len(_COLOURS)], "linestyle": _LINES[index % len(_LINES)]}


def marker_of(index: int) -> dict[str, Any]:
    """Return colour and marker of one of several strategies."""
    return {"color": _COLOURS[index % len(_COLOURS)], "marker": _MARKERS[index % len(_MARKERS)]}


@contextmanager
def new_figure(
    width_in: float, height_in: float, *, rows: int = 1, columns: int = 1
) -> "Iterator[tuple[Figure, list[Axes]]]":
    """Yield a figure and its axes, row by row, under the settings of all figures.

    Raises:
        InputError: Matplotlib is not installed.
    """
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise InputError(f"{error.name} is not installed; run pip install 'bgpbt[figures]'") from error
    with matplotlib.rc_context(_SETTINGS):  # type: ignore[arg-type] # its keys are a closed list of literals
        figure = Figure(figsize=(width_in, height_in), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False)
        yield figure, [axis for row in axes for axis in row]


def steps_axis(axes: "Axes", label: str) -> None:
    """Label an axis of environment steps with the power of a thousand that keeps its numbers short."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    largest = max(abs(value) for value in axes.get_xlim())
    scale, unit = next((pair for pair in _UNITS if largest >= pair[0]), (1.0, ""))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value / scale:g}"))
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.set_xlabel(f"{label} ({unit})" if unit else label)


def whole_numbers(axes: "Axes") -> None:
    """Put ticks at whole numbers alone."""
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))


def write_figure(figure: "Figure", directory: Path, name: str) -> list[Path]:
    """Write a figure as PDF and PNG and return their paths; equal figures are equal files.

    Raises:
        StorageError: a file cannot be written.
    """
    paths = [directory / f"{name}.pdf", directory / f"{name}.png"]
    for path in paths:
        metadata = {"CreationDate": None} if path.suffix == ".pdf" else {}
        content = BytesIO()
        figure.savefig(content, format=path.suffix[1:], dpi=_DOTS_PER_INCH, metadata=metadata)
        write_durably(path, content.getvalue())
    return paths


def hide(axes: "Sequence[Axes]") -> None:
    """Take away the axes of a grid that nothing is drawn in."""
    for axis in axes:
        axis.remove()
