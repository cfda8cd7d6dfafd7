from pathlib import Path

import pytest

from bgpbt.cli import main


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of runs: two strategies, two seeds, two tasks."""
    directory = tmp_path_factory.mktemp("viewing")
    small = ["-ps", "4", "-ni", "6", "-tr", "10", "-mt", "50", "-qf", "0.25", "-n", "2"]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(directory)
        for task in ("toy:mixed", "toy:plain"):
            for strategy in ("pbt", "random"):
                assert main(["train", "-e", task, "-o", strategy, *small]) == 0
    return directory / "runs"
