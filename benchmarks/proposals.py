"""Where a strategy's proposals go, round by round, and how far its model could be trusted with them.

    python benchmarks/proposals.py runs/study-cpu [--only 'ur5e-*']

Three tables, by quarter of the run: the share of the population's values at the ends of their ranges, the
side of the trust region and the skill of the model. Runs whose names differ in their seed alone are taken
together; those of fewer than five rounds are left out. Of inputs with few levels random values lie at an end,
too: the initial design says how often.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import tyro
from tyro.conf import Positional

from bgpbt.arrays import Floats
from bgpbt.records import Configuration, Trained
from bgpbt.runs import assemble, settings_of
from bgpbt.space import Space
from bgpbt.storage import is_run, open_run

QUARTERS = 4
SIDE, SKILL = "region.length", "model.skill"

Table = dict[str, list[Floats]]  # name of a group of runs to the quarters of each run


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Say where proposals go."""

    directory: Positional[Path]
    """Directory of runs, such as that of a study."""
    only: str = "*"
    """Names of runs, with wildcards."""


def main(arguments: Arguments) -> None:
    """Read the runs and print the tables."""
    ends, sides, skills = Table(), Table(), Table()
    for path in sorted(arguments.directory.iterdir()):
        if not (is_run(path) and fnmatch(path.name, arguments.only)):
            continue
        group = path.name.rsplit("-seed", 1)[0]
        space, rounds = recorded(path)
        if len(rounds) > QUARTERS:
            ends.setdefault(group, []).append(ends_by_quarter(space, rounds))
            for table, name in ((sides, SIDE), (skills, SKILL)):
                said_k = said_by_quarter(rounds, name)
                if said_k is not None:
                    table.setdefault(group, []).append(said_k)
    quarters = [f"quarter {k + 1}" for k in range(QUARTERS)]
    show("share of values at the ends of their ranges", ["initial", *quarters], ends)
    show("side of the trust region", quarters, sides)
    show("skill of the model", quarters, skills)


def recorded(path: Path) -> tuple[Space, Mapping[int, Sequence[Trained]]]:
    """Return the space of a run and what each of its rounds trained."""
    run = open_run(path)
    settings = settings_of(run)
    space = assemble(settings).space
    rounds: dict[int, list[Trained]] = defaultdict(list)
    with run.open_history(read_only=True) as history:
        for pair in history.trained():
            rounds[pair[0].round].append(pair)
    return space, rounds


def ends_by_quarter(space: Space, rounds: Mapping[int, Sequence[Trained]]) -> Floats:
    """Return the mean share of values at an end: of round 0, and of each quarter of the rounds after it."""
    share_r = np.array(
        [
            share_at_ends(space, [order.configuration for order, _ in rounds[number]])
            for number in sorted(rounds)
        ]
    )
    return np.concatenate([share_r[:1], _by_quarter(share_r[1:])])


def share_at_ends(space: Space, configurations: Sequence[Configuration]) -> float:
    """Return the share of values that are the least or the greatest of their range; categories have none."""
    x_nd = space.encode(list(configurations))[:, ~space.is_categorical_d]
    is_active_nd = ~np.isnan(x_nd)
    is_end_nd = (x_nd < 1e-9) | (x_nd > 1.0 - 1e-9)
    return float(is_end_nd.sum() / is_active_nd.sum())


def said_by_quarter(rounds: Mapping[int, Sequence[Trained]], name: str) -> Floats | None:
    """Return the mean of a figure of proposals; None if fewer rounds than quarters have it."""
    found = []
    for number in sorted(rounds):
        figures = [order.proposal.figures for order, _ in rounds[number]]
        said = [said[name] for said in figures if name in said]
        if said:
            found.append(float(np.mean(said)))
    return _by_quarter(np.array(found)) if len(found) >= QUARTERS else None


def show(title: str, columns: Sequence[str], table: Table) -> None:
    """Print means over the runs of each group."""
    if not table:
        return
    print(f"\n{title}\n{'':28}{'runs':>5}" + "".join(f"{column:>11}" for column in columns))
    for name, value_rk in table.items():
        mean_k = np.mean(value_rk, axis=0)
        print(f"{name:28}{len(value_rk):5}" + "".join(f"{value:11.2f}" for value in mean_k))


def _by_quarter(value_r: Floats) -> Floats:
    return np.array([part.mean() for part in np.array_split(value_r, QUARTERS)])


if __name__ == "__main__":
    main(tyro.cli(Arguments, description=__doc__))
