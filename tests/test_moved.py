"""Names in their old places: the same objects, with a warning that says where they are now."""

import importlib
import subprocess
import sys

import pytest

MOVED = [
    ("bgpbt.execution", "optimise", "bgpbt.runs"),
    ("bgpbt.execution", "ExperimentSettings", "bgpbt.runs"),
    ("bgpbt.execution", "best_member", "bgpbt.analysis"),
    ("bgpbt.execution", "Trained", "bgpbt.records"),
    ("bgpbt.execution.round_time", "Cluster", "bgpbt.ray.round_time"),
    ("bgpbt.viewing.collection", "read_runs", "bgpbt.analysis.collection"),
    ("bgpbt.viewing.statistics", "interval_of", "bgpbt.analysis.statistics"),
    ("bgpbt.viewing.comparison", "compare", "bgpbt.analysis.comparison"),
]


@pytest.mark.parametrize(("old", "name", "new"), MOVED)
def test_an_old_name_is_the_new_one_and_says_where_it_is(old: str, name: str, new: str) -> None:
    with pytest.warns(DeprecationWarning, match=rf"{old}\.{name} is {new}\.{name} now"):
        found = getattr(importlib.import_module(old), name)
    assert found is getattr(importlib.import_module(new), name)


@pytest.mark.parametrize("old", sorted({old for old, *_ in MOVED}))
def test_a_name_that_never_was_is_none(old: str) -> None:
    with pytest.raises(AttributeError, match=f"module '{old}' has no attribute 'nothing'"):
        _ = importlib.import_module(old).nothing


def test_every_name_of_the_last_version_is_still_there() -> None:
    names = (
        "EVALUATION TOY_PREFIX BestMember Event Experiment ExperimentSettings Generation LocalExecutor "
        "Observer Optimised Options OutcomeCommitted Prepares RoundPlanned RunFinished ScheduleFile Stack "
        "StackedExecutor StopRequested StopSwitch Trained ancestry assemble best_member bytes_of check_fits "
        "check_settings derived_seed difference generations local_executor optimise plain_settings "
        "read_schedule recover run_loop schedule_of settings_from settings_of steps_by_purpose table "
        "write_schedule"
    )
    execution = importlib.import_module("bgpbt.execution")
    assert all(hasattr(execution, name) for name in names.split())


def test_nothing_of_ours_uses_an_old_name() -> None:
    program = (
        "import warnings; warnings.filterwarnings('error', message='bgpbt.* now; the old name goes')\n"
        "import bgpbt.cli.study, bgpbt.cli.figures, bgpbt.study, bgpbt.viewing.report, bgpbt.viewing.figures"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
