"""A schedule in the forms of other programs says at every step what the schedule itself says."""

import ast
import importlib.util
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bgpbt.encoding import encode
from bgpbt.errors import InputError
from bgpbt.records import Checkpoint, Configuration, Purpose
from bgpbt.runs import (
    ScheduleFile,
    read_schedule,
    schedule_as_csv,
    schedule_as_python,
    schedule_as_ray,
    segments_of,
    write_schedule,
)
from bgpbt.runs.start import given_in
from bgpbt.strategies import Schedule, Stretch
from tests.strategies.runs import mixed_space

SPACE = mixed_space()
FIRST: Configuration = {**SPACE.default(), "rate": 1e-3}
SECOND: Configuration = {**FIRST, "optimizer": "sgd", "momentum": 0.25}
THIRD: Configuration = {**SECOND, "rate": 1e-2}


def stretch(index: int, first_step: int, steps: int, configuration: Configuration, **other: Any) -> Stretch:
    return replace(
        Stretch(
            parent=None,
            round=index,
            member=1,
            generation=0,
            purpose=Purpose.TRAIN,
            first_step=first_step,
            steps=steps,
            seed=index,
            score=float(index),
            checkpoint=Checkpoint(f"{index:064x}"),
            configuration=configuration,
        ),
        **other,
    )


# A teacher, then a student of it whose rounds end a little before they should, as those of a trainer do.
SCHEDULE = Schedule(
    stretches=(
        stretch(0, 0, 100, {**FIRST, "epochs": 1}),
        stretch(1, 100, 10, FIRST, teacher=0, distillation=10, purpose=Purpose.DISTIL, score=float("nan")),
        stretch(2, 110, 10, FIRST, parent=1),
        stretch(3, 119, 11, SECOND, parent=2),
        stretch(4, 129, 11, THIRD, parent=3),
    )
)
LINE = [*[FIRST] * 19, *[SECOND] * 10, *[THIRD] * 11]  # by step since the line began
CONSTANT = Schedule(stretches=(stretch(0, 0, 10, FIRST), stretch(1, 10, 10, FIRST, parent=0)))


def module_of(schedule: Schedule) -> dict[str, Any]:
    names: dict[str, Any] = {}
    text = schedule_as_python(schedule, source='the run "a\\b"')
    assert max(map(len, text.splitlines())) <= 110
    exec(compile(text, "schedule.py", "exec"), names)
    return names


def test_segments_are_the_line_without_its_teachers() -> None:
    segments = segments_of(SCHEDULE)
    assert [(item.first_step, item.steps) for item in segments] == [(0, 10), (10, 9), (19, 10), (29, 11)]
    trained = [item.configuration for item in segments for _ in range(item.steps)]
    assert trained == LINE


def test_a_table_has_a_row_for_each_segment_and_can_be_started_from(tmp_path: Path) -> None:
    text = schedule_as_csv(SCHEDULE)
    header, *rows = text.splitlines()
    assert header.startswith("round,member,first_step,steps,score,config.batch,")
    assert [row.split(",")[:5] for row in rows] == [
        ["1", "1", "0", "10", "nan"],
        ["2", "1", "10", "9", "2.0"],
        ["3", "1", "19", "10", "3.0"],
        ["4", "1", "29", "11", "4.0"],
    ]
    path = tmp_path / "s.csv"
    path.write_text(text, encoding="utf-8")
    assert [given.values for given in given_in(str(path), SPACE)] == [THIRD, SECOND, FIRST]


