"""Configurations in files: JSON, YAML and CSV, a user's own or what this package wrote.

In JSON and YAML a file holds one configuration, as a mapping of names to values, or a list of them. In CSV
a row is a configuration and a column an input. Of the table that `bgpbt export` writes, which has a row for
each member and round, the columns `config.NAME` count, and the rows with the best scores come first.
"""

import csv
import io
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bgpbt.analysis.lineage import CONFIGURATION_PREFIX
from bgpbt.errors import InputError, shown
from bgpbt.records import Configuration, Value
from bgpbt.runs.schedule_file import FORMAT, read_schedule
from bgpbt.space import Space
from bgpbt.text_files import read_text
from bgpbt.yaml_text import YAMLError, read_yaml

__all__ = ["Given", "read_configurations", "without_repeats"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A configuration that a user gives; it may name some inputs only."""

    where: str  # file and row, for people
    values: Configuration


def read_configurations(path: Path, space: Space) -> list[Given]:
    """Return the configurations in a file; what they hold is not checked against the space.

    Args:
        path: of a `.json`, `.yaml`, `.yml` or `.csv` file.
        space: whose inputs say how the text in a CSV file is meant.

    Raises:
        InputError: the file cannot be read or holds no configuration.
    """
    if not path.exists():
        raise InputError(f"{path}: there is no such file or run; give one, or default")
    text = read_text(path)
    match path.suffix.lower():
        case ".csv":
            found = _of_table(path, text, space)
        case ".json" | ".yaml" | ".yml":
            found = _of_document(path, text)
        case _:
            raise InputError(f"{path} must end in .json, .yaml, .yml or .csv, or be the directory of a run")
    if not found:
        raise InputError(f"{path} holds no configuration")
    return found


def without_repeats(given: Iterable[Given]) -> list[Given]:
    """Return the configurations, each where it comes first."""
    kept: list[Given] = []
    for item in given:
        if all(item.values != earlier.values for earlier in kept):
            kept.append(item)
    return kept


def _of_document(path: Path, text: str) -> list[Given]:
    try:
        content = json.loads(text) if path.suffix.lower() == ".json" else read_yaml(text)
    except json.JSONDecodeError as error:
        raise InputError(f"{path} is not JSON: {error}") from error
    except YAMLError as error:
        raise InputError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    if isinstance(content, Mapping):
        if content.get("format") == FORMAT:
            return _of_schedule(path)
        return [_given(f"{path}", content)]
    if not isinstance(content, list):
        raise InputError(f"{path} must hold a mapping of names to values, or a list of such")
    return [_given(f"{path}: configuration {number}", item) for number, item in enumerate(content, start=1)]


def _of_schedule(path: Path) -> list[Given]:
    """Return the configurations of a schedule, newest first, each once."""
    stretches = read_schedule(path).schedule.stretches
    return without_repeats(
        Given(where=f"{path}: stretch {index}", values=stretches[index].configuration)
        for index in reversed(range(len(stretches)))
    )


def _given(where: str, content: object) -> Given:
    if not isinstance(content, Mapping):
        raise InputError(f"{where}: {shown(content)} must be a mapping of names to values")
    for name, value in content.items():
        if not isinstance(value, Value | None):
            raise InputError(f"{where}: {name} = {shown(value)} must be a number, a text, true or false")
    # An input without a value is one that its conditions switch off, or one that is left to its default.
    return Given(where=where, values={str(name): v for name, v in content.items() if v is not None})


def _of_table(path: Path, text: str, space: Space) -> list[Given]:
    reader = csv.DictReader(io.StringIO(text, newline=""), skipinitialspace=True, strict=True)
    try:
        columns = [column.strip() for column in reader.fieldnames or ()]
        for column in columns:
            if columns.count(column) > 1:
                raise InputError(f"{path} has the column {column!r} twice")
        reader.fieldnames = columns
        rows = [(f"{path}: row {number}", row) for number, row in enumerate(reader, start=1)]
    except csv.Error as error:
        raise InputError(f"{path} is not CSV: {error}") from error
    is_export = any(column.startswith(CONFIGURATION_PREFIX) for column in columns)
    if is_export:
        rows.sort(key=lambda row: _score(row[1]), reverse=True)
    names = [column for column in columns if not is_export or column.startswith(CONFIGURATION_PREFIX)]
    found = [item for where, row in rows if (item := _of_row(where, row, names, space)).values]
    return without_repeats(found) if is_export else found


def _score(row: Mapping[str, str]) -> float:
    """Return the score of an export's row; a member without one comes last."""
    try:
        score = float(row.get("score") or "nan")
    except ValueError:
        score = math.nan
    return -math.inf if math.isnan(score) or row.get("failure") else score


def _of_row(where: str, row: Mapping[Any, Any], columns: Sequence[str], space: Space) -> Given:
    if None in row:
        raise InputError(f"{where} has {len(row) - 1 + len(row[None])} cells, the header {len(row) - 1}")
    values = {}
    for column in columns:
        text = (row[column] or "").strip()
        name = column.removeprefix(CONFIGURATION_PREFIX)
        if text:
            values[name] = _meant(name, text, space)
    return Given(where=where, values=values)


def _meant(name: str, text: str, space: Space) -> Value:
    """Return what a cell means to its input; a number or truth value where it allows none of the readings."""
    readings = list(_readings(text))
    return next((reading for reading in readings if space.complaint(name, reading) is None), readings[-1])


def _readings(text: str) -> Iterator[Value]:
    yield text
    if text.lower() in ("true", "false"):
        yield text.lower() == "true"
    for read in (int, float):
        try:
            yield read(text)
        except ValueError:
            continue
        break
