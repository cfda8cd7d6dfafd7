"""What the page of the study says of the race is what the committed tables say."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest

from bgpbt.analysis.statistics import Interval, interquartile_mean, paired_improvement
from bgpbt.arrays import Floats
from bgpbt.study import read_protocol, read_results

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "study.md").read_text(encoding="utf-8")
SCALE = read_protocol(ROOT / "benchmarks" / "protocol.toml").scale("race")
RESULTS = ROOT / "benchmarks" / "results"
SETS = {"race": 4000, "race-first": 3000}  # and the first seed of each
RUNS = {name: [result.run for result in read_results(RESULTS / name)] for name in SETS}
TASKS = sorted({run.task for run in RUNS["race"]})

Scores = dict[int, float]  # by seed


DIGITS: dict[str, Scores] = {}
for _row in map(json.loads, (RESULTS / "supervised.jsonl").read_text(encoding="utf-8").splitlines()):
    DIGITS.setdefault(_row["contender"], {})[_row["seed"]] = _row["test"]


def by_seed(scores: Scores) -> Floats:
    return np.array([scores[seed] for seed in sorted(scores)])


def chance_of(*pairs: tuple[Scores, Scores]) -> Interval:
    """How probably the first of each pair is better; a pair is a task."""
    return paired_improvement([by_seed(one) for one, _ in pairs], [by_seed(other) for _, other in pairs])


def shown(chance: Interval) -> str:
    return f"{chance.value:.2f} [{chance.low:.2f}, {chance.high:.2f}]"


def scores_of(name: str, task: str, contender: str) -> Scores:
    return {run.seed: run.score for run in RUNS[name] if (run.task, run.contender) == (task, contender)}


@pytest.mark.parametrize(("name", "first"), SETS.items())
def test_no_seed_was_looked_at_while_the_default_was_chosen(name: str, first: int) -> None:
    assert min(run.seed for run in RUNS[name]) == first >= SCALE.first_seed == 3000


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("task", TASKS)
def test_all_contenders_have_all_seeds_and_keep_to_the_budget(name: str, task: str) -> None:
    seeds = {frozenset(scores_of(name, task, contender)) for contender in SCALE.contenders}
    assert len(seeds) == 1
    budget = SCALE.tasks[task].budget
    assert all(0.9 * budget < run.steps <= budget for run in RUNS[name] if run.task == task)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("contender", SCALE.contenders)
def test_the_rows_of_the_page_are_those_of_the_results(task: str, contender: str) -> None:
    cells = [f"{len(scores_of('race', task, contender))}"]
    for name in SETS:
        scores, of_race = scores_of(name, task, contender), scores_of(name, task, "race")
        cells.append(f"{float(interquartile_mean(by_seed(scores))):.4g}")
        cells.append("" if contender == "race" else shown(chance_of((of_race, scores))))
    assert f"| {task} | `{contender}` | {' | '.join(cells)} |" in PAGE


def test_what_the_race_beats_is_what_the_page_says() -> None:
    beaten = {
        contender
        for contender in set(SCALE.contenders) - {"race"}
        if chance_of((scores_of("race", "cartpole", "race"), scores_of("race", "cartpole", contender))).low
        > 0.5
    }
    assert beaten == {"random", "no-mutation", "pbt", "pb2", "mf-pbt", "paper"}


def test_what_stays_after_a_correction_for_many_comparisons_is_what_the_page_says() -> None:
    chance = {one: _sign_test(one) for one in SCALE.contenders if one != "race"}
    ordered = sorted(chance, key=lambda one: chance[one])
    corrected = [min(1.0, chance[one] * (len(ordered) - rank)) for rank, one in enumerate(ordered)]
    holm = dict(zip(ordered, np.maximum.accumulate(corrected), strict=True))
    assert {one for one, p in holm.items() if p < 0.05} == {"random", "no-mutation", "mf-pbt", "pb2"}
    assert (round(holm["pbt"], 2), round(holm["paper"], 2)) == (0.08, 0.09)


def _sign_test(contender: str) -> float:
    scores, of_race = (scores_of("race", "cartpole", one) for one in (contender, "race"))
    gains = [of_race[seed] - scores[seed] for seed in scores if of_race[seed] != scores[seed]]
    return float(binomtest(sum(gain > 0 for gain in gains), len(gains)).pvalue)


def test_the_rows_of_the_supervised_task_are_those_of_its_results() -> None:
    assert min(DIGITS["race"]) == 4000
    assert f"On {len(DIGITS['race'])} seeds from 4000 on" in PAGE
    for contender, scores in DIGITS.items():
        assert set(scores) == set(DIGITS["race"])
        cell = "" if contender == "race" else shown(chance_of((DIGITS["race"], scores)))
        assert f"| `{contender}` | {by_seed(scores).mean():.3f} | {cell} |" in PAGE


@pytest.mark.parametrize(
    ("contender", "title"), [("pbt", "PBT with a probability of"), ("pb2", "PB2"), ("mf-pbt", "MF-PBT")]
)
def test_both_tasks_weighted_equally_give_the_probabilities_of_the_page(contender: str, title: str) -> None:
    cartpole = (scores_of("race", "cartpole", "race"), scores_of("race", "cartpole", contender))
    chance = chance_of(cartpole, (DIGITS["race"], DIGITS[contender]))
    assert f"{title} {shown(chance)}" in " ".join(PAGE.split())
