"""What a step of the paper's environments costs on one core, as the engine of 2022 has it and as we do.

    python benchmarks/environments.py [--env reacher ant] [--json FILE]

Nanoseconds for a step of one of 2048 copies under random actions, going on from step to step as a rollout
does; the least of some calls, all forms in turn:

- `by itself`: Brax's engine as it is, compiled by XLA as it is;
- `compiled`: the same, with the options that we compile with (`bgpbt.xla`);
- `vectorised`: with forms that XLA computes many at a time (`bgpbt.envs.paper.vectorised`) and the batch last
  (`bgpbt.envs.batch_last`), as we step them.

Beside them stands the largest difference between an observation after one step and that of Brax's engine by
itself. On halfcheetah, whose feet are on the floor, rounding decides whether they bounce.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

if hasattr(os, "sched_setaffinity"):  # before JAX counts the cores
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

import jax
import jax.numpy as jnp
import numpy as np
import tyro
from tyro.conf import arg

from bgpbt.agents.seeds import seed_words
from bgpbt.envs.paper import tasks
from bgpbt.envs.registry import PAPER_NAMES
from bgpbt.envs.vector import VectorEnvironment
from bgpbt.storage.machine import processor
from bgpbt.xla import jit
from engine_limits import Limit, raw_environment, timed
from environment_forms import as_brax, as_vectorised

STEPS = 20  # in one call
FORMS = ("by itself", "compiled", "vectorised")


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Time the environments."""

    env: Annotated[tuple[str, ...], arg(aliases=["-e"])] = PAPER_NAMES
    """Environments."""
    num_envs: int = 2048
    """Copies of the environment."""
    repeats: int = 6
    """Calls of each form, 20 steps each, of which the fastest counts."""
    json: Path | None = None
    """Write all measurements to this file."""


@dataclass(frozen=True, slots=True)
class Form:
    """An environment in one of its forms."""

    limit: Limit
    observation_bo: np.ndarray[Any, Any]  # after one step


def main(arguments: Arguments) -> None:
    """Measure and print."""
    print(f"| task | {' | '.join(f'{form}, ns' for form in FORMS)} | times as fast | difference |")
    print("| --- " * (len(FORMS) + 3) + "|")
    rows = []
    for name in arguments.env:
        forms = {form: prepared(name, form, arguments.num_envs) for form in FORMS}
        seconds = {form: [timed(each.limit.call)[0] for _ in range(2)][-1] for form, each in forms.items()}
        for _ in range(arguments.repeats):
            for form, each in forms.items():
                seconds[form] = min(seconds[form], timed(each.limit.call)[0])
        nanoseconds = {form: 1e9 * seconds[form] / each.limit.work for form, each in forms.items()}
        first, last = forms[FORMS[0]].observation_bo, forms[FORMS[-1]].observation_bo
        row = {
            "environment": name,
            "ns": nanoseconds,
            "speedup": nanoseconds[FORMS[0]] / nanoseconds[FORMS[-1]],
            "difference": float(np.abs(first - last).max()),
        }
        rows.append(row)
        print(line(row), flush=True)
        if arguments.json is not None:
            machine = {"processor": processor(), "jax": jax.__version__}
            arguments.json.write_text(json.dumps({"machine": machine, "rows": rows}, indent=1) + "\n")


def line(row: dict[str, Any]) -> str:
    """Return a row of the table."""
    cells = (
        *(f"{row['ns'][form]:,.0f}" for form in FORMS),
        f"{row['speedup']:.2f}",
        f"{row['difference']:.1g}",
    )
    return f"| `{row['environment']}` | {' | '.join(cells)} |"


def prepared(name: str, form: str, count: int) -> Form:
    """Return a task in one of its forms, compiled."""
    compiled: Callable[..., Any] = jax.jit if form == "by itself" else jit
    with as_vectorised() if form == "vectorised" else as_brax():
        vector = VectorEnvironment(environment=tasks.make_paper(name), count=count)
        limit = raw_environment(vector, STEPS, compiled=compiled)
        starts = jax.jit(vector.starts)(seed_words(1))
        state = jax.tree.map(jnp.asarray, vector.reset(starts))
        action_ba = jax.random.uniform(
            seed_words(2), (count, vector.environment.action_size), minval=-1.0, maxval=1.0
        )
        after = compiled(vector.step)(state, starts, action_ba)
    return Form(limit=limit, observation_bo=np.asarray(after.observation))


if __name__ == "__main__":
    main(tyro.cli(Arguments))
