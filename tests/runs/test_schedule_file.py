"""The schedule of a member, through its file, trains the same member again."""

from dataclasses import replace
from pathlib import Path

import pytest
from ConfigSpace import ConfigurationSpace

from bgpbt.analysis import best_member
from bgpbt.errors import DamagedRunError, InputError
from bgpbt.execution import LocalExecutor, run_loop
from bgpbt.records import Purpose, ShrinkPerturb, Trained
from bgpbt.runs import Options, ScheduleFile, optimise, read_schedule, schedule_of, write_schedule
from bgpbt.space import Space, with_architectures
from bgpbt.storage import create_run
from bgpbt.strategies import (
    GenerationSettings,
    PopulationSettings,
    Replay,
    Schedule,
    make_strategy,
)
from bgpbt.toys import Toy, make_toy
from bgpbt.trainers import BytesTrainer, Job

POPULATION = PopulationSettings(
    population=4, initial=8, quantile_fraction=0.25, t_ready=10, max_timesteps=200
)
GENERATIONS = GenerationSettings(t_distillation=24, distill_every=50, max_distillation=2)


def toy() -> Toy:
    shapes = make_toy("shapes")
    return replace(shapes, space=with_architectures(shapes.space))


def trained_run(path: Path) -> list[Trained]:
    strategy = make_strategy("bgpbt", space=toy().space, settings=POPULATION, generations=GENERATIONS)
    run = create_run(path, {}, seed=3)
    with run.open_history() as history:
        run_loop(strategy, LocalExecutor(toy(), run.checkpoints), history, run.checkpoints, 3)
        return history.trained()


def replayed(
    path: Path, schedule: Schedule, *, reseed: bool = False, seed: int = 0, on: Toy | None = None
) -> list[Trained]:
    run = create_run(path, {}, seed=seed)
    with run.open_history() as history:
        executor = LocalExecutor(on or toy(), run.checkpoints)
        run_loop(Replay(schedule=schedule, reseed=reseed), executor, history, run.checkpoints, seed)
        return history.trained()


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> list[Trained]:
    return trained_run(tmp_path_factory.mktemp("runs") / "run")


def test_a_replay_repeats_every_stretch_to_the_byte_distillations_too(
    trained: list[Trained], tmp_path: Path
) -> None:
    best = best_member(trained)
    assert best is not None
    schedule = schedule_of(best.trained, trained)
    assert any(stretch.purpose is Purpose.DISTIL for stretch in schedule.stretches)
    write_schedule(tmp_path / "schedule.yaml", ScheduleFile(settings={"a": 1}, schedule=schedule))
    file = read_schedule(tmp_path / "schedule.yaml")
    assert file == ScheduleFile(settings={"a": 1}, schedule=schedule)
    again = replayed(tmp_path / "replay", file.schedule)
    assert [outcome.checkpoint for _, outcome in again] == [s.checkpoint for s in schedule.stretches]
    assert again[-1][1].checkpoint == best.outcome.checkpoint


def test_a_replay_repeats_shrunk_weights_to_the_byte(tmp_path: Path) -> None:
    settings = PopulationSettings(
        population=4, initial=6, quantile_fraction=0.25, t_ready=10, max_timesteps=160
    )
    shapes = make_toy("shapes")
    strategy = make_strategy("ipbt", space=shapes.space, settings=settings, first_round=0.02)
    run = create_run(tmp_path / "run", {}, seed=0)
    with run.open_history() as history:
        run_loop(strategy, LocalExecutor(shapes, run.checkpoints), history, run.checkpoints, 0)
        trained = history.trained()
    shrunk = next(pair for pair in trained if isinstance(pair.order.start, ShrinkPerturb))
    schedule = schedule_of(shrunk, trained)
    assert (schedule.stretches[-1].keep, schedule.stretches[-1].fresh) == (0.2, 0.1)
    write_schedule(tmp_path / "schedule.yaml", ScheduleFile(settings={}, schedule=schedule))
    read = read_schedule(tmp_path / "schedule.yaml").schedule
    again = replayed(tmp_path / "replay", read, on=shapes)
    assert [outcome.checkpoint for _, outcome in again] == [s.checkpoint for s in schedule.stretches]
    assert again[-1].order.start == shrunk.order.start


def test_every_member_that_is_left_can_be_made_again(trained: list[Trained], tmp_path: Path) -> None:
    last = max(order.round for order, _ in trained)
    for order, outcome in trained:
        if order.round == last and outcome.checkpoint is not None:
            schedule = schedule_of(Trained(order, outcome), trained)
            again = replayed(tmp_path / f"{order.member}", schedule)
            assert again[-1][1].checkpoint == outcome.checkpoint


def test_other_seeds_are_other_orders_of_the_same_schedule(trained: list[Trained], tmp_path: Path) -> None:
    schedule = schedule_of(trained[-1], trained)
    one, other = (replayed(tmp_path / f"{seed}", schedule, reseed=True, seed=seed) for seed in (1, 2))
    for stretch, (first, _), (second, _) in zip(schedule.stretches, one, other, strict=True):
        assert len({stretch.seed, first.seed, second.seed}) == 3
        assert first.configuration == second.configuration == stretch.configuration


def test_a_history_with_a_gap_is_named(trained: list[Trained]) -> None:
    with pytest.raises(DamagedRunError, match="no order in the history made checkpoint"):
        schedule_of(trained[-1], trained[-2:])
    order, outcome = trained[-1]
    with pytest.raises(DamagedRunError, match=rf"member {order.member} of round {order.round + 1} left no"):
        schedule_of(Trained(order, replace(outcome, checkpoint=None)), trained)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[1, 2]", "is not a schedule; write one with bgpbt schedule RUN"),
        ("a: [", "is not YAML"),
        ("format: bgpbt schedule\nformat_version: 2", "format 2; this bgpbt reads format 1"),
        ("format: bgpbt schedule\nformat_version: 1\nsettings: {}\nstretches: []", "at least one stretch"),
        (
            "format: bgpbt schedule\nformat_version: 1\nsettings: {}\nstretches: [{}]",
            "a stretch lacks a field",
        ),
    ],
)
def test_what_is_not_a_schedule_is_refused_in_one_line(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "x.yaml").write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=message) as caught:
        read_schedule(tmp_path / "x.yaml")
    assert "\n" not in str(caught.value)


def test_a_stretch_builds_on_earlier_ones_only(trained: list[Trained]) -> None:
    first, *rest = schedule_of(trained[-1], trained).stretches
    with pytest.raises(InputError, match="stretch 0: parent = 1 must be an earlier stretch"):
        Schedule(stretches=(replace(first, parent=1), *rest))


def test_of_members_with_equal_bytes_the_schedule_is_that_of_the_best(tmp_path: Path) -> None:
    """A trainer may leave the same bytes again and again, with other configurations and scores."""

    def train(job: Job, weights: bytes | None) -> tuple[bytes, float]:
        return b"same", float(job.configuration["rate"]) + job.round

    space = Space.from_configspace(ConfigurationSpace({"rate": (0.0, 1.0)}))
    options = Options(strategy="pbt", seed=1)
    finished = optimise(BytesTrainer(train), space, POPULATION, tmp_path / "run", options=options)
    best = finished.best
    assert best is not None
    assert best.order.round == max(order.round for order, _ in finished.trained) > 1
    stretches = schedule_of(best.trained, finished.trained).stretches
    assert [(s.round, s.member, s.configuration) for s in stretches] == [
        (order.round, order.member, order.configuration) for order, _ in best.ancestry
    ]
    assert stretches[-1].score == best.outcome.score
