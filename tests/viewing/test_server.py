"""The server of the live page: what it tells whom, and that it only reads."""

import hashlib
import json
import re
import shutil
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bgpbt.cli import main
from bgpbt.viewing.report import page
from bgpbt.viewing.run_reader import read_document
from tests.viewing.large_run import LargeRun
from tests.viewing.serving import END_S, Served, events, serving
from tests.viewing.toy_runs import create, go_on, toy_settings


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small run that is over."""
    path: Path = tmp_path_factory.mktemp("server") / "run"
    settings = toy_settings("toy:mixed")
    go_on(create(path, settings), settings)
    return path


@pytest.fixture(scope="module")
def served(run: Path) -> Iterator[Served]:
    with serving(run) as server:
        yield server


def test_the_page_and_the_runs_are_served(run: Path, served: Served) -> None:
    answer = httpx.get(served.address)
    assert answer.text == page()
    assert "connect-src 'self'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    (document,) = httpx.get(f"{served.address}runs.json").json()
    assert document["rows"] == json.loads(json.dumps(read_document(run, "run")["rows"]))
    missing = httpx.get(f"{served.address}history.sqlite")
    assert missing.status_code == 404
    assert _is_guarded(missing)
    assert _is_guarded(httpx.post(served.address))  # 405


def test_nothing_can_be_changed(run: Path, served: Served) -> None:
    before = _content(run)
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert httpx.request(method, served.address).status_code == 405
    names = sorted(path.name for path in run.iterdir())
    with events(served) as stream:
        next(stream)
        assert sorted(path.name for path in run.iterdir()) == names  # SQLite's own files included
    assert _content(run) == before


def test_a_page_of_another_host_learns_nothing(served: Served) -> None:
    for path in ("", "runs.json", "events"):
        answer = httpx.get(served.address + path, headers={"Host": "evil.example"})
        assert answer.status_code == 400
        assert _is_guarded(answer)
        assert "access-control-allow-origin" not in answer.headers


def test_only_this_machine_is_listened_to(served: Served) -> None:
    with socket.socket() as other, pytest.raises(ConnectionRefusedError):
        other.connect(("127.0.0.2", served.port))


def test_a_page_that_comes_back_gets_what_it_missed(tmp_path: Path) -> None:
    large = LargeRun(tmp_path / "run", members=4, rounds=10, generations=2)
    large.write(3)
    with serving(large.run.path) as server:
        with events(server) as stream:
            last_id, message = next(stream)
            assert [row[0] for row in message["rows"]] == [0] * 4 + [1] * 4 + [2] * 4
            large.write(1)
            last_id, message = _since(stream, 3)
            # The newest round is told again, since a member of it may have been under way.
            assert {row[0] for row in message["rows"]} == {2, 3}
        large.write(2)
    with serving(large.run.path) as server:
        with events(server, last_id=last_id) as stream:
            _, message = _since(stream, 5)
            assert {row[0] for row in message["rows"]} == {3, 4, 5}
            large.write(1, is_end=True)
            _since(stream, 6)
        for unknown in ("", "0.another-version.3", "nonsense,1.2,,..", "9.x.1"):
            with events(server, last_id=unknown) as stream:
                _, message = next(stream)
                assert len(message["rows"]) == 7 * 4
                assert message["summary"]["finished"]


def test_several_runs_are_told_each_in_its_place(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "b")
    shutil.copytree(run, tmp_path / "a")
    with serving(tmp_path) as server, events(server) as stream:
        told = [next(stream)[1] for _ in range(2)]
    assert [(message["index"], message["count"], message["name"]) for message in told] == [
        (0, 2, "a"),
        (1, 2, "b"),
    ]


def test_a_run_damaged_or_gone_meanwhile_is_told(run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    with serving(copy) as server, events(server) as stream:
        rows = next(stream)[1]["rows"]
        (copy / "run.json").write_text('{"format_version": 1, "cut off', encoding="utf-8")
        message = next(stream)[1]
        assert "run.json: the file is damaged" in message["problem"]
        shutil.rmtree(copy)
        assert "there is no run" in next(stream)[1]["problem"]
        shutil.copytree(run, copy)
        message = next(stream)[1]
        assert message["problem"] is None
        assert message["rows"] == rows


def test_an_odd_run_keeps_no_other_from_being_followed(run: Path, tmp_path: Path) -> None:
    odd, growing = tmp_path / "odd", LargeRun(tmp_path / "growing", members=4, rounds=5, generations=1)
    shutil.copytree(run, odd)
    (odd / "run.json").write_text('{"format_version": Infinity, "digest": ""}', encoding="utf-8")
    growing.write(1)
    with serving(odd, growing.run.path) as server, events(server) as stream:
        told = {message["name"]: message for _, message in (next(stream), next(stream))}
        assert "the file is damaged" in told["odd"]["problem"]
        assert told["growing"]["problem"] is None
        growing.write(1)
        _, message = next(stream)
        assert (message["name"], message["problem"]) == ("growing", None)
        assert {row[0] for row in message["rows"]} == {0, 1}


@pytest.mark.parametrize(
    "since",
    ["9" * 5000, f"0.abc.{'9' * 5000}", "0.x\ndata: forged\n\n.1", "0.\u0661.\u0661", "-1.a.1", "...,,,"],
)
def test_what_a_page_says_it_has_seen_is_not_echoed(since: str, served: Served) -> None:
    with httpx.stream("GET", f"{served.address}events", params={"since": since}, timeout=END_S) as answer:
        lines = answer.iter_lines()
        first = [next(lines) for _ in range(3)]
    assert first[0] == "event: run"
    assert re.fullmatch(r"id: 0\.[0-9a-f]{12}\.[0-9]+", first[1])
    assert json.loads(first[2].removeprefix("data: "))["rows"]


def test_an_interrupt_ends_it_with_pages_open(run: Path) -> None:
    with serving(run) as server, events(server) as stream:
        next(stream)
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(END_S) == 0
        assert server.process.stderr is not None
        assert server.process.stderr.read() == ""


def test_mistakes_are_one_clear_line(
    run: Path, served: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments, message in (
        ([str(tmp_path / "none")], "there is no run"),
        ([str(run), "--port", str(served.port)], "choose another with --port"),
        ([str(run), "--port", "70000"], "port"),
    ):
        assert main(["watch", *arguments]) == 2
        error = capsys.readouterr().err
        assert message in error
        assert error.count("\n") == 1


def _is_guarded(answer: httpx.Response) -> bool:
    return (
        answer.headers["x-content-type-options"] == "nosniff"
        and answer.headers["x-frame-options"] == "DENY"
        and answer.headers["referrer-policy"] == "no-referrer"
        and "default-src 'none'" in answer.headers["content-security-policy"]
    )


def _content(run: Path) -> dict[Path, bytes]:
    """Return hashes of what is written when a run goes on.

    SQLite shares memory with its readers in a file of its own, and while one reads there may be an empty log.
    """
    content = {
        path: path.read_bytes()
        for path in run.rglob("*")
        if not path.name.endswith("-shm") and path.is_file()
    }
    return {
        path: hashlib.sha256(data).digest()
        for path, data in content.items()
        if data or not path.name.endswith("-wal")
    }


def _since(stream: Iterator[tuple[str, Any]], round_index: int) -> tuple[str, Any]:
    """Return the first event of which a round is complete."""
    return next(
        (last_id, message)
        for last_id, message in stream
        if sum(row[0] == round_index for row in message["rows"]) == 4
    )
