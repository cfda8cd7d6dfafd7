"""`bgpbt compare` prints, draws and writes the same numbers."""

import json
from pathlib import Path

import pytest

from bgpbt.cli import main


def test_the_command_prints_what_it_writes(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    references = tmp_path / "references.json"
    references.write_text('{"toy:plain": {"low": -1, "high": 1}}', encoding="utf-8")
    command = ["compare", str(runs), "-o", str(tmp_path / "out"), "--reference", str(references)]
    assert main([*command, "--repetitions", "200"]) == 0
    printed = capsys.readouterr().out
    numbers = json.loads((tmp_path / "out" / "comparison.json").read_text(encoding="utf-8"))
    interval = numbers["by_task"]["pbt"]["toy:mixed"]
    assert (interval["low"], interval["high"]) == (None, None)
    assert f"{interval['value']:.4g} (2)" in printed
    assert "no interval where a strategy has fewer than 3 runs on a task" in printed
    assert numbers["references"]["toy:plain"] == {"low": -1.0, "high": 1.0}
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "comparison.json",
        "comparison.pdf",
        "comparison.png",
    }
