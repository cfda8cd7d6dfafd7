"""Runs in which one call of the C library after another fails; a program, with `faults.c` preloaded.

    LD_PRELOAD=faults.so python -m tests.storage.faults DIRECTORY CALL ERROR [short]

A run is started for the first such call below the directory, another for the second, until one comes to its
end with no call left to fail. Each is then gone on with. The counts and all that went wrong are printed as
JSON.
"""

import ctypes
import errno
import itertools
import json
import shutil
import sys
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from bgpbt.encoding import encode
from bgpbt.execution.local import LocalExecutor
from bgpbt.execution.loop import Event, OutcomeCommitted, run_loop
from bgpbt.records import Outcome
from bgpbt.storage import StorageError, create_run, is_run, open_run
from tests.execution.walkers import Walkers, WalkersState, WalkTrainer

CALLS = ("none", "write", "sync", "rename", "unlink", "truncate", "open")
"""As in `faults.c`."""

Content = tuple[list[str], list[str], str, dict[str, bytes]]


@dataclass(slots=True, kw_only=True)
class Tally:
    hit: int = 0  # runs in which a call failed
    ended: int = 0  # of these, the runs that an error ended; the others did without the call
    wrong: list[str] = field(default_factory=list)


def go_on(path: Path, committed: list[str]) -> None:
    """Start the run or go on with it, noting the outcomes that are said to be committed."""

    def note(event: Event) -> None:
        if isinstance(event, OutcomeCommitted):
            committed.append(plain(event.outcome))

    run = open_run(path) if is_run(path) else create_run(path, {}, seed=0)
    with run.locked(), run.open_history() as history:
        executor = LocalExecutor(WalkTrainer(), run.checkpoints)
        strategy = Walkers(population=2, rounds=2)
        run_loop(strategy, executor, history, run.checkpoints, 0, observer=note)


def plain(outcome: Outcome) -> str:
    return encode(replace(outcome, seconds=0.0))


def content(path: Path) -> Content:
    run = open_run(path)
    with run.open_history(read_only=True) as history:
        position = history.position(WalkersState)
        return (
            [encode(plan) for plan in history.plans()],
            [plain(outcome) for outcome in history.outcomes()],
            "" if position is None else encode(position.state),
            {file.name: file.read_bytes() for file in run.checkpoints.directory.iterdir()},
        )


def main(directory: Path, call: str, error: str, shortened: bool) -> Tally:
    library = ctypes.CDLL(None)  # this process, in which the preloaded library is
    number = getattr(errno, error)
    go_on(directory / "undisturbed", [])
    expected = content(directory / "undisturbed")
    tally = Tally()
    for at in itertools.count():
        place = directory / f"at-{at}"
        place.mkdir()
        run, committed, ended = place / "run", list[str](), ""
        library.fault_arm(CALLS.index(call), at, number, int(shortened), str(place).encode())
        try:
            go_on(run, committed)
        except StorageError as refusal:
            ended = str(refusal)
        except Exception as surprise:
            tally.wrong.append(f"{call} {at}: {type(surprise).__name__}: {surprise}")
        if not library.fault_disarm():
            return tally
        tally.hit += 1
        tally.ended += bool(ended)
        if ended and (str(place) not in ended or "\n" in ended):
            tally.wrong.append(f"{call} {at}: does not name the file in one line: {ended}")
        tally.wrong += [f"{call} {at}: {what}" for what in lost(run, committed, expected)]
        shutil.rmtree(place)
    raise AssertionError("count ends with the loop")


def lost(run: Path, committed: list[str], expected: Content) -> list[str]:
    """Return what is not as it should be after a failure, and go on with the run."""
    wrong = []
    try:
        if committed and not set(committed) <= set(content(run)[1]):
            wrong.append("a committed outcome is lost")
        go_on(run, [])
        if content(run) != expected:
            wrong.append("the end is another than undisturbed")
    except Exception as error:
        wrong.append(f"cannot be gone on with: {type(error).__name__}: {error}")
    return wrong


if __name__ == "__main__":
    where, which, why, *short = sys.argv[1:]
    sys.stdout.write(json.dumps(asdict(main(Path(where), which, why, bool(short)))))
