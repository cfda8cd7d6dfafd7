"""The page as one file: style, script and runs inside, nothing fetched from anywhere.

The same file serves `bgpbt watch`, then without runs: the page asks its server for them. A content security
policy with the digests of style and script keeps anything else from running, and everything that comes from
a run is written by the page as text, never as markup.
"""

import base64
import hashlib
import json
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from bgpbt.errors import InputError
from bgpbt.storage import is_run, runs_in, there_is_something
from bgpbt.storage.files import write_durably
from bgpbt.viewing.run_reader import read_document
from bgpbt.viewing.run_view import Json

__all__ = ["live_policy", "page", "run_names", "run_paths", "write_report"]

_SCRIPTS = ("model.js", "scales.js", "draw.js", "charts.js", "panels.js", "main.js")


def page(documents: Sequence[Json] | None = None) -> str:
    """Return the page, with runs in it or (None) to be asked for at its server."""
    style, script = _style_and_script()
    data = (
        "" if documents is None else f'<script type="application/json" id="data">{_safe(documents)}</script>'
    )
    parts = {"policy": _policy(style, script, is_live=documents is None), "style": style, "script": script}
    template = _asset("page.html")
    for name, text in parts.items():
        template = template.replace("{{" + name + "}}", text)
    return template.replace("{{data}}", data)  # last, so that nothing is looked for in what a run says


def live_policy() -> str:
    """Return the content security policy of the page without runs, for the header of a server's answer."""
    style, script = _style_and_script()
    return f"{_policy(style, script, is_live=True)}; frame-ancestors 'none'"  # which only a header can say


def write_report(paths: Sequence[Path], output: Path) -> None:
    """Write the page with the runs in some directories into one HTML file.

    Raises:
        InputError: there is no run.
        StorageError: the file cannot be written.
    """
    found = run_paths(paths)
    names = run_names(found)
    messages = [
        {"index": index, "count": len(found), "name": name, **read_document(path, name)}
        for index, (path, name) in enumerate(zip(found, names, strict=True))
    ]
    write_durably(output, page(messages).encode())


def run_paths(paths: Sequence[Path]) -> list[Path]:
    """Return the directories of runs among some paths; a directory of runs stands for all in it, by name.

    Raises:
        InputError: there is no run, or the same one is named twice.
    """
    found: list[Path] = []
    for path in paths:
        if there_is_something(path) and is_run(path):
            found.append(path)
            continue
        if not path.is_dir():
            raise InputError(f"{path}: there is no run")
        inside = runs_in(path)
        if not inside:
            raise InputError(f"{path} is neither the directory of a run nor one of runs")
        found += inside
    if len({path.resolve() for path in found}) < len(found):
        raise InputError("the same run is named twice")
    return found


def run_names(paths: Sequence[Path]) -> list[str]:
    """Return what to call runs: the names of their directories, with parents where those are the same."""
    names = [path.resolve().name for path in paths]
    if len(set(names)) == len(names):
        return names
    return [f"{path.resolve().parent.name}/{path.resolve().name}" for path in paths]


def _style_and_script() -> tuple[str, str]:
    return _asset("page.css"), "\n".join(_asset(name) for name in _SCRIPTS)


def _asset(name: str) -> str:
    return (files("bgpbt.viewing") / "page" / name).read_text(encoding="utf-8")


def _safe(documents: Sequence[Json]) -> str:
    """Return JSON in which nothing can end a script element or begin a comment."""
    text = json.dumps(documents, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _policy(style: str, script: str, *, is_live: bool) -> str:
    connect = "'self'" if is_live else "'none'"
    return (
        f"default-src 'none'; script-src {_digest(script)}; style-src {_digest(style)}; "
        f"connect-src {connect}; img-src data:; base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
