"""`bgpbt watch` and `bgpbt report`: a run to look at, while it goes on and afterwards."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from tyro.conf import arg

from bgpbt.cli.figures import FiguresArguments, draw_figures
from bgpbt.errors import naming_extra

__all__ = ["ReportArguments", "WatchArguments", "report", "watch"]


@dataclass(frozen=True, kw_only=True)
class WatchArguments:
    """Show runs on a local page that follows them while they go on."""

    runs: tyro.conf.Positional[list[Path]]
    """Directories of runs, or of directories of runs."""
    port: int = 8765
    """Port on 127.0.0.1; 0 takes any that is free."""


@dataclass(frozen=True, kw_only=True)
class ReportArguments:
    """Write the page with runs in it as one HTML file, which opens without a server."""

    runs: tyro.conf.Positional[list[Path]]
    """Directories of runs, or of directories of runs."""
    output: Annotated[Path, arg(aliases=["-o"])] = Path("report.html")
    """File to write."""
    figures: Path | None = None
    """Directory to write figures to as well, as `bgpbt figures` does."""


def watch(arguments: WatchArguments) -> int:
    """Serve the page until interrupted and return the exit status.

    Raises:
        BgpbtError: there is no run, the port is taken, or the server is not installed.
    """
    from bgpbt.viewing.report import run_paths
    from bgpbt.viewing.server import serve

    paths = run_paths(arguments.runs)
    try:
        with naming_extra("watch"):
            serve(paths, arguments.port, on_ready=_tell)
    except KeyboardInterrupt:
        pass  # the way to end it
    return 0


def report(arguments: ReportArguments) -> int:
    """Write the report and return the exit status.

    Raises:
        BgpbtError: there is no run, a file cannot be written, or Matplotlib is missing for figures.
    """
    from bgpbt.viewing.report import write_report

    write_report(arguments.runs, arguments.output)
    print(arguments.output)
    if arguments.figures is None:
        return 0
    return draw_figures(FiguresArguments(runs=arguments.runs, output=arguments.figures))


def _tell(address: str) -> None:
    print(f"watching at {address}  (Ctrl-C ends it; the runs go on)", flush=True)
