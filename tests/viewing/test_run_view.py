"""The document of a run against the queries on its history, and reading while it is written."""

import json
import re
import shutil
import sqlite3
import typing
from dataclasses import replace
from importlib import resources
from pathlib import Path

import pytest

from bgpbt.analysis import best_member, generations, steps_by_purpose
from bgpbt.cli import main
from bgpbt.errors import RoundFailedError
from bgpbt.execution import Event
from bgpbt.records import Start, Trained
from bgpbt.runs import optimise
from bgpbt.space import space_to_json
from bgpbt.storage import create_run, open_run
from bgpbt.strategies import PopulationSettings
from bgpbt.toys import make_toy
from bgpbt.trainers import BytesTrainer, Job
from bgpbt.viewing.run_reader import RunReader, read_document
from bgpbt.viewing.run_view import STARTS, Json, _regions
from tests.viewing.toy_runs import create, go_on, toy_settings


@pytest.fixture(scope="session")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run with three generations."""
    directory = tmp_path_factory.mktemp("shapes")
    flags = ["-e", "toy:shapes", "-sm", "both", "-tr", "10", "-mt", "160", "-ps", "6", "-ni", "9"]
    generations_ = ["-td", "20", "-de", "40", "-md", "2", "-qf", "0.2"]
    assert main(["train", *flags, *generations_, "-sd", str(directory)]) == 0
    (run,) = directory.iterdir()
    return run


def by_key(document: Json) -> dict[tuple[int, int], Json]:
    """Return the rows of a document by round and member, as mappings."""
    fields = document["head"]["fields"]
    named = [dict(zip(fields, row, strict=True)) for row in document["rows"]]
    return {(row["round"], row["member"]): row for row in named}


def ancestry_of(document: Json, key: tuple[int, int]) -> list[tuple[int, int]]:
    """Follow the weights back, as the page does."""
    rows, line = by_key(document), [key]
    while (weights := rows[line[-1]]["weights"]) is not None:
        line.append(tuple(weights))
    return line[::-1]


def test_the_page_has_words_for_every_kind_of_start() -> None:
    assert set(STARTS) == {kind.__name__.lower() for kind in typing.get_args(Start)}
    page = resources.files("bgpbt.viewing") / "page" / "panels.js"
    (words,) = re.findall(r"const how = \{(.*?)\};", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert set(re.findall(r"(\w+): \"", words)) == set(STARTS)


def test_every_number_is_that_of_the_history(shapes: Path) -> None:
    document = json.loads(json.dumps(read_document(shapes, "shapes"), allow_nan=False))
    with open_run(shapes).open_history(read_only=True) as history:
        trained = history.trained()
    rows, head = by_key(document), document["head"]
    names = [hyperparameter["name"] for hyperparameter in head["hyperparameters"]]
    assert len(rows) == len(trained)
    for order, outcome in trained:
        row = rows[order.round, order.member]
        assert row["score"] == outcome.score
        assert (row["steps"], row["first_step"]) == (outcome.steps, order.first_step)
        assert head["purposes"][row["purpose"]] == order.purpose.value
        assert head["sources"][row["source"]] == order.proposal.source.value
        assert row["parent"] == order.proposal.parent
        while row["configuration"] is None:
            row = rows[tuple(row["weights"])]
        values = dict(zip(names, row["configuration"], strict=True))
        assert {name: value for name, value in values.items() if value is not None} == dict(
            order.configuration
        )


def test_summary_agrees_with_the_queries(shapes: Path) -> None:
    document = read_document(shapes, "shapes")
    with open_run(shapes).open_history(read_only=True) as history:
        trained = history.trained()
    best, summary = best_member(trained), document["summary"]
    assert best is not None
    assert ancestry_of(document, summary["best"]) == [
        (order.round, order.member) for order, _ in best.ancestry
    ]
    assert summary["steps"] == steps_by_purpose(trained)
    assert summary["finished"]
    expected = generations(trained)
    assert len(expected) == 3
    for shown, generation in zip(summary["generations"], expected, strict=True):
        assert shown["students"] == generation.students
        assert shown["distillation_steps"] == generation.distillation_steps
        assert generation.best is not None
        assert shown["best"] == (generation.best[0].round, generation.best[0].member)


def test_students_have_their_teacher(shapes: Path) -> None:
    document = read_document(shapes, "shapes")
    students = [row for row in by_key(document).values() if row["rung"] is not None]
    assert students
    for row in students:
        assert row["teacher"] is not None
        assert row["teacher"][0] < row["round"]


def test_a_part_is_the_end_of_the_whole(shapes: Path) -> None:
    reader = RunReader(shapes, "shapes")
    reader.poll()
    whole, part = reader.document()["rows"], reader.document(first_round=5)["rows"]
    reader.close()
    assert part == [row for row in whole if row[0] >= 5]
    assert part


def test_scales_are_those_of_the_space(shapes: Path) -> None:
    scales = {item["name"]: item for item in read_document(shapes, "s")["head"]["hyperparameters"]}
    assert scales["learning_rate"]["scale"] == "log"
    assert scales["policy_depth"]["scale"] == "linear"
    assert scales["policy_spectral_norm"]["scale"] == "choice"


def test_the_region_in_the_state_is_shown(tmp_path: Path) -> None:
    flags = ["-tr", "10", "-mt", "40", "-ps", "4", "-ni", "5", "-qf", "0.25", "-sd", str(tmp_path)]
    assert main(["train", "-e", "toy:plain", *flags]) == 0
    (run,) = tmp_path.iterdir()
    region = read_document(run, "plain")["summary"]["region"]
    assert 0.0 < region["length"] <= 2.0
    assert region["restarts"] == 0


def test_every_region_that_a_proposal_names_is_there(tmp_path: Path) -> None:
    settings = toy_settings("toy:mixed", max_timesteps=150)
    run = create(tmp_path / "run", settings)
    go_on(run, settings)
    document = read_document(run.path, "run")
    regions = {round_index: side for round_index, side, _ in document["summary"]["regions"]}
    notes = {
        row["round"]: row["note"].partition(",")[0]
        for row in by_key(document).values()
        if row["note"].startswith("region")
    }
    assert notes
    assert {round_index: f"region {side:.3g}" for round_index, side in regions.items()} == notes


def test_a_restart_of_the_region_is_where_the_count_rises(shapes: Path) -> None:
    with open_run(shapes).open_history(read_only=True) as history:
        trained = history.trained()[:7]
    counts = (0, 1, 1, 2, 2, 0, 1)  # a generation begins before the sixth round
    proposed = [
        Trained(replace(order, round=index, proposal=replace(order.proposal, figures=figures)), outcome)
        for index, ((order, outcome), count) in enumerate(zip(trained, counts, strict=True))
        for figures in [{"region.length": 0.1 * index, "region.restarts": float(count)}]
    ]
    regions = _regions(proposed)
    assert [restart for *_, restart in regions] == [None, 1, None, 2, None, None, 1]
    assert [(index, side) for index, side, _ in regions] == [(index, 0.1 * index) for index in range(7)]


def test_levels_searched_as_equally_far_apart_are_ticks_of_a_log_scale(tmp_path: Path) -> None:
    settings = toy_settings("toy:mixed")
    run = create(tmp_path / "run", settings)
    scales = {item["name"]: item for item in read_document(run.path, "run")["head"]["hyperparameters"]}
    assert scales["batch_size"]["scale"] == "log"
    assert scales["batch_size"]["levels"] == [16, 32, 64, 128, 256]
    assert scales["epochs"]["scale"] == "log"
    assert "levels" not in scales["epochs"]


def test_reading_after_every_event_gives_what_reading_at_once_gives(tmp_path: Path) -> None:
    settings = toy_settings()
    run = create(tmp_path / "run", settings)
    reader = RunReader(run.path, "run")
    seen: list[int] = []

    def look(event: Event) -> None:
        reader.poll()
        seen.append(len(reader.document()["rows"]))

    go_on(run, settings, look)
    assert seen == sorted(seen)
    assert len(set(seen)) > 10
    grown, whole = reader.document(), read_document(run.path, "run")
    reader.close()
    assert json.dumps(grown) == json.dumps(whole)
    assert grown["summary"]["finished"]


def test_an_overwritten_run_is_another(shapes: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(shapes, copy)
    reader = RunReader(copy, "copy")
    reader.poll()
    before = reader.version
    shutil.rmtree(copy)
    reader.poll()
    assert reader.document()["problem"]
    create_run(copy, {"environment": "toy:plain"}, seed=1)
    reader.poll()
    assert reader.version != before
    assert reader.document()["rows"] == []
    assert reader.document()["problem"] is None
    reader.close()


def test_a_damaged_history_shows_what_is_there(shapes: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(shapes, copy)
    with sqlite3.connect(copy / "history.sqlite") as connection:
        connection.execute("UPDATE outcomes SET record = 'nonsense' WHERE round = 3 AND member = 1")
    connection.close()
    whole, damaged = read_document(shapes, "s"), read_document(copy, "s")
    assert "history.sqlite" in damaged["problem"]
    assert len(damaged["rows"]) == len(whole["rows"]) - 1


def test_a_run_that_is_not_there_is_told(tmp_path: Path) -> None:
    document = read_document(tmp_path / "none", "none")
    assert "none" in document["problem"]
    assert document["head"] is None
    assert document["rows"] == []


def test_a_run_of_ones_own_trainer_has_the_scales_of_its_space(tmp_path: Path) -> None:
    space = json.loads(space_to_json(make_toy("mixed").space))
    run = create_run(tmp_path / "run", {"strategy": "pbt", "space": space, "settings": {}}, seed=3)
    document = read_document(run.path, "run")
    scales = {item["name"]: item["scale"] for item in document["head"]["hyperparameters"]}
    assert scales["learning_rate"] == "log"
    assert document["head"]["expected_steps"] is None
    assert document["problem"] is None


def test_why_all_members_failed_is_told(tmp_path: Path) -> None:
    def broken(job: Job, weights: bytes | None) -> tuple[bytes, float]:
        raise ValueError("odd member" if job.member % 2 else "even member")

    toy = make_toy("plain")
    settings = PopulationSettings(t_ready=1, max_timesteps=2, population=3, initial=5, quantile_fraction=0.34)
    with pytest.raises(RoundFailedError):
        optimise(BytesTrainer(broken), toy.space, settings, tmp_path / "run")
    shown = read_document(tmp_path / "run", "run")["summary"]
    assert (shown["best"], shown["failed"], shown["finished"]) == (None, 5, False)
    (most, three), (fewest, two) = shown["reasons"]
    assert (three, two) == (3, 2)
    assert "even member" in most
    assert "odd member" in fewest
