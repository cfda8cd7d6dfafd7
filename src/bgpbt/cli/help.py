"""The help of every command as text, as the documentation shows it."""

import contextlib
import io
import re

from bgpbt.cli import main

__all__ = ["command_help"]

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_COMMANDS = re.compile(r"\{([a-z,-]+)\}")  # in the first line


def command_help() -> dict[str, str]:
    """Return the help of `bgpbt` and of each of its commands, by command line."""
    overview = _help_of([])
    listed = _COMMANDS.search(overview)
    names = listed[1].split(",") if listed else []
    return {"bgpbt": overview} | {f"bgpbt {name}": _help_of([name]) for name in names}


def _help_of(command: list[str]) -> str:
    text = io.StringIO()
    with contextlib.redirect_stdout(text), contextlib.suppress(SystemExit):
        main([*command, "--help"])
    return _COLOURS.sub("", text.getvalue()).strip()
