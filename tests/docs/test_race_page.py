"""What the page of the study says of the race is what the committed tables say."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest

from bgpbt.analysis.statistics import Interval, interquartile_mean, paired_improvement
from bgpbt.study import read_protocol, read_results

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "study.md").read_text(encoding="utf-8")
SCALE = read_protocol(ROOT / "benchmarks" / "protocol.toml").scale("race")
RESULTS = ROOT / "benchmarks" / "results"
SETS = {"race": 4000, "race-first": 3000}  # and the first seed of each
RUNS = {name: [result.run for result in read_results(RESULTS / name)] for name in SETS}
TASKS = sorted({run.task for run in RUNS["race"]})

Scores = dict[int, float]  # by seed


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
        score_n, race_n = (np.array([one[seed] for seed in sorted(scores)]) for one in (scores, of_race))
        chance = paired_improvement([race_n], [score_n])
        shown = f"{chance.value:.2f} [{chance.low:.2f}, {chance.high:.2f}]"
        cells += [f"{float(interquartile_mean(score_n)):.4g}", "" if contender == "race" else shown]
    assert f"| {task} | `{contender}` | {' | '.join(cells)} |" in PAGE


def test_what_the_race_beats_is_what_the_page_says() -> None:
    beaten = {contender for contender in set(SCALE.contenders) - {"race"} if _chance(contender).low > 0.5}
    assert beaten == {"random", "no-mutation", "pbt", "pb2", "mf-pbt", "paper"}


def _chance(contender: str) -> Interval:
    scores, of_race = (scores_of("race", "cartpole", one) for one in (contender, "race"))
    seeds = sorted(scores)
    return paired_improvement(
        [np.array([of_race[seed] for seed in seeds])], [np.array([scores[seed] for seed in seeds])]
    )


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
    text = (RESULTS / "supervised.jsonl").read_text(encoding="utf-8")
    scores: dict[str, Scores] = {}
    for row in map(json.loads, text.splitlines()):
        scores.setdefault(row["contender"], {})[row["seed"]] = row["test"]
    seeds = sorted(scores["race"])
    assert seeds[0] == 4000
    assert f"On {len(seeds)} seeds from 4000 on" in PAGE
    race_n = np.array([scores["race"][seed] for seed in seeds])
    for contender, of_seed in scores.items():
        score_n = np.array([of_seed[seed] for seed in seeds])
        chance = paired_improvement([race_n], [score_n])
        shown = f"{chance.value:.2f} [{chance.low:.2f}, {chance.high:.2f}]"
        cell = "" if contender == "race" else shown
        assert f"| `{contender}` | {score_n.mean():.3f} | {cell} |" in PAGE


@pytest.mark.parametrize(
    ("contender", "title"), [("pbt", "PBT with a probability of"), ("pb2", "PB2"), ("mf-pbt", "MF-PBT")]
)
def test_both_tasks_weighted_equally_give_the_probabilities_of_the_page(contender: str, title: str) -> None:
    text = (RESULTS / "supervised.jsonl").read_text(encoding="utf-8")
    digits: dict[str, Scores] = {}
    for row in map(json.loads, text.splitlines()):
        digits.setdefault(row["contender"], {})[row["seed"]] = row["test"]
    tasks = [{one: scores_of("race", "cartpole", one) for one in ("race", contender)}, digits]
    first, second = (
        [np.array([task[one][seed] for seed in sorted(task[one])]) for task in tasks]
        for one in ("race", contender)
    )
    chance = paired_improvement(first, second)
    assert f"{title} {chance.value:.2f} [{chance.low:.2f}, {chance.high:.2f}]" in " ".join(PAGE.split())
