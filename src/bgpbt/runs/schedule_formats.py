"""A schedule in the forms of other programs: a table, Ray Tune's replay, a Python module.

They hold the line of the member alone, from new weights to the end: what trained its teachers is another
training. Step 0 is where the line begins.
"""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pprint import pformat

from bgpbt.analysis.lineage import CONFIGURATION_PREFIX
from bgpbt.errors import InputError
from bgpbt.records import Configuration
from bgpbt.strategies.replay import Schedule, Stretch

__all__ = ["ENDINGS", "Segment", "schedule_as_csv", "schedule_as_python", "schedule_as_ray", "segments_of"]

_WIDTH = 100  # characters of a line in a module


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A stretch of a member's own line."""

    first_step: int  # steps since the line began
    steps: int  # steps until the next segment begins, or the line ends
    configuration: Configuration
    stretch: Stretch  # of the schedule that it comes from


def segments_of(schedule: Schedule) -> tuple[Segment, ...]:
    """Return the line of a schedule's member, the oldest first; each begins where the one before it ends."""
    line = [schedule.stretches[-1]]
    while line[0].parent is not None:
        line.insert(0, schedule.stretches[line[0].parent])
    begun = line[0].first_step
    ends = [after.first_step for _, after in pairwise(line)] + [line[-1].first_step + line[-1].steps]
    return tuple(
        Segment(
            first_step=stretch.first_step - begun,
            steps=end - stretch.first_step,
            configuration=stretch.configuration,
            stretch=stretch,
        )
        for stretch, end in zip(line, ends, strict=True)
    )


def schedule_as_csv(schedule: Schedule) -> str:
    """Return a table with a row for each segment; `bgpbt train --start` reads it.

    The columns are the round and the member that trained it, the steps since the line began, how many follow,
    the score after them, and `config.NAME`.
    """
    segments = segments_of(schedule)
    names = _names(segments)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    configuration_columns = [f"{CONFIGURATION_PREFIX}{name}" for name in names]
    writer.writerow(["round", "member", "first_step", "steps", "score", *configuration_columns])
    for item in segments:
        values = [item.configuration.get(name) for name in names]
        of = item.stretch
        writer.writerow([of.round, of.member, item.first_step, item.steps, of.score, *values])
    return text.getvalue()


def schedule_as_ray(schedule: Schedule, steps_per_iteration: int) -> str:
    """Return the file that `ray.tune.schedulers.PopulationBasedTrainingReplay` trains along.

    A line is a change: the trial's tag, its donor's, the training iterations of both, the configurations
    before and after it. A schedule that never changes has a line that changes nothing.

    Args:
        schedule: to write.
        steps_per_iteration: of ours that make one training iteration of Ray's trainable; where a change lies
            between two, it moves to the nearer one.

    Raises:
        InputError: the number is not positive, or so large that two changes fall on one iteration.
    """
    if steps_per_iteration < 1:
        raise InputError(f"steps_per_iteration = {steps_per_iteration} must be 1 or more")
    changed = _changes(segments_of(schedule))
    iterations = [round(item.first_step / steps_per_iteration) for item in changed]
    for before, after in pairwise(iterations):
        if before == after:
            raise InputError(
                f"steps_per_iteration = {steps_per_iteration} puts two changes of the schedule on iteration "
                f"{after}; lower it"
            )
    pairs = list(pairwise(changed)) or [(changed[0], changed[0])]
    at = iterations[1:] or [0]
    lines = [
        ["bgpbt", "bgpbt", iteration, iteration, dict(before.configuration), dict(after.configuration)]
        for iteration, (before, after) in zip(at, pairs, strict=True)
    ]
    return "".join(f"{json.dumps(line)}\n" for line in lines)


def schedule_as_python(schedule: Schedule, *, source: str) -> str:
    """Return a module of functions of the step: for any loop, for optax, Brax and Stable-Baselines3.

    Args:
        schedule: to write.
        source: where it was found, for people.
    """
    segments = segments_of(schedule)
    changed = _changes(segments)
    starts = tuple(item.first_step for item in changed)
    values = {name: tuple(item.configuration.get(name) for item in changed) for name in _names(changed)}
    last = segments[-1]
    return _MODULE.format(
        source=" ".join(source.replace("\\", "/").replace('"', "'").split()),
        score=f"{last.stretch.score:.6g}",
        starts=pformat(starts, width=_WIDTH, compact=True),
        steps=last.first_step + last.steps,
        values="".join(f"    {name!r}: {_indented(values[name])},\n" for name in values),
    )


def _indented(values: tuple[object, ...]) -> str:
    return pformat(values, width=_WIDTH - 8, compact=True).replace("\n", f"\n{' ' * 8}")


def _names(segments: Sequence[Segment]) -> list[str]:
    return sorted({name for item in segments for name in item.configuration})


def _changes(segments: Sequence[Segment]) -> list[Segment]:
    """Return the first segment, and each that trains with another configuration than the one before it."""
    return [segments[0]] + [
        after for before, after in pairwise(segments) if after.configuration != before.configuration
    ]


ENDINGS: Mapping[str, str] = {
    "yaml": ".schedule.yaml",
    "json": ".schedule.json",
    "csv": ".schedule.csv",
    "ray": ".policy.txt",
    "python": "_schedule.py",
}
"""How a file in each form ends."""

_MODULE = '''"""Hyperparameters as functions of the step, found by bgpbt in {source}; score {score}.

at(step) gives the configuration after so many steps, segments() the stretches between two changes. This file
needs nothing but Python; optax_schedule needs JAX.
"""

from bisect import bisect_right

STARTS = {starts}  # steps after which VALUES change
STEPS = {steps}  # of the whole schedule
VALUES = {{  # None: not active
{values}}}


def at(step):
    """Return the configuration after so many steps, as a dictionary; after the end, the last one."""
    index = max(bisect_right(STARTS, step) - 1, 0)
    return {{name: values[index] for name, values in VALUES.items() if values[index] is not None}}


def segments():
    """Return (steps, configuration) of each stretch between two changes, to train one after the other."""
    ends = (*STARTS[1:], STEPS)
    return [(end - start, at(start)) for start, end in zip(STARTS, ends)]


def brax_segments():
    """Return segments() under the names that brax.training.agents.ppo.train has for these.

    Train one after the other, with num_timesteps=steps, **arguments and restore_checkpoint_path, where the
    call before it left its checkpoint. Brax restores weights and normaliser, and begins with a new optimiser.
    """
    names = {{
        "discount": "discounting",
        "clip_epsilon": "clipping_epsilon",
        "update_epochs": "num_updates_per_batch",
    }}
    return [
        (steps, {{names.get(name, name): value for name, value in configuration.items()}})
        for steps, configuration in segments()
    ]


def optax_schedule(name, steps_per_update=1):
    """Return a schedule of optax, a function of the count of updates, one after every steps_per_update steps.

    For example optax.adam(optax_schedule(NAME, 2048)).
    """
    import jax.numpy as jnp

    firsts = jnp.asarray([-int(-start // steps_per_update) for start in STARTS])
    values = jnp.asarray(VALUES[name])
    return lambda count: values[jnp.maximum(jnp.searchsorted(firsts, count, side="right") - 1, 0)]


def sb3_schedule(name, total_timesteps=STEPS):
    """Return a schedule of Stable-Baselines3, a function of the progress that remains, from 1 to 0.

    For example PPO(..., learning_rate=sb3_schedule(NAME)).learn(STEPS).
    """
    return lambda remaining: at(round((1.0 - remaining) * total_timesteps))[name]
'''
