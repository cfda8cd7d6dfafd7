"""On how many cores the runs of a study are done: one number for all, since trained agents depend on it."""

import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from bgpbt.errors import InputError
from bgpbt.storage import is_run, open_run
from bgpbt.storage.machine import cores
from bgpbt.study.plan import StudyRun
from bgpbt.study.results import RunResult

__all__ = ["check_cores", "cores_each", "cores_label", "cores_of", "shares"]

_STATED = re.compile(r"cores: ([^,]*)")


def shares(jobs: int) -> list[set[int] | None]:
    """Return the cores of each of `jobs` workers; None: all, where there are too few to share out."""
    if not hasattr(os, "sched_getaffinity"):
        return [None] * jobs
    here = sorted(os.sched_getaffinity(0))
    each = len(here) // jobs
    if jobs == 1 or each == 0:
        return [None] * jobs
    return [set(here[index * each : (index + 1) * each]) for index in range(jobs)]


def cores_each(jobs: int) -> int:
    """Return how many cores a run has when `jobs` are done at the same time."""
    share = shares(jobs)[0]
    return cores() if share is None else len(share)


def cores_label(began_on: int | None) -> str:
    """Return on how many cores a run that ends here was done, as its result says."""
    here = cores()
    return f"{here}" if began_on in (None, here) else f"{began_on} then {here}"


def cores_of(result: RunResult) -> str | None:
    """Return on how many cores a run was done, as its result says; None: it does not say."""
    stated = _STATED.search(result.machine)
    return None if stated is None else stated[1]


def check_cores(
    results: Iterable[RunResult], left: Sequence[StudyRun], directory: Path, jobs: int, *, allow: bool
) -> str | None:
    """Check that all runs of a study have the same number of cores.

    Args:
        results: of the runs that are over; those of older versions may not say how many cores.
        left: the runs to do, some of which may have begun.
        directory: of the runs.
        jobs: runs at the same time.
        allow: let the numbers differ.

    Returns:
        One line, if the numbers differ.

    Raises:
        InputError: they differ, and that is not allowed.
    """
    over = Counter(label for result in results if (label := cores_of(result)) is not None)
    begun = Counter(f"{count}" for run in left if (count := _began_on(directory / run.name)) is not None)
    here = Counter({f"{cores_each(jobs)}": len(left)})
    if len(+over | +begun | +here) < 2:
        return None
    parts = [_listed(over, "over"), _listed(begun, "begun"), _listed(+here, "to do")]
    found = f"the runs of this study differ in cores: {'; '.join(filter(None, parts))}"
    if not allow:
        raise InputError(
            f"{found}; trained agents depend on it. Choose other --jobs, another directory, or --any-cores"
        )
    return found


def _listed(counts: Counter[str], what: str) -> str:
    return ", ".join(f"{count} {what} on {label}" for label, count in sorted(counts.items()))


def _began_on(path: Path) -> int | None:
    return open_run(path).description.cores if is_run(path) else None
