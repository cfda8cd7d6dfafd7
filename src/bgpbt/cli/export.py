"""`bgpbt export`: every member of every round as a table, for other programs."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO, StringIO
from pathlib import Path
from typing import Annotated, Literal

import tyro
from tyro.conf import arg

from bgpbt.cli.tables import write_parquet, write_stats, write_table
from bgpbt.errors import InputError, naming_extra
from bgpbt.records import Trained
from bgpbt.storage import open_run
from bgpbt.storage.files import write_durably

__all__ = ["ExportArguments", "export"]


@dataclass(frozen=True, kw_only=True)
class ExportArguments:
    """Write every member of every round as a table."""

    run: tyro.conf.Positional[Path]
    """The run's directory; the run may be under way."""
    format: Annotated[Literal["csv", "parquet", "stats"], arg(aliases=["-f"])] = "csv"
    """All columns as CSV or Parquet, or the few of the stats_seed_N.csv that the paper's code writes."""
    output: Annotated[Path | None, arg(aliases=["-o"])] = None
    """File to write; without it, standard output, which Parquet does not go to."""


def export(arguments: ExportArguments) -> int:
    """Write the table of a run; return the exit status.

    Raises:
        BgpbtError: there is no run or it is damaged, pyarrow is not installed, or the file cannot be written.
    """
    if arguments.format == "parquet" and arguments.output is None:
        raise InputError("Parquet is not for a terminal; give the file to write with --output")
    with open_run(arguments.run).open_history(read_only=True) as history:
        trained = history.trained()
    content = _CONTENTS[arguments.format](trained)
    if arguments.output is None:
        sys.stdout.write(content.decode())
        return 0
    write_durably(arguments.output, content)
    return 0


def _csv(trained: Sequence[Trained]) -> bytes:
    text = StringIO(newline="")
    write_table(text, trained)
    return text.getvalue().encode()


def _parquet(trained: Sequence[Trained]) -> bytes:
    content = BytesIO()
    with naming_extra("parquet"):
        write_parquet(content, trained)
    return content.getvalue()


def _stats(trained: Sequence[Trained]) -> bytes:
    text = StringIO(newline="")
    write_stats(text, trained)
    return text.getvalue().encode()


_CONTENTS: dict[str, Callable[[Sequence[Trained]], bytes]] = {
    "csv": _csv,
    "parquet": _parquet,
    "stats": _stats,
}
