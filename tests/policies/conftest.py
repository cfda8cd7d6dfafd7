from pathlib import Path

import pytest

from bgpbt.cli import main
from bgpbt.policies import TrainedPolicy, best_policy
from bgpbt.storage import RunDirectory, open_run

TINY = [
    *["train", "-e", "reacher", "-o", "pbt", "-ps", "2", "-ni", "2", "-qf", "0.5", "-tr", "2_000"],
    *["-mt", "4_000", "--seed", "3", "--num-envs", "32", "--num-minibatches", "4", "--episode-length", "50"],
    *["--eval-episodes", "8", "--test-episodes", "16", "--policy", "1", "8", "--value", "1", "8"],
]


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """A finished run of seconds."""
    directory = tmp_path_factory.mktemp("policies")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(directory)
        assert main(TINY) == 0
    return open_run(directory / "runs" / "reacher-pbt-hpo-seed3")


@pytest.fixture(scope="session")
def policy(run: RunDirectory) -> TrainedPolicy:
    return best_policy(run)


@pytest.fixture
def toy_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    assert (
        main(["train", "-e", "toy:plain", "-tr", "10", "-mt", "20", "-ni", "4", "-ps", "4", "-qf", "0.25"])
        == 0
    )
    return Path("runs/toy-plain-bgpbt-hpo-seed0")
