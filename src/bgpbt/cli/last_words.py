"""What is said of a run whose process is ended from within a library.

Where a cluster's own processes die, Ray ends this one too, below Python, after pages of its log. Another
process waits for that, and says in one line what is kept and how to continue.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

__all__ = ["last_words"]

_WAIT = "import sys; sys.stdin.buffer.read(1) or print(sys.argv[1], file=sys.stderr)"


@contextmanager
def last_words(text: str) -> Iterator[None]:
    """Have `text` printed to standard error if this process dies inside the block."""
    # A session of its own: Ctrl-C is meant for this process.
    command = [sys.executable, "-I", "-S", "-c", _WAIT, text]
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True) as waiting:
        assert waiting.stdin is not None
        try:
            yield
        finally:
            with suppress(OSError):  # it was ended from outside
                waiting.stdin.write(b".")
                waiting.stdin.flush()
