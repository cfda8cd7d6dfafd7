"""Runs damaged at random are read as far as they go; nothing but one line says that something is missing."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from bgpbt.viewing.run_reader import RunReader, read_document
from tests.viewing.toy_runs import create, go_on, toy_settings

CASES = 60


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small run that is over."""
    path: Path = tmp_path_factory.mktemp("damage") / "run"
    settings = toy_settings()
    go_on(create(path, settings), settings)
    return path


def damage(path: Path, random: np.random.Generator) -> None:
    """Overwrite, cut off or empty a stretch of a file."""
    content = bytearray(path.read_bytes())
    first = int(random.integers(len(content)))
    match random.integers(3):
        case 0:
            length = int(random.integers(1, 200))
            content[first : first + length] = random.bytes(len(content[first : first + length]))
        case 1:
            del content[first:]
        case _:
            content[first : first + 4096] = bytes(len(content[first : first + 4096]))
    path.write_bytes(content)


@pytest.mark.parametrize("file", ["history.sqlite", "run.json"])
def test_whatever_is_damaged_there_is_a_document(run: Path, tmp_path: Path, file: str) -> None:
    whole = read_document(run, "run")
    told = 0
    for case in range(CASES):
        copy = tmp_path / f"{case}"
        shutil.copytree(run, copy)
        reader = RunReader(copy, "run")
        if case % 2:  # the damage comes while it is read
            reader.poll()
        damage(copy / file, np.random.default_rng(case))
        for _ in range(2):
            reader.poll()
        document = reader.document()
        reader.close()
        json.dumps(document, allow_nan=False)
        assert len(document["rows"]) <= len(whole["rows"])
        told += document["problem"] is not None
        if document["problem"] is not None:
            assert "\n" not in document["problem"]
            assert str(copy) in document["problem"]
    assert (
        told > CASES // 4
    )  # free pages can be damaged without harm, and a run that is over is not read again
