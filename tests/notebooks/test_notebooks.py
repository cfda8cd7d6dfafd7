from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest

from bgpbt.cli import main

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"

SMALL_POPULATION = ["-ps", "2", "-ni", "2", "-qf", "0.5", "--seed", "0"]
TINY_AGENT = [
    *["train", "-e", "reacher", "-o", "pbt", *SMALL_POPULATION, "-tr", "2_000", "-mt", "2_000"],
    *["--num-envs", "32", "--num-minibatches", "4", "--episode-length", "50", "--eval-episodes", "8"],
    *["--test-episodes", "8", "--policy", "1", "8", "--value", "1", "8"],
]


def read(path: Path) -> Any:
    return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]


def executed(name: str, directory: Path) -> Any:
    """The notebook after all of its cells ran in a directory; a cell that raises fails the test."""
    notebook = read(NOTEBOOKS / f"{name}.ipynb")
    resources = {"metadata": {"path": str(directory)}}
    nbclient.NotebookClient(notebook, timeout=200, kernel_name="python3", resources=resources).execute()
    return notebook


def shown(notebook: Any, kind: str) -> list[str]:
    """What the cells show of one MIME type."""
    return [
        output["data"][kind]
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if kind in output.get("data", {})
    ]


def test_the_main_figure_is_made_from_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for strategy in ("pbt", "random"):
        small = ["-o", strategy, *SMALL_POPULATION, "-tr", "10", "-mt", "40", "-n", "2"]
        assert main(["train", "-e", "toy:mixed", *small]) == 0
    monkeypatch.setenv("BGPBT_RUNS", str(tmp_path / "runs"))
    notebook = executed("main_figure", tmp_path)
    assert len(shown(notebook, "image/png")) == 6
    assert (tmp_path / "figures" / "learning_curves.pdf").exists()


def test_policies_are_scored_and_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(TINY_AGENT) == 0
    monkeypatch.setenv("BGPBT_RUN", str(tmp_path / "runs" / "reacher-pbt-hpo-seed0"))
    monkeypatch.setenv("BGPBT_EPISODES", "8")
    notebook = executed("policies", tmp_path)
    assert shown(notebook, "image/gif") or (tmp_path / "agent.gif").stat().st_size > 1000
    assert any("<iframe srcdoc=" in text for text in shown(notebook, "text/html"))


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_notebooks_are_kept_without_outputs(path: Path) -> None:
    notebook = read(path)
    assert not any(cell.outputs for cell in notebook.cells if cell.cell_type == "code")
