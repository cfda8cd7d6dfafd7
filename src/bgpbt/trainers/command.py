"""Any program as a trainer, driven through files.

For every order the program is run with a directory as its last argument:

    order.json     what to do: configuration, first_step, steps, seed, round, member
    start/         the weights to go on from; there is none for a new member
    checkpoint/    empty; the program writes the new weights into it
    outcome.json   to be written by the program: {"score": 1.5}; steps, evaluation_steps, figures may follow
    log            what it prints

A program that fails, is killed, hangs or writes nothing costs one member, never the run.
"""

import json
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from bgpbt import checks
from bgpbt.contracts import Checkpoints
from bgpbt.errors import InputError
from bgpbt.records import Order, Outcome
from bgpbt.trainers.children import Children, ending
from bgpbt.trainers.directories import restore_directory, save_directory
from bgpbt.trainers.job import Result, TrainerError, answer, job_of, start_of

__all__ = ["SubprocessTrainer"]

_LAST_LINE_BYTES = 4096  # of the log, in which its last line is looked for
_RESULT_FIELDS = frozenset({"score", "steps", "evaluation_steps", "figures"})


class SubprocessTrainer:
    """Runs a program for every order. Safe to call from several threads.

    Args:
        command: program and arguments; the order's directory is appended. It is run where this process is.
        time_limit_s: seconds for one order; after that the program and its children are killed.

    Raises:
        InputError: the command is empty or the limit is not positive.
    """

    def __init__(self, command: Sequence[str | Path], *, time_limit_s: float) -> None:
        if isinstance(command, str) or not command:
            raise InputError(f"command = {command!r} must be a program and its arguments, in a list")
        checks.above("time_limit_s", time_limit_s, 0)
        self._command = [str(part) for part in command]
        self._time_limit_s = time_limit_s
        self._children = Children()

    def end_children(self) -> None:
        """Kill the programs of all orders under way."""
        self._children.kill()

    def train(self, order: Order, checkpoints: Checkpoints) -> Outcome:
        """Carry out an order.

        Raises:
            TrainerError: the program failed, was killed, ran out of time, or did not write what it should.
            InputError: the order is to distil or to grow.
        """
        began = time.perf_counter()
        start = start_of(order)
        with tempfile.TemporaryDirectory(prefix="bgpbt-") as name:
            directory = Path(name)
            (directory / "checkpoint").mkdir()
            if start is not None:
                restore_directory(start, checkpoints, directory / "start")
            (directory / "order.json").write_text(json.dumps(asdict(job_of(order))), encoding="utf-8")
            self._run(order, directory)
            result = _read_result(directory / "outcome.json")
            checkpoint = save_directory(directory / "checkpoint", checkpoints)
        return answer(order, result, checkpoint, time.perf_counter() - began)

    def _run(self, order: Order, directory: Path) -> None:
        log_path = directory / "log"
        with log_path.open("wb") as log:
            try:
                # A session of its own, so that its children can be killed with it, and so that a Ctrl-C at
                # the terminal reaches it only through us.
                process = subprocess.Popen(
                    [*self._command, str(directory)],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            except OSError as error:
                raise TrainerError(f"{self._command[0]} cannot be run: {error.strerror or error}") from error
            with self._children.running(process.pid):
                try:
                    status = process.wait(timeout=self._time_limit_s)
                except subprocess.TimeoutExpired as error:
                    raise TrainerError(
                        f"{self._command[0]} was killed at its time limit of {self._time_limit_s:g} s"
                    ) from error
                finally:
                    process.kill()  # does nothing to one that has ended
                    process.wait()
        if status != 0:
            raise TrainerError(f"{self._command[0]} {ending(status)}{_last_line(log_path)}")


def _last_line(log: Path) -> str:
    lines = log.read_bytes()[-_LAST_LINE_BYTES:].decode(errors="replace").strip().splitlines()
    return f": {lines[-1].strip()}" if lines else ""


def _read_result(path: Path) -> Result:
    if not path.is_file():
        raise TrainerError("the program wrote no outcome.json")
    try:
        fields = json.loads(path.read_text(encoding="utf-8-sig"))  # a program on Windows may write a mark
    except ValueError as error:
        raise TrainerError(f"outcome.json is not JSON: {error}") from error
    if not isinstance(fields, dict) or "score" not in fields or not fields.keys() <= _RESULT_FIELDS:
        raise TrainerError(
            f"outcome.json must be an object with a score and nothing but {', '.join(sorted(_RESULT_FIELDS))}"
        )
    return Result(**fields)
