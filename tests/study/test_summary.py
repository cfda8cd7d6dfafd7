from pathlib import Path

from bgpbt.study import markdown, read_protocol, summarise
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
