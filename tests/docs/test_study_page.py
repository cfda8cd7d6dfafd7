"""The page of the study says what the committed tables say."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from bgpbt.study import agreement, markdown, plan_study, read_protocol, read_results, summarise
from bgpbt.study.results import RunResult

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "study.md").read_text(encoding="utf-8")
PROTOCOL = read_protocol(ROOT / "benchmarks" / "protocol.toml")
SCALE = PROTOCOL.scale("cpu")
RESULTS = ROOT / "benchmarks" / "results"
RUNS = [result.run for result in read_results(RESULTS / "study")]
FIRST = [result.run for result in read_results(RESULTS / "study-first")]  # of an earlier state of the code
# What was the default then is compared as `paper` since.
AS_NOW = [replace(run, contender="paper") if run.contender == "bgpbt" else run for run in FIRST]
REPEAT = [result.run for result in read_results(RESULTS / "study-repeat")]  # all seeds, by one program
UNSEEN = [result.run for result in read_results(RESULTS / "study-replication")]  # on seeds nobody had seen
CONTENDERS = {run.contender for run in RUNS} - set(SCALE.ablations)
REPEATED = CONTENDERS & {run.contender for run in AS_NOW}
FIRST_TASKS = {run.task for run in FIRST}


def test_the_tables_of_the_page_are_those_of_the_results() -> None:
    for runs in (RUNS, FIRST, REPEAT, UNSEEN):
        comparison = summarise(PROTOCOL, SCALE, runs).contenders
        assert comparison is not None
        assert markdown(comparison, PROTOCOL.baseline) in PAGE
    ablations = summarise(PROTOCOL, SCALE, RUNS).ablations
    assert ablations is not None
    assert markdown(ablations, PROTOCOL.baseline) in PAGE


@pytest.mark.parametrize("runs", [RUNS, FIRST, REPEAT], ids=["study", "first", "repeat"])
def test_every_result_is_of_a_run_of_the_protocol_and_kept_to_its_budget(runs: Sequence[RunResult]) -> None:
    planned = {(run.task, run.contender, run.seed): run.settings for run in plan_study(PROTOCOL, "cpu")}
    for run in runs:
        settings = planned[run.task, run.contender, run.seed]
        assert settings.budget is not None
        # Students come in rounds of uneven cost, and so do members trained again after going back: the last
        # that the budget cannot pay may cost twice the others.
        least = 0.85 if settings.search_mode == "both" else 0.9
        if settings.options.get("backtrack", False):
            least = 0.8
        assert least * settings.budget < run.steps <= settings.budget
        assert run.failed_members == 0 or run.score == run.score
        assert run.test_episodes == settings.test_episodes == 1024


def test_every_contender_has_as_many_runs_of_a_task_as_the_page_says() -> None:
    assert set(SCALE.contenders) == CONTENDERS
    counts, first_counts = (Counter((run.task, run.contender) for run in runs) for runs in (RUNS, AS_NOW))
    for task in SCALE.tasks:
        tried = {*CONTENDERS, *(SCALE.ablations if task in SCALE.ablation_tasks else ())}
        (count,) = {counts[task, contender] for contender in tried}
        first_count = "-"
        if task in FIRST_TASKS:
            (first_count,) = {str(first_counts[task, contender]) for contender in REPEATED}
        assert f"| {task} | {count} | {first_count} |" in PAGE


def test_all_seeds_give_the_probabilities_of_the_page() -> None:
    again = {run.contender for run in UNSEEN}
    assert min(run.seed for run in UNSEEN) == 2000 > max(run.seed for run in (*RUNS, *REPEAT))
    columns = [_better(_of(runs, again)) for runs in (RUNS, REPEAT, UNSEEN, RUNS + REPEAT + UNSEEN)]
    for contender, title in (("pbt", "PBT"), ("pb2", "PB2")):
        cells = " | ".join(column[contender] for column in columns)
        assert f"| P(BG-PBT is better than {title}) | {cells} |" in PAGE
    over_random = [
        _better(_of(runs, {"bgpbt", "random"}))["random"] for runs in (RUNS, REPEAT, RUNS + REPEAT)
    ]
    first, repeated, together = over_random
    assert f"| P(BG-PBT is better than random search) | {first} | {repeated} | - | {together} |" in PAGE


def test_the_study_from_scratch_and_unseen_seeds_repeat_the_table_within_its_intervals() -> None:
    for runs, compared in ((REPEAT, 45), (UNSEEN, 12)):
        found = agreement(_of(RUNS, {run.contender for run in runs}), runs)
        assert (found.compared, found.apart) == (compared, ())
        assert f"All {compared} pairs of task and contender agree" in PAGE


def _of(runs: Sequence[RunResult], contenders: Collection[str]) -> list[RunResult]:
    return [run for run in runs if run.contender in contenders]


def _better(runs: Sequence[RunResult]) -> dict[str, str]:
    """Return with what probability the baseline beats each contender, as the tables say it."""
    comparison = summarise(PROTOCOL, SCALE, runs).contenders
    assert comparison is not None
    lines = markdown(comparison, PROTOCOL.baseline).splitlines()
    return {line.split("`")[1]: line.split("|")[-2].strip() for line in lines if "`" in line}


def test_the_study_from_scratch_agrees_with_the_first() -> None:
    found = agreement([run for run in RUNS if run.contender in REPEATED], AS_NOW)
    assert (found.compared, found.apart) == (len(REPEATED) * len(FIRST_TASKS), ())


def test_without_categories_pb2_mix_differs_from_pb2_only_where_the_machine_does() -> None:
    scores = {(run.task, run.contender, run.seed): run.score for run in RUNS}
    seeds = [seed for task, contender, seed in scores if (task, contender) == ("ur5e", "pb2")]
    assert len(seeds) == 5
    for seed in seeds:
        assert scores["ur5e", "pb2-mix", seed] == scores["ur5e", "pb2", seed]
