"""The page of the engine says what was measured."""

import json
import subprocess
import sys
from pathlib import Path
from statistics import median

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "engine.md").read_text(encoding="utf-8")
TABLES = ("engine.json", "engine-one.json", "engine-large.json", "engine-gpu.json")
ROWS = json.loads((ROOT / "benchmarks" / "results" / "engine.json").read_text())["rows"]
TEXT = " ".join(PAGE.replace("**", "").split())
SECOND_START = ROOT / "benchmarks" / "results" / "second_start.json"


@pytest.mark.parametrize("table", TABLES)
def test_the_tables_of_the_page_are_those_of_the_results(table: str) -> None:
    command = [sys.executable, "benchmarks/engine.py", "--show", f"benchmarks/results/{table}"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert len(shown.splitlines()) > 2
    assert shown.strip() in PAGE


def test_the_text_says_what_the_table_says() -> None:
    def span(size: str, part: str, form: str = ".0%") -> str:
        shares = [row[part]["share"] for row in ROWS if row["size"] == size]
        assert len(shares) == 7
        return f"{min(shares):{form}} to {max(shares):{form}}"

    plain = "beside_plain_products"
    assert f"learner reaches {span('paper', 'learner')} of the bare products" in TEXT
    assert f"of XLA's own way alone it is {span('paper', plain)}." in TEXT
    assert f"A whole round reaches {span('paper', 'round')} of the limit" in TEXT
    assert (
        f"Rollouts with the paper's networks reach {span('paper', 'rollout')} of raw environments, "
        f"{span('paper', 'acting')} of these and the policy's network together, "
        f"and {span('paper', 'beside_brax', '.1f')} times the speed of Brax's raw environments." in TEXT
    )
    assert (
        f"learner reaches {span('small', plain)} of products in XLA's own way, "
        f"and {span('small', 'learner')} of the fastest that were found" in TEXT
    )


def test_the_text_says_what_the_policys_network_takes_of_a_step() -> None:
    share = {}
    for row in ROWS:
        if row["size"] == "paper":
            policy, raw = row["seconds"]["policy"], row["seconds"]["raw"]
            share[row["environment"]] = median(own / of for own, of in zip(policy, raw, strict=True))
    others = [share[name] for name in ("ant", "fetch", "halfcheetah", "humanoid")]
    assert (
        f"its bare passes take {share['reacher']:.0%} of a raw step on reacher, "
        f"{share['hopper']:.0%} on hopper and {share['ur5e']:.0%} on ur5e, "
        f"and {min(others):.0%} to {max(others):.0%} on the others" in TEXT
    )
    assert (
        f"reacher would be at {1 / (1 + share['reacher']):.0%} of raw environments, "
        f"hopper at {1 / (1 + share['hopper']):.0%} and ur5e at {1 / (1 + share['ur5e']):.0%}" in TEXT
    )


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
