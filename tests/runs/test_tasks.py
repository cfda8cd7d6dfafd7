"""What places and scores members asks the task, and need not know which it is."""

from dataclasses import replace
from pathlib import Path

import pytest

from bgpbt.cli import main
from bgpbt.errors import InputError
from bgpbt.runs import ExperimentSettings, assemble, check_fits, space_of
from tests.execution.test_compilations import settings

TOY = replace(settings(), environment="toy:shapes", space=None, search_mode="hpo")


@pytest.mark.parametrize("mode", ["hpo", "both"])
def test_the_space_that_is_shown_is_the_one_that_is_searched(mode: str) -> None:
    toy: ExperimentSettings = replace(TOY, search_mode=mode)
    searched = assemble(toy).space
    assert space_of(toy).names == searched.names
    assert ("policy_depth" in searched.names) == (mode == "both")


def test_a_toy_has_nothing_to_stack_and_needs_no_memory() -> None:
    experiment = assemble(TOY)
    check_fits(experiment, stack="auto", max_parallel=None, memory_budget=1)
    with pytest.raises(InputError, match="stack = on: toy:shapes has no networks to stack"):
        check_fits(experiment, stack="on", max_parallel=None, memory_budget=None)


def test_a_stack_of_a_toy_is_refused_before_anything_is_touched(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["train", "-e", "toy:plain", "--stack", "on", "--save-dir", str(tmp_path / "runs")]
    assert main(command) == 2
    assert "has no networks to stack" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()
