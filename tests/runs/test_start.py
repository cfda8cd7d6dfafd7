"""Where configurations to start from may stand, and what is said of those that cannot be trained."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from ConfigSpace import Categorical, ConfigurationSpace, Constant, Float, Integer

from bgpbt.analysis import best_member, table
from bgpbt.cli.arguments import TrainArguments
from bgpbt.cli.tables import write_table
from bgpbt.encoding import encode
from bgpbt.errors import InputError
from bgpbt.records import Configuration, Trained
from bgpbt.runs import (
    ExperimentSettings,
    Optimised,
    Options,
    ScheduleFile,
    check_settings,
    optimise,
    remarks_of,
    schedule_of,
    space_of,
    with_start,
    write_schedule,
)
from bgpbt.runs.start import given_in
from bgpbt.space import Space, space_from_json
from bgpbt.strategies import PopulationSettings
from bgpbt.toys import make_toy
from tests.strategies.runs import mixed_space

TOY = make_toy("mixed")
SETTINGS = TrainArguments(env="toy:mixed", t_ready=10, max_timesteps=60, n_init=12).settings(0)
WINNER: Configuration = {"optimizer": "sgd", "momentum": 0.25, "rate": 1e-3, "nesterov": False, "epochs": 2}


def written(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


def values(source: str, space: Space | None = None) -> list[Configuration]:
    return [given.values for given in given_in(source, space or mixed_space())]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Optimised:
    settings = PopulationSettings(
        t_ready=10, max_timesteps=120, population=4, initial=4, quantile_fraction=0.5
    )
    path = tmp_path_factory.mktemp("runs") / "run"
    return optimise(TOY, TOY.space, settings, path, options=Options(strategy="pbt"))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.json", json.dumps(WINNER)),
        ("a.json", json.dumps([{**WINNER, "shift": None}])),
        ("a.yaml", "optimizer: sgd\nmomentum: 0.25\nrate: 1e-3\nnesterov: false\nepochs: 2\n"),
        ("a.yml", "- {optimizer: sgd, momentum: 0.25, rate: 1e-3, nesterov: false, epochs: 2, shift: }\n"),
        ("a.csv", "optimizer,momentum,rate,nesterov,epochs,shift\nsgd,0.25,1e-3,False,2,\n"),
        ("a.csv", "\ufeffoptimizer, momentum , rate,nesterov,epochs\r\nsgd, 0.25,1E-3,false,2.0\r\n,,,,\r\n"),
    ],
)
def test_the_same_configuration_in_every_form(name: str, text: str, tmp_path: Path) -> None:
    assert values(written(tmp_path / name, text)) == [WINNER]


def test_rows_keep_their_sequence_and_what_is_written_twice(tmp_path: Path) -> None:
    source = written(tmp_path / "a.csv", "epochs\n3\n1\n3\n")
    assert values(source) == [{"epochs": 3}, {"epochs": 1}, {"epochs": 3}]


def test_a_cell_is_what_its_input_takes(tmp_path: Path) -> None:
    described = ConfigurationSpace()
    described.add(
        Categorical("switch", ["on", "off"]),
        Categorical("digit", ["1", "2"]),
        Categorical("flag", [True, False]),
        Float("x", (0.0, 2.0)),
        Integer("n", (0, 10)),
        Constant("version", "v1"),
    )
    source = written(tmp_path / "a.csv", "switch,digit,flag,x,n,version\non,1,True,1,007,v1\n")
    space = Space.from_configspace(described)
    assert values(source, space) == [
        {"switch": "on", "digit": "1", "flag": True, "x": 1, "n": 7, "version": "v1"}
    ]


def test_an_export_begins_with_its_best_rows(finished: Optimised, tmp_path: Path) -> None:
    path = tmp_path / "members.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        write_table(file, finished.trained)
    best = sorted(finished.trained, key=lambda pair: -pair.outcome.score)
    expected: list[Configuration] = []
    for order, _ in best:
        if order.configuration not in expected:
            expected.append(order.configuration)
    assert values(str(path), TOY.space) == expected
    columns, _ = table(finished.trained)
    assert len(expected) < len(finished.trained)
    assert "config.momentum" in columns


def test_failed_members_of_an_export_come_last(tmp_path: Path) -> None:
    rows = "config.epochs,score,failure\n1,nan,\n2,9,out of memory\n3,-5,\n4,,\n5,-4,\n"
    source = written(tmp_path / "a.csv", rows)
    assert [found["epochs"] for found in values(source)] == [5, 3, 1, 2, 4]


def lineage_of(trained: Sequence[Trained]) -> list[Configuration]:
    """The configurations of the winner's line, newest first, by a walk of its own."""
    best = best_member(trained)
    assert best is not None
    line, found = [best.trained], []
    while (weights := line[-1].order.start.weights) is not None:
        line.append([pair for pair in trained if pair.outcome.checkpoint == weights][-1])
    for order, _ in line:
        if order.configuration not in found:
            found.append(order.configuration)
    return found


