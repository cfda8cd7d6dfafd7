"""The page of the engine says what was measured."""

import json
import subprocess
import sys
from pathlib import Path
from statistics import median

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "engine.md").read_text(encoding="utf-8")
TABLES = ("engine.json", "engine-one.json", "engine-gpu.json")
SECOND_START = ROOT / "benchmarks" / "results" / "second_start.json"


@pytest.mark.parametrize("table", TABLES)
def test_the_tables_of_the_page_are_those_of_the_results(table: str) -> None:
    command = [sys.executable, "benchmarks/engine.py", "--show", f"benchmarks/results/{table}"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert len(shown.splitlines()) > 2
    assert shown.strip() in PAGE


def test_the_shares_of_plain_products_are_those_that_were_measured() -> None:
    shares: dict[str, list[float]] = {"small": [], "paper": []}
    for row in json.loads((ROOT / "benchmarks" / "results" / "engine.json").read_text())["rows"]:
        if row["members"] == 2:
            plain, learner = row["seconds"]["plain_products"], row["seconds"]["learner"]
            share = median(limit / own for limit, own in zip(plain, learner, strict=True))
            shares[row["size"]].append(share)
    assert f"of XLA's own way alone it is\n  {min(shares['paper']):.0%} to {max(shares['paper']):.0%}" in PAGE
    (small,) = shares["small"]
    assert f"{small:.0%} of products in XLA's own way" in PAGE


def test_starts_are_those_that_were_measured() -> None:
    for row in json.loads(SECOND_START.read_text()):
        later_s = [start["first_step_s"] for start in row["later"]]
        seconds = (row["first"]["first_step_s"], median(later_s), max(later_s), median(row["imports_s"]))
        cells = (f"`{row['environment']}`", *(f"{each:.1f} s" for each in seconds))
        assert f"| {' | '.join(cells)} |" in PAGE


def test_speeds_of_environments_are_those_that_were_measured() -> None:
    for row in json.loads((ROOT / "benchmarks" / "results" / "environments.json").read_text())["rows"]:
        nanoseconds = (f"{row['ns'][form]:,.0f}" for form in ("by itself", "compiled", "vectorised"))
        cells = (*nanoseconds, f"{row['speedup']:.2f}", f"{row['difference']:.1g}")
        assert f"| `{row['environment']}` | {' | '.join(cells)} |" in PAGE


def test_costs_are_those_that_were_measured() -> None:
    for run in json.loads((ROOT / "benchmarks" / "results" / "cost.json").read_text())["runs"]:
        cells = (
            str(run["members"]),
            f"{sum(run['suggestion_s']):.2f}",
            f"{run['storage_s']:.2f}",
            f"{run['training_s']:,.0f}",
            f"{run['share']:.2%}",
        )
        assert f"| {' | '.join(cells)} |" in PAGE
