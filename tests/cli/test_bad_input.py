from pathlib import Path

import pytest

from bgpbt.cli import main

BAD_INPUT = [
    (["train", "-e", "reachr"], "environment 'reachr' is not known; did you mean reacher"),
    (["train", "-e", "toy:plan"], "there is no toy task 'plan'; there are plain"),
    (
        ["train", "-e", "reacher", "-tr", "100", "-mt", "50"],
        "t_ready = 100 must be at most max_timesteps = 50",
    ),
    (["train", "-e", "reacher", "-qf", "0.01"], "quantile_fraction = 0.01 of population = 8 is 0.08 members"),
    (["train", "-e", "reacher", "-ps", "-3"], "population = -3 must be a whole number, 1 or more"),
    (["train", "-e", "reacher", "-ni", "0"], "initial = 0 must be a whole number, 1 or more"),
    (["train", "-e", "reacher", "-ni", "7"], "initial = 7 must be at least population = 8"),
    (["train", "-e", "reacher", "-tr", "0"], "t_ready = 0 must be a whole number, 1 or more"),
    (
        ["train", "-e", "reacher", "-tr", "1_000"],
        "t_ready = 1000 is less than one unroll of all environments",
    ),
    (["train", "-e", "reacher", "--num-envs", "1000"], "which 1000 environments do not divide"),
    (["train", "-e", "reacher", "--num-envs", "-1"], "environments = -1 must be 1 or more"),
    (["train", "-e", "reacher", "--eval-episodes", "0"], "evaluation_episodes = 0 must be 1 or more"),
    (["train", "-e", "reacher", "--test-episodes", "0"], "test_episodes = 0 must be 1 or more"),
    (["train", "-e", "reacher", "--policy", "0", "3"], "policy = (0, 3): depth = 0 must be 1 or more"),
    (["train", "-e", "reacher", "--space", "none.json"], "space file none.json cannot be read"),
    (["train", "-e", "reacher", "--seed", "-1"], "seed = -1 must be 0 or more"),
    (["train", "-e", "reacher", "-n", "0"], "num_repeats = 0 must be 1 or more"),
    (["train", "-e", "reacher", "-mp", "0"], "max_parallel = 0 must be 1 or more"),
    (["train", "-e", "reacher", "--memory-budget", "8gigs"], "memory_budget = '8gigs' must be a number of"),
    (
        ["train", "-e", "reacher", "--memory-budget", "50MiB"],
        "most of it for data of an iteration; lower num_envs, or the largest unroll_length or batch_size",
    ),
    (["train", "-e", "reacher", "-o", "pbtt"], "-o pbtt: there is no such strategy; there are"),
    (
        ["train", "-e", "reacher", "-o", "pbt", "-sm", "both"],
        "search mode both needs strategy bgpbt, got pbt",
    ),
    (["train", "-e", "toy:plain", "-sm", "both"], "toy:plain has no architectures to search"),
    (
        ["train", "-e", "reacher", "-md", "1"],
        "max_distillation = 1 needs -sm both; in hpo there are no generations",
    ),
    (
        ["train", "-e", "reacher", "-sm", "both", "-td", "1"],
        "t_distillation = 1 is too short for 2 rungs (24, 12 students)",
    ),
    (
        ["train", "-e", "reacher", "-sm", "both", "-td", "50_000"],
        "t_distillation = 50000 make rounds of 25000 steps, less than one unroll of all environments (30720)",
    ),
    (["train", "-e", "reacher", "-te", "5"], "t_ready_end = 5 and the rungs"),
    (["train", "-e", "reacher", "-ps", "30", "-sm", "both"], "initial = 24 must be at least population = 30"),
    (["train", "-e", "toy:plain", "-exist", "resume"], "there is no run to resume"),
    (["resume", "nowhere"], "nowhere: there is no run; start one with bgpbt train"),
    (["export", "nowhere"], "nowhere: there is no run"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD_INPUT, ids=[message for _, message in BAD_INPUT])
def test_bad_input_is_one_line_and_touches_nothing(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("bgpbt: ")
    assert message in captured.err
    assert captured.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [["train"], ["train", "-e", "ant", "-tr", "many"], ["dance"], []])
def test_what_cannot_be_parsed_ends_with_status_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
