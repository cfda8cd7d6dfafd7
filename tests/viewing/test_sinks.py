from pathlib import Path
from typing import Any

import pytest

from bgpbt.execution import LocalExecutor, run_loop
from bgpbt.execution.loop import Event, OutcomeCommitted
from bgpbt.records import Value
from bgpbt.runs import derived_seed
from bgpbt.storage import RunDirectory, create_run
from bgpbt.strategies import PopulationSettings, make_strategy
from bgpbt.toys import make_toy
from bgpbt.viewing.sinks import TensorBoardSink, log_rounds, several

SETTINGS = PopulationSettings(population=4, initial=6, quantile_fraction=0.25, t_ready=10, max_timesteps=40)


def go(run: RunDirectory, observer: Any) -> None:
    toy = make_toy("mixed")
    strategy = make_strategy("pbt", space=toy.space, settings=SETTINGS)
    executor = LocalExecutor(toy, run.checkpoints, 1)
    with run.open_history() as history:
        run_loop(strategy, executor, history, run.checkpoints, 0, observer=observer)


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return create_run(tmp_path / "run", {}, seed=derived_seed(0, "test"))


class Recorder:
    def __init__(self) -> None:
        self.rounds: list[tuple[int, dict[str, Value]]] = []

    def __call__(self, figures: dict[str, Value], step: int) -> None:
        self.rounds.append((step, figures))


class CrashError(Exception):
    pass


class CrashAfter:
    """Ends the loop after some outcomes, as a killed process would."""

    def __init__(self, outcomes: int) -> None:
        self.left = outcomes

    def __call__(self, event: Event) -> None:
        if isinstance(event, OutcomeCommitted):
            self.left -= 1
            if self.left == 0:
                raise CrashError


def test_every_round_is_told_once_with_the_figures_of_the_history(run: RunDirectory) -> None:
    log = Recorder()
    go(run, log_rounds(log))
    with run.open_history(read_only=True) as history:
        trained = history.trained()
    assert [step for step, _ in log.rounds] == [1, 2, 3, 4]
    for step, figures in log.rounds:
        pairs = [(order, outcome) for order, outcome in trained if order.round == step - 1]
        assert figures["return/best"] == max(outcome.score for _, outcome in pairs)
        assert figures["round/steps"] == sum(outcome.steps for _, outcome in pairs)
        for order, outcome in pairs:
            assert figures[f"member_{order.member}/return"] == outcome.score
            for name, value in order.configuration.items():
                assert figures[f"member_{order.member}/{name}"] == value
            for name, value in order.proposal.figures.items():
                assert figures[f"member_{order.member}/{name.replace('.', '/')}"] == value


@pytest.mark.parametrize("outcomes", [1, 6, 8, 17])
def test_an_interrupted_run_is_told_as_an_undisturbed_one(
    run: RunDirectory, tmp_path: Path, outcomes: int
) -> None:
    undisturbed, log = Recorder(), Recorder()
    go(create_run(tmp_path / "other", {}, seed=0), log_rounds(undisturbed))
    with pytest.raises(CrashError):
        go(run, several(CrashAfter(outcomes), log_rounds(log)))
    go(run, log_rounds(log))
    assert log.rounds == undisturbed.rounds


def test_tensorboard_reads_what_was_written(run: RunDirectory, tmp_path: Path) -> None:
    pytest.importorskip("tensorboardX")
    from tensorboardX.proto.event_pb2 import Event as TensorBoardEvent

    log = Recorder()
    go(run, several(log_rounds(log), TensorBoardSink(tmp_path / "board")))
    (path,) = (tmp_path / "board").iterdir()
    content, position = path.read_bytes(), 0
    scalars: dict[tuple[str, int], float] = {}
    while position < len(content):  # length (8), its checksum (4), record, its checksum (4)
        length = int.from_bytes(content[position : position + 8], "little")
        event = TensorBoardEvent.FromString(content[position + 12 : position + 12 + length])
        position += length + 16
        scalars |= {(value.tag, event.step): value.simple_value for value in event.summary.value}
    expected = {
        (name, step): float(value)
        for step, figures in log.rounds
        for name, value in figures.items()
        if not isinstance(value, str)
    }
    assert scalars.keys() == expected.keys()
    for key, value in expected.items():
        assert scalars[key] == pytest.approx(value, rel=1e-6)
