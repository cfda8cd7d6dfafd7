import time
from dataclasses import replace
from pathlib import Path

import pytest

from bgpbt.errors import InputError
from bgpbt.execution import Event, OutcomeCommitted
from bgpbt.runs import Optimised, Options, optimise
from bgpbt.strategies import PopulationSettings
from bgpbt.toys import make_toy

TOY = make_toy("mixed")
SETTINGS = PopulationSettings(t_ready=10, max_timesteps=60, population=4, initial=8, quantile_fraction=0.25)


def run(path: Path, options: Options | None = None) -> Optimised:
    return optimise(TOY, TOY.space, SETTINGS, path, options=options)


def test_a_run_in_one_call(tmp_path: Path) -> None:
    finished = run(tmp_path / "run")
    best = finished.best
    assert best is not None
    assert best.outcome.score == max(outcome.score for _, outcome in finished.trained)
    assert len(finished.trained) == 8 + 5 * 4
    assert best.outcome.checkpoint is not None
    assert finished.run.checkpoints.load(best.outcome.checkpoint)[0]["weights"].size == 1


def test_a_finished_run_is_read_and_not_repeated(tmp_path: Path) -> None:
    first = run(tmp_path / "run")
    began = time.perf_counter()
    assert run(tmp_path / "run").trained == first.trained  # seconds included
    assert time.perf_counter() - began < 5.0


def test_an_interrupted_run_is_gone_on_with(tmp_path: Path) -> None:
    def interrupt(event: Event) -> None:
        if isinstance(event, OutcomeCommitted) and event.order.round == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "run", Options(observer=interrupt))
    resumed, whole = run(tmp_path / "run"), run(tmp_path / "whole")
    assert [(order, replace(outcome, seconds=0.0)) for order, outcome in resumed.trained] == [
        (order, replace(outcome, seconds=0.0)) for order, outcome in whole.trained
    ]


@pytest.mark.parametrize(
    ("options", "name"), [(Options(seed=1), "seed"), (Options(strategy="pbt"), "strategy")]
)
def test_another_run_at_the_same_place_is_refused(tmp_path: Path, options: Options, name: str) -> None:
    run(tmp_path / "run")
    with pytest.raises(InputError, match=f"holds a run with another {name}"):
        run(tmp_path / "run", options)
