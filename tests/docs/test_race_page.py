"""What the page of the study says of the race is what the committed tables say."""

from pathlib import Path

import numpy as np
import pytest

from bgpbt.analysis.statistics import interquartile_mean, paired_improvement
from bgpbt.study import read_protocol, read_results

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "study.md").read_text(encoding="utf-8")
SCALE = read_protocol(ROOT / "benchmarks" / "protocol.toml").scale("race")
RUNS = [result.run for result in read_results(ROOT / "benchmarks" / "results" / "race")]
TASKS = sorted({run.task for run in RUNS})
SCORES = {
    (task, contender): {run.seed: run.score for run in RUNS if (run.task, run.contender) == (task, contender)}
    for task in TASKS
    for contender in SCALE.contenders
}


def test_no_seed_was_looked_at_while_the_default_was_chosen() -> None:
    assert min(run.seed for run in RUNS) == SCALE.first_seed == 3000


@pytest.mark.parametrize("task", TASKS)
def test_all_contenders_have_all_seeds_and_keep_to_the_budget(task: str) -> None:
    seeds = {frozenset(SCORES[task, contender]) for contender in SCALE.contenders}
    assert len(seeds) == 1
    budget = SCALE.tasks[task].budget
    assert all(0.9 * budget < run.steps <= budget for run in RUNS if run.task == task)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("contender", SCALE.contenders)
def test_the_rows_of_the_page_are_those_of_the_results(task: str, contender: str) -> None:
    scores, of_race = SCORES[task, contender], SCORES[task, "race"]
    seeds = sorted(scores)
    score_n, race_n = (np.array([one[seed] for seed in seeds]) for one in (scores, of_race))
    mean = f"{float(interquartile_mean(score_n)):.4g}"
    chance = paired_improvement([race_n], [score_n])
    shown = "" if contender == "race" else f"{chance.value:.2f} [{chance.low:.2f}, {chance.high:.2f}]"
    assert f"| {task} | `{contender}` | {len(seeds)} | {mean} | {shown} |" in PAGE
