"""A run as CSV."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from bgpbt.execution import table
from bgpbt.records import Order, Outcome

__all__ = ["stats_path", "write_stats", "write_table"]


def write_table(file: TextIO, trained: Sequence[tuple[Order, Outcome]]) -> None:
    """Write one row for each order that has an outcome, by round and member."""
    columns, rows = table(trained)
    writer = csv.DictWriter(file, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


def stats_path(run: Path, seed: int) -> Path:
    """Return where the paper's code would look for a run's figures."""
    return run / f"stats_seed_{seed}.csv"


def write_stats(run: Path, seed: int, trained: Sequence[tuple[Order, Outcome]]) -> None:
    """Write the CSV that the paper's code writes: per member and round its time, return and hyperparameters.

    `t` is in environment steps of the member's whole training, `R` its return.
    """
    columns, rows = table(trained)
    hyperparameters = [column for column in columns if column.startswith("config.")]
    names = [column.removeprefix("config.") for column in hyperparameters]
    with stats_path(run, seed).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["", "trial", "round", "t", "R", *names])
        for index, row in enumerate(rows):
            values = [row[column] for column in hyperparameters]
            writer.writerow([index, row["member"], row["round"], row["total_steps"], row["score"], *values])
