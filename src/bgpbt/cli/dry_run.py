"""`bgpbt train --dry-run`: what would be trained, and for how long; nothing is made or touched."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from bgpbt.cli.output import lasting_console
from bgpbt.cli.progress import duration, say
from bgpbt.cli.session import Manner, check_place, is_done
from bgpbt.errors import BgpbtError
from bgpbt.records import Trained
from bgpbt.runs import ExperimentSettings, brings_its_space, plain_settings, settings_if_ours
from bgpbt.storage import open_run, runs_in
from bgpbt.storage.machine import cores
from bgpbt.yaml_text import write_yaml

__all__ = ["say_plan"]


def say_plan(runs: Mapping[Path, ExperimentSettings], exist: str | None, manner: Manner) -> int:
    """Print the settings of the runs, their rounds and steps, and the time where it is known.

    The time is that of members of an earlier run on the same task with the same sizes, in the directory that
    the runs would go to.

    Raises:
        InputError: a setting is not allowed, or a run is there; the text is that of the run itself.
    """
    console = lasting_console()
    plans = {path: check_place(path, settings, exist) for path, settings in runs.items()}
    left = {
        path: settings
        for path, settings in runs.items()
        if plans[path] != "resume" or not is_done(path, settings)
    }
    first = next(iter(runs.values()))
    shared = {name: value for name, value in plain_settings(first).items() if name != "seed"}
    if shared["space"] is not None:
        shared["space"] = "as in the file"
    say(console, write_yaml(shared).rstrip())
    steps = 0
    for path, settings in runs.items():
        rounds = "as many rounds as it takes" if settings.rounds is None else f"{settings.rounds} rounds"
        to_do = plans[path] if path in left else "leave, since it is over,"
        say(console, f"{to_do} {path}: {rounds}, {settings.expected_steps:,} environment steps")
        steps += settings.expected_steps if path in left else 0
    if len(runs) > 1:
        say(console, f"{len(left)} of {len(runs)} runs to train: {steps:,} environment steps")
    say(console, _time(next(iter(runs)).parent, first, steps, manner))
    return 0


def _time(directory: Path, settings: ExperimentSettings, steps: int, manner: Manner) -> str:
    found = _speed(directory, settings)
    if found is None:
        return f"expected time: not known, since {directory} has no run with these sizes to go by"
    run, member_steps_per_s = found
    at_a_time = 1 if brings_its_space(settings.environment) else min(manner.max_parallel or cores(), cores())
    at_a_time = min(at_a_time, settings.population)
    members = "1 member" if at_a_time == 1 else f"{at_a_time} members"
    return (
        f"expected time: {duration(steps / (member_steps_per_s * at_a_time))}, with {members} at a time at "
        f"the {member_steps_per_s:,.0f} steps/s of {run}"
    )


def _speed(directory: Path, settings: ExperimentSettings) -> tuple[Path, float] | None:
    """Return a run whose members do the same work, and how many steps a member did in a second."""
    for path in runs_in(directory) if directory.is_dir() else []:
        try:
            run = open_run(path)
            stored = settings_if_ours(run.description)
            if stored is None or _work(stored) != _work(settings):
                continue
            with run.open_history(read_only=True) as history:
                speed = _steps_per_s(history.trained())
        except BgpbtError:  # a damaged run says nothing of this one
            continue
        if speed is not None:
            return path, speed
    return None


def _steps_per_s(trained: Sequence[Trained]) -> float | None:
    seconds = sum(outcome.seconds for _, outcome in trained)
    return sum(outcome.steps for _, outcome in trained) / seconds if seconds > 0.0 else None


def _work(settings: ExperimentSettings) -> ExperimentSettings:
    """Return settings with what says nothing of a member's speed left alike."""
    return replace(
        settings,
        strategy="random",
        seed=0,
        population=1,
        initial=1,
        quantile_fraction=0.5,
        t_ready=1,
        t_ready_end=None,
        max_timesteps=1,
        budget=None,
        rungs=None,
        copy_after=0.0,
        agreement=None,
        test_episodes=1,
        options={},
        schedule=None,
    )