@pytest.mark.parametrize("ending", ["json", "yaml"])
def test_json_and_yaml_are_read_back(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"s.schedule.{ending}"
    write_schedule(path, ScheduleFile(settings={"seed": 3}, schedule=SCHEDULE), as_json=ending == "json")
    file = read_schedule(path)
    assert file.settings == {"seed": 3}
    assert encode(file.schedule) == encode(SCHEDULE)  # as text, since a NaN is not equal to itself
    assert [given.values for given in given_in(str(path), SPACE)] == [
        THIRD,
        SECOND,
        FIRST,
        {**FIRST, "epochs": 1},
    ]
    if ending == "json":
        json.loads(path.read_text(encoding="utf-8"), parse_constant=lambda name: pytest.fail(name))
        path.write_text("{", encoding="utf-8")
        with pytest.raises(InputError, match="is not JSON"):
            read_schedule(path)


def test_ray_replays_the_same_changes(tmp_path: Path) -> None:
    schedulers = pytest.importorskip("ray.tune.schedulers")
    for schedule, first, changes in (
        (SCHEDULE, FIRST, [(2, SECOND), (3, THIRD)]),
        (CONSTANT, FIRST, [(0, FIRST)]),
    ):
        path = tmp_path / "pbt_policy_x.txt"
        path.write_text(schedule_as_ray(schedule, 10), encoding="utf-8")
        replay = schedulers.PopulationBasedTrainingReplay(str(path))
        assert replay.config == first
        assert replay._policy == changes


def test_changes_that_fall_on_one_iteration_are_refused() -> None:
    with pytest.raises(InputError, match=r"steps_per_iteration = 100 puts two changes .* on iteration 0"):
        schedule_as_ray(SCHEDULE, 100)
    with pytest.raises(InputError, match="steps_per_iteration = 0 must be 1 or more"):
        schedule_as_ray(SCHEDULE, 0)


def test_a_module_says_at_every_step_what_is_trained() -> None:
    module = module_of(SCHEDULE)
    assert [module["at"](step) for step in range(40)] == LINE
    assert module["at"](10**9) == THIRD
    assert module["STEPS"] == 40
    assert module["segments"]() == [(19, FIRST), (10, SECOND), (11, THIRD)]
    assert module_of(CONSTANT)["segments"]() == [(20, FIRST)]


def test_stable_baselines_gets_a_function_of_the_remaining_progress() -> None:
    rate = module_of(SCHEDULE)["sb3_schedule"]("rate")
    assert [rate(1.0 - step / 40) for step in range(40)] == [configuration["rate"] for configuration in LINE]
    assert rate(0.0) == THIRD["rate"]
    longer = module_of(SCHEDULE)["sb3_schedule"]("rate", 80)
    assert [longer(1.0 - step / 80) for step in range(40)] == [rate(1.0 - step / 40) for step in range(40)]


@pytest.mark.parametrize("steps_per_update", [1, 3, 7])
def test_optax_gets_a_function_of_the_count_of_updates(steps_per_update: int) -> None:
    jax = pytest.importorskip("jax")
    optax = pytest.importorskip("optax")
    rate = module_of(SCHEDULE)["optax_schedule"]("rate", steps_per_update)
    counts = jax.numpy.arange(40 // steps_per_update)
    expected = [float(LINE[int(count) * steps_per_update]["rate"]) for count in counts]
    assert jax.jit(jax.vmap(rate))(counts).tolist() == pytest.approx(expected, rel=1e-6)
    descent = optax.sgd(rate)  # takes the schedule: the update is minus the rate
    update, _ = descent.update(jax.numpy.ones(()), descent.init(jax.numpy.zeros(())))
    assert float(update) == pytest.approx(-float(FIRST["rate"]), rel=1e-6)


def test_brax_gets_its_own_names() -> None:
    pytest.importorskip("brax")
    ours: Configuration = {
        "learning_rate": 3e-4,
        "discount": 0.97,
        "entropy_cost": 1e-2,
        "unroll_length": 5,
        "batch_size": 1024,
        "update_epochs": 4,
        "reward_scaling": 10.0,
        "gae_lambda": 0.95,
        "clip_epsilon": 0.3,
    }
    ((steps, arguments),) = module_of(Schedule(stretches=(stretch(0, 0, 50, ours),)))["brax_segments"]()
    assert steps == 50
    assert sorted(map(str, arguments.values())) == sorted(map(str, ours.values()))
    # Read, since this module of Brax cannot be imported beside every version of JAX.
    package = importlib.util.find_spec("brax")
    assert package is not None
    assert package.origin is not None
    source = Path(package.origin).parent / "training" / "agents" / "ppo" / "train.py"
    tree = ast.parse(source.read_text(encoding="utf-8"))
    (train,) = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "train"]
    taken = {argument.arg for argument in (*train.args.args, *train.args.kwonlyargs)}
    assert taken >= {*arguments, "num_timesteps", "restore_checkpoint_path"}
