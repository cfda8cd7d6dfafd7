"""How many of a population's values lie at the ends of their ranges, by quarter of the run.

    python benchmarks/range_ends.py runs/study-cpu [--only 'ur5e-*']

Runs whose names differ in their seed alone are taken together; those of fewer than five rounds are left out.
Of inputs with few levels random values lie at an end, too: the initial design says how often.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import tyro
from tyro.conf import Positional

from bgpbt.execution import settings_of
from bgpbt.records import Configuration
from bgpbt.space import Floats, Space, ppo_space, space_from_json
from bgpbt.storage import is_run, open_run

QUARTERS = 4


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Count values at the ends of their ranges."""

    directory: Positional[Path]
    """Directory of runs, such as that of a study."""
    only: str = "*"
    """Names of runs, with wildcards."""


def main(arguments: Arguments) -> None:
    """Count and print."""
    groups: dict[str, list[Floats]] = defaultdict(list)
    for path in sorted(arguments.directory.iterdir()):
        if is_run(path) and fnmatch(path.name, arguments.only):
            share_k = shares_of(path)
            if share_k is not None:
                groups[path.name.rsplit("-seed", 1)[0]].append(share_k)
    print(f"{'':28}{'runs':>5}{'initial':>9}" + "".join(f"{f'quarter {k + 1}':>11}" for k in range(QUARTERS)))
    for name, share_rk in groups.items():
        initial, *quarters = np.mean(share_rk, axis=0)
        print(f"{name:28}{len(share_rk):5}{initial:9.2f}" + "".join(f"{share:11.2f}" for share in quarters))


def shares_of(path: Path) -> Floats | None:
    """Return the share in a run's initial design and in each quarter of its later rounds: (1 + quarters,)."""
    run = open_run(path)
    settings = settings_of(run)
    space = ppo_space() if settings.space is None else space_from_json(settings.space)
    rounds: dict[int, list[Configuration]] = defaultdict(list)
    with run.open_history(read_only=True) as history:
        for order, _ in history.trained():
            rounds[order.round].append(order.configuration)
    return by_quarter(space, rounds) if len(rounds) > QUARTERS else None


def by_quarter(space: Space, rounds: Mapping[int, Sequence[Configuration]]) -> Floats:
    """Return the mean share of values at an end: of round 0, and of each quarter of the rounds after it."""
    later = np.array([share_at_ends(space, rounds[number]) for number in sorted(rounds) if number > 0])
    quarters = [part.mean() for part in np.array_split(later, QUARTERS)]
    return np.array([share_at_ends(space, rounds[0]), *quarters])


def share_at_ends(space: Space, configurations: Sequence[Configuration]) -> float:
    """Return the share of values that are the least or the greatest of their range; categories have none."""
    x_nd = space.encode(list(configurations))[:, ~space.is_categorical_d]
    is_active_nd = ~np.isnan(x_nd)
    is_end_nd = (x_nd < 1e-9) | (x_nd > 1.0 - 1e-9)
    return float(is_end_nd.sum() / is_active_nd.sum())


if __name__ == "__main__":
    main(tyro.cli(Arguments, description=__doc__))
