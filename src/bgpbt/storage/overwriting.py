"""A run overwritten in two renames, and what is done when the process died between them.

The new run is built beside its place as `.NAME.new-...`; the old one goes to `.NAME.old-...`, the new one to
its place, and the old one is removed. The process that overwrites holds the locks of both. A directory
without a lock was left by a process that died: an old run goes back where nothing took its place, and all
else goes.
"""

import re
import secrets
import shutil
from contextlib import suppress
from pathlib import Path

from bgpbt.errors import BgpbtError
from bgpbt.storage.lock import lock_run

__all__ = ["finish_overwriting", "finish_overwriting_in", "sibling"]

_LEFT_OVER = re.compile(r"\.(?P<run>.+)\.(?P<purpose>new|old)-[0-9a-f]{8}")


def sibling(path: Path, purpose: str) -> Path:
    """Return a name of its own on the same file system, where renaming is one step: `new` or `old`."""
    return path.with_name(f".{path.name}.{purpose}-{secrets.token_hex(4)}")


def finish_overwriting(path: Path) -> None:
    """Undo or finish what a process that died while it overwrote a run has left; most often nothing."""
    for left_over, match in _left_over_in(path.parent):
        if match["run"] == path.name:
            _finish(left_over, match)


def finish_overwriting_in(directory: Path) -> None:
    """Do the same for all runs in a directory."""
    for left_over, match in _left_over_in(directory):
        _finish(left_over, match)


def _left_over_in(directory: Path) -> list[tuple[Path, re.Match[str]]]:
    """Return what is left, old runs first: one that goes back keeps nothing else from being removed."""
    try:
        found = [(path, _LEFT_OVER.fullmatch(path.name)) for path in directory.iterdir()]
    except OSError:  # what is asked for next says why
        return []
    matched = [(path, match) for path, match in found if match is not None]
    return sorted(matched, key=lambda one: one[1]["purpose"], reverse=True)


def _finish(left_over: Path, match: re.Match[str]) -> None:
    place = left_over.with_name(match["run"])
    # A living process holds the lock, and where nothing can be written all stays as it is.
    with suppress(BgpbtError, OSError), lock_run(left_over):
        if match["purpose"] == "old" and not place.exists():
            left_over.rename(place)
        else:
            shutil.rmtree(left_over, ignore_errors=True)
