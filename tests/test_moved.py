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
    ("bgpbt.strategies.streams", "stream", "bgpbt.streams"),
    ("bgpbt.agents.networks", "Parameters", "bgpbt.agents.networks.perceptron"),
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


NAMES_OF_THE_LAST_VERSION = {
    "bgpbt.execution": (
        "EVALUATION TOY_PREFIX BestMember Event Experiment ExperimentSettings Generation LocalExecutor "
        "Observer Optimised Options OutcomeCommitted Prepares RoundPlanned RunFinished ScheduleFile Stack "
        "StackedExecutor StopRequested StopSwitch Trained ancestry assemble best_member bytes_of check_fits "
        "check_settings derived_seed difference generations local_executor optimise plain_settings "
        "read_schedule recover run_loop schedule_of settings_from settings_of steps_by_purpose table "
        "write_schedule"
    ),
    "bgpbt.execution.round_time": "Cluster predicted_seconds simulated_seconds",
    "bgpbt.viewing.collection": "Curve RunRecord common_grid read_runs",
    "bgpbt.viewing.statistics": (
        "CONFIDENCE Interval Scores interquartile_mean interval_of performance_profile "
        "probability_of_improvement resample"
    ),
    "bgpbt.viewing.comparison": (
        "Comparison Reference Scored compare draw_comparison draw_interval draw_profiles name_rows "
        "read_references to_json"
    ),
    "bgpbt.agents": (
        "PAPER_POLICY PAPER_VALUE Architecture Architectures DistillationSettings EpisodeReturns MemoryNeed "
        "PPOSettings PPOTrainer StackedTrainer check_space enable_persistent_cache local_devices"
    ),
    "bgpbt.agents.networks": (
        "PaddedSpectral Parameters Spectral apply initialise kernel_gradient spectral_step"
    ),
    "bgpbt.strategies.streams": "order_seed stream stream_seed",
    "bgpbt.xla": "compiler_options jit kept on_cpu",
}


@pytest.mark.parametrize(("old", "names"), NAMES_OF_THE_LAST_VERSION.items())
def test_every_name_of_the_last_version_is_still_there(old: str, names: str) -> None:
    module = importlib.import_module(old)
    assert [name for name in names.split() if not hasattr(module, name)] == []


def test_nothing_of_ours_uses_an_old_name() -> None:
    program = (
        "import warnings; warnings.filterwarnings('error', message='bgpbt.* now; the old name goes')\n"
        "import bgpbt.cli.study, bgpbt.cli.figures, bgpbt.study, bgpbt.viewing.report, bgpbt.viewing.figures"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
