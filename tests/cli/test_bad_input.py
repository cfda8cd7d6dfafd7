import re
from pathlib import Path

import pytest

from bgpbt.cli import main
from bgpbt.cli.arguments import TrainArguments
from bgpbt.cli.flags import spellings

BAD_INPUT = [
    (["train", "-e", "reachr"], "-e 'reachr' is not known; did you mean reacher"),
    (["train", "-e", "toy:plan"], "-e 'toy:plan' is not known; toys are toy:plain"),
    (
        ["train", "-e", "reacher", "-tr", "100", "-mt", "50"],
        "-tr 100 must be at most -mt 50",
    ),
    (["train", "-e", "reacher", "-qf", "0.01"], "-qf 0.01 of --pop-size 8 is 0.08 members"),
    (["train", "-e", "reacher", "-ps", "-3"], "-ps -3 must be a whole number, 1 or more"),
    (["train", "-e", "reacher", "-ni", "0"], "-ni 0 must be a whole number, 1 or more"),
    (["train", "-e", "reacher", "-ni", "7"], "-ni 7 must be at least --pop-size 8"),
    (["train", "-e", "reacher", "-tr", "0"], "-tr 0 must be a whole number, 1 or more"),
    (
        ["train", "-e", "reacher", "-tr", "1_000"],
        "-tr 1000 is less than one unroll of all environments",
    ),
    (
        ["train", "-e", "reacher", "--num-envs", "1000"],
        "which --num-envs 1000 does not divide; lower --num-envs or raise --num-minibatches",
    ),
    (["train", "-e", "reacher", "--num-envs", "-1"], "--num-envs -1 must be 1 or more"),
    (["train", "-e", "reacher", "--eval-episodes", "0"], "--eval-episodes 0 must be 1 or more"),
    (["train", "-e", "reacher", "--test-episodes", "0"], "--test-episodes 0 must be 1 or more"),
    (["train", "-e", "reacher", "--policy", "0", "3"], "--policy (0, 3): depth = 0 must be 1 or more"),
    (["train", "-e", "reacher", "--space", "none.json"], "space file none.json: No such file or directory"),
    (["train", "-e", "reacher", "--seed", "-1"], "--seed -1 must be 0 or more"),
    (["train", "-e", "reacher", "-n", "0"], "-n 0 must be 1 or more"),
    (["train", "-e", "reacher", "-mp", "0"], "-mp 0 must be 1 or more"),
    (["train", "-e", "reacher", "--memory-budget", "8gigs"], "--memory-budget '8gigs' must be a number of"),
    (
        ["train", "-e", "reacher", "--memory-budget", "50MiB"],
        "most of it for data of an iteration; lower --num-envs, or the largest unroll_length or batch_size",
    ),
    (["train", "-e", "reacher", "-o", "pbtt"], "-o pbtt: there is no such strategy; there are"),
    (
        ["train", "-e", "reacher", "-o", "pbt", "-sm", "both"],
        "-sm both needs -o bgpbt, got pbt",
    ),
    (
        ["train", "-e", "toy:plain", "-sm", "both"],
        "-sm both: toy:plain has no architectures to search; leave -sm out",
    ),
    (
        ["train", "-e", "reacher", "-md", "1"],
        "-md 1 needs --search-mode both; in hpo there are no generations",
    ),
    (
        ["train", "-e", "reacher", "-sm", "both", "-td", "1"],
        "-td 1 is too short for 2 rungs (24, 12 students)",
    ),
    (
        ["train", "-e", "reacher", "-sm", "both", "-td", "50_000"],
        "-td 50000 makes rounds of 25000 steps, less than one unroll of all environments (30720); raise -td",
    ),
    (["train", "-e", "reacher", "-te", "5"], "-te 5 makes rounds of 5 steps, less than one unroll"),
    (
        ["train", "-e", "reacher", "-o", "ipbt", "-mt", "1_500_000"],
        "-o ipbt begins with rounds of 15000 steps, the share first_round of -mt 1500000",
    ),
    (["train", "-e", "toy:plain", "-o", "ipbt", "--option", "first_round=2"], "first_round = 2 must be"),
    (["train", "-e", "reacher", "-ps", "30", "-sm", "both"], "--n-init 24 must be at least -ps 30"),
    (["train", "-e", "toy:plain", "--budget", "5"], "--budget 5 must be at least 24000000: the first round"),
    (["train", "-e", "toy:plain", "--seed"], "--seed needs one seed or several"),
    (["train", "-e", "toy:plain", "--seed", "2", "2"], "--seed 2 2 names a seed twice"),
    (
        ["train", "-e", "toy:plain", "--seed", "2", "3", "-n", "4"],
        "-n 4 counts seeds up from one, and --seed 2 3 lists them; leave -n out",
    ),
    (["train", "-e", "toy:plain", "-n", "a/b"], "-n 'a/b' must be the name of a directory"),
    (["train", "-e", "toy:plain", "-n", "a", "--exp-name", "b"], "-n a and --exp-name b both name"),
    (["train", "-e", "toy:plain", "-sd", "/dev/null"], "-sd /dev/null is there and is not a directory"),
    (["train", "-e", "toy:plain", "-sd", f"/{'x' * 300}"], "xxx...: File name too long"),
    (
        ["train", "-e", "toy:plain", "--option", "ucb_beta=much"],
        "--option ucb_beta = 'much' must be a number",
    ),
    (["train", "-e", "toy:plain", "--memory-budget", "1e400GiB"], "--memory-budget '1e400GiB' must be"),
    (["train", "-e", "toy:plain", "--rungs", "8@2"], "--rungs: share = 2.0 must be"),
    (["resume", "nowhere", "-mp", "0"], "-mp 0 must be 1 or more"),
    (["gc", "nowhere", "--budget", "1e400GB"], "--budget '1e400GB' must be"),
    (["policy", ""], "'' is no path"),
    (["policy", "nowhere", "-o", ""], "-o '' is no path"),
    (["export", "nowhere", "--output="], "--output '' is no path"),
    (["evaluate", "x" * 300], "File name too long"),
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


NUMBERS = [
    "pop_size",
    "n_init",
    "t_ready",
    "t_ready_end",
    "max_timesteps",
    "budget",
    "quantile_fraction",
    "seed",
    "num_repeats",
    "max_parallel",
    "copy_after",
    "around_share",
    "num_envs",
    "num_minibatches",
    "episode_length",
    "eval_episodes",
    "test_episodes",
    "t_distillation",
    "distill_every",
    "max_distillation",
    "patience",
    "kl_coefficient",
    "value_coefficient",
]
TYPED = [
    (name, typed)
    for name in NUMBERS
    for flag in spellings(TrainArguments)[name]
    for typed in dict.fromkeys(
        (flag, flag.replace("-", "_").replace("__", "--", 1) if "--" in flag else flag)
    )
]


@pytest.mark.parametrize(("name", "typed"), TYPED, ids=[typed for _, typed in TYPED])
def test_every_number_is_refused_by_the_flag_that_was_typed(
    name: str, typed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("brax")
    monkeypatch.chdir(tmp_path)
    mode = "hpo" if name == "around_share" else "both"
    assert main(["train", "-e", "reacher", "-sm", mode, typed, "-2"]) == 2
    refusal = capsys.readouterr().err
    assert re.search(rf"(?<![\w-]){re.escape(typed)} -2\b", refusal), refusal
    assert not re.search(rf"\b{name} = ", refusal)
    assert refusal.count("\n") == 1


@pytest.mark.parametrize("arguments", [["train"], ["train", "-e", "ant", "-tr", "many"], ["dance"], []])
def test_what_cannot_be_parsed_ends_with_status_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