def test_a_run_gives_the_lineage_of_its_winner_newest_first(finished: Optimised, tmp_path: Path) -> None:
    expected = lineage_of(finished.trained)
    assert len(expected) > 1
    assert values(str(finished.run.path), TOY.space) == expected
    assert finished.best is not None
    schedule = schedule_of(finished.best.trained, finished.trained)
    write_schedule(tmp_path / "s.yaml", ScheduleFile(settings={}, schedule=schedule))
    assert values(str(tmp_path / "s.yaml"), TOY.space) == expected


def test_sources_follow_each_other(finished: Optimised, tmp_path: Path) -> None:
    own = written(tmp_path / "a.yaml", "epochs: 3")
    settings = with_start(SETTINGS, [own, "default", str(finished.run.path)])
    assert settings.start == ({"epochs": 3}, TOY.space.default(), *lineage_of(finished.trained))
    assert [line.split(":")[0] for line in remarks_of(settings)] == ["start"]
    assert replace(settings, start=()) == SETTINGS
    assert settings.population_settings.start == settings.start


def test_without_start_the_settings_are_stored_as_before() -> None:
    assert '"start"' not in encode(SETTINGS)
    assert remarks_of(SETTINGS) == ()


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "rate,epochs\n1e-3,2\n0.2,2\n", "row 2: rate = 0.2 must be a number from 0.0001 to 0.1"),
        ("a.csv", "rate\nfast\n", "row 1: rate = 'fast' must be a number from 0.0001 to 0.1"),
        ("a.csv", "optimizer\nadamw\n", "row 1: optimizer = 'adamw' must be one of 'adam', 'sgd', 'lamb'"),
        ("a.csv", "rates\n1e-3\n", "row 1: rates is not in the space (did you mean rate?); it has"),
        ("a.csv", "rate,epochs\n1e-3,2,7\n", "row 1 has 3 cells, the header 2"),
        ("a.csv", "rate,rate\n1e-3,1e-2\n", "a.csv has the column 'rate' twice"),
        ("a.csv", "rate\n", "a.csv holds no configuration"),
        ("a.csv", "", "a.csv holds no configuration"),
        ("a.json", "[]", "a.json holds no configuration"),
        ("a.json", "{", "a.json is not JSON: Expecting property name"),
        ("a.yaml", "{", "a.yaml is not YAML: "),
        ("a.yaml", "3", "a.yaml must hold a mapping of names to values, or a list of such"),
        ("a.yaml", "- rate", "configuration 1: 'rate' must be a mapping of names to values"),
        ("a.yaml", "rate: [1e-3]", "a.yaml: rate = [0.001] must be a number, a text, true or false"),
        ("a.json", '{"rate": NaN}', "a.json: rate = nan must be a number from 0.0001 to 0.1"),
        (
            "a.yaml",
            "- {epochs: 1}\n- {momentum: 0.5}",
            "configuration 2: momentum = 0.5 is given, but optimizer = 'adam' switches it off: "
            "it needs optimizer == 'sgd'",
        ),
        ("a.txt", "rate: 1", "a.txt must end in .json, .yaml, .yml or .csv, or be the directory of a run"),
    ],
)
def test_what_cannot_be_trained_is_one_line_that_says_where(
    name: str, text: str, message: str, tmp_path: Path
) -> None:
    source = written(tmp_path / name, text)
    with pytest.raises(InputError) as caught:
        given_in(source, mixed_space())
    assert str(caught.value).startswith(source)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("none.yaml", "none.yaml: there is no such file or run; give one, or default"),
        (".", "is not the directory of a run"),
    ],
)
def test_a_source_that_is_none(
    source: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=message):
        given_in(source, mixed_space())


