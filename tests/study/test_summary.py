from pathlib import Path

from bgpbt.study import agreement, markdown, read_protocol, summarise
from tests.study.test_results import run_result

PROTOCOL = read_protocol(Path(__file__).parents[2] / "benchmarks" / "protocol.toml")
RUNS = [
    run_result(task, contender, seed, score=seed + len(contender))
    for task in ("pendulum", "mixed")
    for contender in ("random", "pbt", "bgpbt")
    for seed in range(3)
]


def test_the_order_of_runs_does_not_matter() -> None:
    one, other = (
        summarise(PROTOCOL, PROTOCOL.scale("smoke"), runs).contenders for runs in (RUNS, RUNS[::-1])
    )
    assert one is not None
    assert other is not None
    assert markdown(one, "bgpbt") == markdown(other, "bgpbt")


def test_without_runs_of_the_baseline_the_others_are_still_compared() -> None:
    others = [run for run in RUNS if run.contender != PROTOCOL.baseline]
    comparison = summarise(PROTOCOL, PROTOCOL.scale("smoke"), others).contenders
    assert comparison is not None
    assert markdown(comparison, PROTOCOL.baseline).splitlines()[0] == "|  | mixed | pendulum | all, scaled |"


def test_a_contender_that_lacks_a_task_is_named() -> None:
    runs = [run for run in RUNS if (run.contender, run.task) != ("pbt", "mixed")]
    summary = summarise(PROTOCOL, PROTOCOL.scale("smoke"), runs)
    assert summary.incomplete == ("pbt",)
    assert summary.contenders is not None
    assert summary.contenders.strategies == ("random", "bgpbt")
    assert summarise(PROTOCOL, PROTOCOL.scale("smoke"), RUNS).incomplete == ()


def test_intervals_of_too_few_runs_are_not_compared() -> None:
    few = [run for run in RUNS if run.seed < 2]
    found = agreement(RUNS, few)
    assert (found.compared, found.without_interval, found.apart) == (0, 6, ())
    assert agreement(RUNS, RUNS).compared == 6
