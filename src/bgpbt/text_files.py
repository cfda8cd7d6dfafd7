"""Text files of a user's, as editors on any system write them."""

import errno
import os
from pathlib import Path

from bgpbt.errors import InputError

__all__ = ["read_text", "without_mark"]

_MARK = "\ufeff"  # a byte order mark, which some editors put before UTF-8


def read_text(path: Path | str) -> str:
    """Return the text of a UTF-8 file, without a byte order mark.

    Raises:
        InputError: it cannot be read, or is no UTF-8; the text begins with the path.
    """
    try:
        return without_mark(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{_shown(path, error)}: {error.strerror or error}") from error
    except ValueError as error:  # a null byte in the path, or bytes that are no text
        raise InputError(f"{path} cannot be read as UTF-8: {error}") from error


def without_mark(text: str) -> str:
    """Return a text without the byte order mark that may come first."""
    return text.removeprefix(_MARK)


def _shown(path: Path | str, error: OSError) -> str:
    """Return a path, cut if it is too long for the system."""
    text = os.fspath(path)
    return f"{text[:80]}..." if error.errno == errno.ENAMETOOLONG and len(text) > 80 else text
