"""The page of the study says what the committed tables say."""

from dataclasses import replace
from pathlib import Path

from bgpbt.study import agreement, markdown, plan_study, read_protocol, read_results, summarise

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "study.md").read_text(encoding="utf-8")
PROTOCOL = read_protocol(ROOT / "benchmarks" / "protocol.toml")
RUNS = [result.run for result in read_results(ROOT / "benchmarks" / "results" / "study")]


def test_the_tables_of_the_page_are_those_of_the_results() -> None:
    summary = summarise(PROTOCOL, PROTOCOL.scale("cpu"), RUNS)
    assert summary.contenders is not None
    assert markdown(summary.contenders, PROTOCOL.baseline) in PAGE
    if summary.ablations is not None:
        assert markdown(summary.ablations, PROTOCOL.baseline) in PAGE


def test_every_result_is_of_a_run_of_the_protocol_and_kept_to_its_budget() -> None:
    planned = {(run.task, run.contender, run.seed): run.settings for run in plan_study(PROTOCOL, "cpu")}
    for run in RUNS:
        settings = planned[run.task, run.contender, run.seed]
        assert settings.budget is not None
        # Students, and members trained again after going back, come in rounds of uneven cost.
        is_uneven = settings.search_mode == "both" or settings.options.get("backtrack", False)
        least = 0.85 if is_uneven else 0.9
        assert least * settings.budget < run.steps <= settings.budget
        assert run.failed_members == 0 or run.score == run.score
        assert run.test_episodes == settings.test_episodes == 1024


def test_every_contender_has_as_many_runs_of_a_task_as_the_page_says() -> None:
    for task in PROTOCOL.scale("cpu").tasks:
        counts = {
            contender: sum((run.task, run.contender) == (task, contender) for run in RUNS)
            for contender in PROTOCOL.scale("cpu").contenders
        }
        assert f"| {task} | {min(counts.values())} |" in PAGE.replace("`", "")


def test_the_study_from_scratch_agrees_with_the_first() -> None:
    repeated = [result.run for result in read_results(ROOT / "benchmarks" / "results" / "study-repeat")]
    contenders = {run.contender for run in repeated}
    assert contenders == {"bgpbt", "random", "pbt", "pb2"}
    found = agreement(repeated, RUNS)
    assert (found.compared, found.apart) == (16, ())
    again = [replace(run, seed=run.seed + 100_000) for run in repeated]  # other runs, of the same seeds
    for runs in (repeated, [run for run in RUNS if run.contender in contenders] + again):
        comparison = summarise(PROTOCOL, PROTOCOL.scale("cpu"), runs).contenders
        assert comparison is not None
        assert markdown(comparison, PROTOCOL.baseline) in PAGE
