"""A run as a table: CSV, Parquet, and the CSV that the paper's code writes."""

import csv
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TextIO

from bgpbt.analysis import table
from bgpbt.records import Trained
from bgpbt.storage.files import write_durably

if TYPE_CHECKING:
    import pyarrow

__all__ = ["stats_path", "write_parquet", "write_stats", "write_stats_file", "write_table"]

_INTEGERS = frozenset(
    (
        "round",
        "member",
        "generation",
        "first_step",
        "steps",
        "total_steps",
        "parent",
        "rung",
        "evaluation_steps",
    )
)
_FLOATS = frozenset(("score", "seconds"))
_CONFIGURATION = "config."


def write_table(file: TextIO, trained: Sequence[Trained]) -> None:
    """Write one row for each order that has an outcome, by round and member."""
    columns, rows = table(trained)
    writer = csv.DictWriter(file, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


def write_parquet(file: BinaryIO, trained: Sequence[Trained]) -> None:
    """Write the same rows as Parquet, every column with its own type; what a row lacks is null.

    A hyperparameter whose values are of several kinds is a column of text, as it is in CSV.

    Raises:
        ModuleNotFoundError: pyarrow is not installed.
    """
    import pyarrow
    import pyarrow.parquet

    columns, rows = table(trained)
    arrays = {column: _column(pyarrow, column, rows) for column in columns}
    pyarrow.parquet.write_table(pyarrow.table(arrays), file)


def stats_path(run: Path, seed: int) -> Path:
    """Return where the paper's code would look for a run's figures."""
    return run / f"stats_seed_{seed}.csv"


def write_stats_file(run: Path, seed: int, trained: Sequence[Trained]) -> None:
    """Write a run's figures to where the paper's code would look for them.

    Raises:
        StorageError: the file cannot be written.
    """
    path = stats_path(run, seed)
    text = StringIO(newline="")
    write_stats(text, trained)
    write_durably(path, text.getvalue().encode())


def write_stats(file: TextIO, trained: Sequence[Trained]) -> None:
    """Write the CSV that the paper's code writes: per member and round its time, return and hyperparameters.

    `t` is in environment steps of the member's whole training, `R` its return.
    """
    columns, rows = table(trained)
    hyperparameters = [column for column in columns if column.startswith(_CONFIGURATION)]
    names = [column.removeprefix(_CONFIGURATION) for column in hyperparameters]
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["", "trial", "round", "t", "R", *names])
    for index, row in enumerate(rows):
        values = [row[column] for column in hyperparameters]
        writer.writerow([index, row["member"], row["round"], row["total_steps"], row["score"], *values])


def _column(arrow: Any, name: str, rows: Sequence[Mapping[str, Any]]) -> "pyarrow.Array":
    values = [row[name] for row in rows]
    if name.startswith(_CONFIGURATION):
        kinds = {type(value) for value in values if value is not None}
        if kinds == {bool}:
            return arrow.array(values, arrow.bool_())
        if kinds == {int}:
            return arrow.array(values, arrow.int64())
        if kinds and kinds <= {int, float}:
            return arrow.array(values, arrow.float64())
    elif name in _INTEGERS:
        return arrow.array(values, arrow.int64())
    elif name in _FLOATS:
        return arrow.array(values, arrow.float64(), from_pandas=False)  # a NaN stays one
    return arrow.array([None if value is None else str(value) for value in values], arrow.string())