def test_names_of_other_libraries_are_understood_for_ppo(tmp_path: Path) -> None:
    pytest.importorskip("jax")
    settings = replace(SETTINGS, environment="reacher")
    for name, meant in (("ent_coef", "entropy_cost"), ("n_envs", "--num-envs"), ("gae_lambd", "gae_lambda")):
        source = written(tmp_path / "a.yaml", f"{name}: 0.1")
        with pytest.raises(InputError, match=rf"a.yaml: {name} is not in the space \(did you mean {meant}\?"):
            with_start(settings, [source])
    source = written(tmp_path / "a.yaml", "policy_depth: 3")  # searched in search mode both alone
    with pytest.raises(InputError, match=r"policy_depth is not in the space; it has"):
        with_start(settings, [source])
    both = with_start(replace(settings, search_mode="both"), [source])
    assert both.start == ({"policy_depth": 3},)


def space_around(settings: ExperimentSettings, source: str, share: float | None = None) -> Space:
    narrowed = with_start(settings, (), source, share)
    assert narrowed.start == ()
    assert narrowed.space is not None
    check_settings(narrowed)  # a toy takes a part of its own space
    return space_from_json(narrowed.space)


def test_a_region_around_a_configuration_is_the_space_of_the_run(tmp_path: Path) -> None:
    source = written(tmp_path / "a.csv", "momentum,optimizer\n0.5,sgd\n0.9,sgd\n")
    part = space_around(SETTINGS, source)
    assert part.default() == {**TOY.space.default(), "momentum": 0.5, "optimizer": "sgd"}
    (momentum,) = [item for item in part.inputs if item.name == "momentum"]
    assert (momentum.value(0.0), momentum.value(1.0)) == (0.375, 0.625)
    (wider,) = [item for item in space_around(SETTINGS, source, 0.5).inputs if item.name == "momentum"]
    assert (wider.value(0.0), wider.value(1.0)) == (0.25, 0.75)


def test_start_and_region_go_together(finished: Optimised, tmp_path: Path) -> None:
    centre = str(finished.run.path)
    settings = with_start(SETTINGS, ["default"], centre, 0.1)
    assert settings.start[0] == pytest.approx(lineage_of(finished.trained)[0])
    far = written(tmp_path / "far.yaml", "momentum: 0.0")
    with pytest.raises(InputError, match=r"far.yaml: momentum = 0.0 must be a number from 0\.[1-9]"):
        with_start(SETTINGS, [far], written(tmp_path / "a.yaml", "momentum: 0.5"))


def test_a_toy_takes_no_other_space(tmp_path: Path) -> None:
    other = replace(SETTINGS, environment="toy:shapes")
    source = written(tmp_path / "a.yaml", f"{TOY.space.names[0]}: {TOY.space.default()[TOY.space.names[0]]}")
    narrowed = with_start(SETTINGS, (), source)
    with pytest.raises(InputError, match="toy:shapes searches its own space or a part of it"):
        check_settings(replace(other, space=narrowed.space))


def test_a_region_of_architectures_is_searched_as_it_is(tmp_path: Path) -> None:
    settings = replace(SETTINGS, environment="toy:shapes", search_mode="both")
    source = written(tmp_path / "a.yaml", "policy_depth: 2\n")
    narrowed = with_start(settings, ["default"], source)
    assert space_of(narrowed).default()["policy_depth"] == 2
    (depth,) = [item for item in space_of(narrowed).inputs if item.name == "policy_depth"]
    assert {depth.value(0.0), depth.value(0.5), depth.value(1.0)} == {1, 2, 3}
