"""Standard output that may go away: a pipe whose reader has ended, a disk that is full.

A run that takes days must not end because nothing takes its lines any more.
"""

import os
import sys
from contextlib import suppress
from io import TextIOBase

from rich.console import Console

__all__ = ["lasting_console", "let_go_of_output"]


def lasting_console() -> Console:
    """Return a console for standard output that goes on in silence when that is gone."""
    return Console(file=_Lasting())  # type: ignore[arg-type]  # rich asks for IO[str], and needs no more


def let_go_of_output(error: OSError) -> None:
    """Say on standard error why nothing is printed any more, and let all that is still printed vanish."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    with suppress(OSError, ValueError):  # what stands for standard output in a test has no descriptor
        os.dup2(nowhere, sys.stdout.fileno())  # what is buffered goes there, too, when the process ends
    os.close(nowhere)
    with suppress(OSError):
        print(f"bgpbt: note: standard output: {error.strerror}; going on without it", file=sys.stderr)


class _Lasting(TextIOBase):
    """Standard output, and after its first error nothing."""

    def __init__(self) -> None:
        self._is_gone = False

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return sys.stdout.encoding

    def isatty(self) -> bool:
        return sys.stdout.isatty()

    def fileno(self) -> int:
        return sys.stdout.fileno()

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self._attempt(text)
        return len(text)

    def flush(self) -> None:
        self._attempt("")

    def _attempt(self, text: str) -> None:
        if self._is_gone:
            return
        try:
            if text:
                sys.stdout.write(text)
            sys.stdout.flush()
        except OSError as error:
            self._is_gone = True
            let_go_of_output(error)
