"""The page on the method names functions; each of them must exist."""

import importlib
import pkgutil
import re
from dataclasses import fields
from pathlib import Path

import pytest

import bgpbt.surrogate
from bgpbt.strategies import GenerationSettings, PopulationSettings
from bgpbt.strategies.named_schedules import SCHEDULES
from bgpbt.surrogate import SurrogateSettings

PAGE = (Path(__file__).parents[2] / "docs" / "method.md").read_text(encoding="utf-8")
NAMES = sorted(set(re.findall(r"`([A-Za-z_][\w.]*)`", PAGE)))
MODULES = [
    importlib.import_module(f"bgpbt.surrogate.{module.name}")
    for module in pkgutil.iter_modules(bgpbt.surrogate.__path__)
] + [
    importlib.import_module(f"bgpbt.{name}")
    for name in (
        "agents.ppo.distillation",
        "agents.networks.growth",
        "agents.ppo.loss",
        "agents.networks.shrink_perturb",
        "space",
        "strategies.architecture_search",
        "strategies.generation_settings",
        "strategies.generations",
        "strategies.founders",
        "strategies.gpbt",
        "strategies.growing_rounds",
        "strategies.ipbt",
        "strategies.population_rungs",
        "strategies.named_schedules",
        "strategies.stagnation",
    )
]
SETTINGS = {
    field.name
    for kind in (SurrogateSettings, GenerationSettings, PopulationSettings)
    for field in fields(kind)
}
OTHER_NAMES = {"bgpbt", "bgpbt.surrogate", "False", "both", *SCHEDULES} | SETTINGS


def test_the_page_names_many_functions() -> None:
    assert len(set(NAMES) - OTHER_NAMES) > 25


@pytest.mark.parametrize("name", sorted(set(NAMES) - OTHER_NAMES))
def test_every_named_function_exists(name: str) -> None:
    owner, _, attribute = name.partition(".")
    found = [getattr(module, owner) for module in MODULES if hasattr(module, owner)]
    assert found, f"docs/method.md names {name}, which is not there"
    assert not attribute or any(attribute in dir(item) for item in found)


DEFAULTS_ON_THE_PAGE = {
    "ucb_beta": r"\\beta = ([\d.]+)\$",
    "initial_length": r"\$L\$ starts at ([\d.]+) and",
    "minimum_length": r"would fall to ([\d.]+)\s",
    "initial_categorical_length": r"\$L_h\$ starts at ([\d.]+) and",
    "minimum_categorical_length": r"lies in \$\[([\d.]+), 1\]\$",
    "length_factor": r"grow by ([\d.]+),",
    "successes_to_grow": r"After (\d+)\s+successes",
    "failures_to_shrink": r"after (\d+) failures",
}


@pytest.mark.parametrize("name", DEFAULTS_ON_THE_PAGE)
def test_the_page_states_the_defaults(name: str) -> None:
    stated = re.search(DEFAULTS_ON_THE_PAGE[name], PAGE)
    assert stated is not None
    assert float(stated.group(1)) == getattr(SurrogateSettings(), name)
