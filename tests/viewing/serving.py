"""`bgpbt watch` as a process of its own, and its events as a browser reads them."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

END_S = 20  # far more than a server takes to end


@dataclass(frozen=True, slots=True)
class Served:
    """A server that listens."""

    address: str  # ends in /
    process: subprocess.Popen[str]

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.address.rsplit(":", 1)[1].strip("/"))


@contextmanager
def serving(*runs: Path, port: int = 0) -> Iterator[Served]:
    """Start a server, give it once it listens, and kill it at the end."""
    command = [sys.executable, "-m", "bgpbt", "watch", *map(str, runs), "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("watching at http://127.0.0.1:"), line or process.communicate()[1]
        yield Served(line.split()[2], process)
    finally:
        process.kill()
        process.communicate(timeout=END_S)


@contextmanager
def events(served: Served, *, last_id: str = "") -> Iterator[Iterator[tuple[str, Any]]]:
    """Open the stream of events; each is its id and its data."""
    headers = {"Last-Event-ID": last_id} if last_id else {}
    with httpx.stream("GET", f"{served.address}events", headers=headers, timeout=END_S) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield _read(answer.iter_lines())


def _read(lines: Iterator[str]) -> Iterator[tuple[str, Any]]:
    fields: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "data" in fields:
            yield fields["id"], json.loads(fields["data"])
            fields = {}
