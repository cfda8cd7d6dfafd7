"""The live page: a small local server that reads runs and tells the page what is new.

Read-only, on this machine alone. Every second the histories are looked at once, however many pages are open.
An event's id says which round of which run a page has seen, so that a page that comes back, even to another
server, gets what it missed.
"""

import asyncio
import json
import re
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

from bgpbt.errors import InputError
from bgpbt.viewing.report import live_policy, page, run_names
from bgpbt.viewing.run_reader import RunReader
from bgpbt.viewing.run_view import Json

if TYPE_CHECKING:
    from types import FrameType

    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["HOST", "Watch", "application", "serve"]

HOST = "127.0.0.1"
"""The only address that is listened on."""

LAST_PORT = 65535
POLL_INTERVAL_S = 1.0  # a round of a real run takes minutes
KEEP_ALIVE_S = 15.0  # so that a lost connection is noticed
GRACE_S = 3  # for open connections when the server is ended
SPEED_WINDOW_S = 600.0  # over which speed is averaged

_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",  # the page has its own
}
_LOCAL_NAMES = ["127.0.0.1", "localhost"]  # another name in a request is that of a page somewhere else

_SEEN = re.compile(r"([0-9]{1,6})\.([0-9a-f]{1,64})\.([0-9]{1,9})")  # a part of what `_format_id` gives

T = TypeVar("T")
Seen = dict[int, tuple[str, int]]  # run to the version and round that a page has


class Watch:
    """Some runs, looked at every second while the server is there."""

    def __init__(self, paths: Sequence[Path], *, interval_s: float = POLL_INTERVAL_S) -> None:
        self._readers = [RunReader(path, name) for path, name in zip(paths, run_names(paths), strict=True)]
        self._interval_s = interval_s
        # SQLite wants to be used from the thread that opened it.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="bgpbt-watch")
        # Seconds, steps trained and newest round with an outcome, since the first outcome.
        self._progress: list[list[tuple[float, int, int]]] = [[] for _ in paths]
        self._closing = False

    async def run(self) -> None:
        """Look at the runs until cancelled."""
        while True:
            await self._in_thread(self._poll)
            await asyncio.sleep(self._interval_s)

    async def close(self) -> None:
        """Close the histories."""
        self.let_go()
        await self._in_thread(self._close)
        self._thread.shutdown()

    def let_go(self) -> None:
        """End all streams of events soon; may be called from a signal handler."""
        self._closing = True

    async def documents(self) -> list[Json]:
        """Return all runs, whole."""
        await self._in_thread(self._poll)
        return [await self._message(index, {}) for index in range(len(self._readers))]

    async def events(self, last_id: str) -> AsyncIterator[str]:
        """Yield server-sent events: at once what a page has not seen, then whatever is new."""
        # A reader that has not looked yet has seen no change, and has nothing to tell.
        seen, told, spoke = _parse_id(last_id), [0] * len(self._readers), monotonic()
        while not self._closing:
            for index, reader in enumerate(self._readers):
                changes = reader.changes
                if changes != told[index]:
                    message = await self._message(index, seen)
                    seen[index] = (message["version"], message.pop("last_round"))
                    told[index] = changes
                    data = json.dumps(message, separators=(",", ":"), allow_nan=False)
                    yield f"event: run\nid: {_format_id(seen)}\ndata: {data}\n\n"
            if any(changes != reader.changes for changes, reader in zip(told, self._readers, strict=True)):
                spoke = monotonic()
            elif monotonic() - spoke > KEEP_ALIVE_S:
                spoke = monotonic()
                yield ": still here\n\n"
            await asyncio.sleep(self._interval_s / 2)

    async def _message(self, index: int, seen: Seen) -> Json:
        return await self._in_thread(lambda: self._compose(index, seen))

    def _compose(self, index: int, seen: Seen) -> Json:
        reader = self._readers[index]
        version, round_index = seen.get(index, ("", 0))
        document = reader.document(round_index if version == reader.version else 0)
        return {
            "index": index,
            "count": len(self._readers),
            "name": reader.name,
            "last_round": reader.last_round,
            "speed": self._speed(index),
            **document,
        }

    def _poll(self) -> None:
        for reader, progress in zip(self._readers, self._progress, strict=True):
            changes = reader.changes
            reader.poll()
            if reader.changes == changes and progress:
                continue
            now = monotonic()
            steps = sum(outcome.steps for _, outcome in reader.trained())
            if steps > 0:  # what came before was compilation
                progress.append((now, steps, reader.last_round))
            while len(progress) > 2 and now - progress[0][0] > SPEED_WINDOW_S:
                progress.pop(0)

    def _speed(self, index: int) -> float | None:
        """Return environment steps per second of all members, as seen from here; None within one round.

        Members that train at the same time end at the same time, so that less than a round says nothing.
        """
        progress = self._progress[index]
        if len(progress) < 2 or progress[-1][2] <= progress[0][2]:
            return None
        (began, steps_before, _), (ended, steps_now, _) = progress[0], progress[-1]
        if steps_now <= steps_before or ended <= began:
            return None
        return (steps_now - steps_before) / (ended - began)

    def _close(self) -> None:
        for reader in self._readers:
            reader.close()

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def application(watch: Watch) -> "Starlette":
    """Return the server's application: the page, its events, and all runs as JSON."""
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware
    from starlette.responses import HTMLResponse, JSONResponse, StreamingResponse
    from starlette.routing import Route

    text, page_headers = page(), {**_HEADERS, "Content-Security-Policy": live_policy()}

    async def show(request: "Request") -> "Response":
        return HTMLResponse(text, headers=page_headers)

    async def runs(request: "Request") -> "Response":
        return JSONResponse(await watch.documents(), headers=_HEADERS)

    async def events(request: "Request") -> "Response":
        last_id = request.headers.get("last-event-id") or request.query_params.get("since", "")
        return StreamingResponse(watch.events(last_id), media_type="text/event-stream", headers=_HEADERS)

    @asynccontextmanager
    async def lifespan(app: "Starlette") -> AsyncIterator[None]:
        looking = asyncio.create_task(watch.run())
        try:
            yield
        finally:
            looking.cancel()
            await watch.close()

    return Starlette(
        routes=[Route("/", show), Route("/runs.json", runs), Route("/events", events)],
        middleware=[
            Middleware(_Headers),  # outside, since what refuses a request answers too
            Middleware(TrustedHostMiddleware, allowed_hosts=_LOCAL_NAMES),
        ],
        lifespan=lifespan,
    )


class _Headers:
    """Puts the security headers on every answer, refusals included."""

    def __init__(self, app: "ASGIApp") -> None:
        self._app = app

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        async def send_with_headers(message: "Message") -> None:
            if message["type"] == "http.response.start":
                given = {name.lower() for name, _ in message["headers"]}
                missing = [(name.lower().encode(), value.encode()) for name, value in _HEADERS.items()]
                own = [(name, value) for name, value in missing if name not in given]
                message = {**message, "headers": [*message["headers"], *own]}
            await send(message)

        await self._app(scope, receive, send_with_headers)


def serve(paths: Sequence[Path], port: int, *, on_ready: Callable[[str], None]) -> None:
    """Serve until interrupted.

    Args:
        paths: directories of runs.
        port: to listen on; 0 takes any that is free.
        on_ready: told the page's address once it can be opened.

    Raises:
        InputError: there is no such port, or it is taken.
    """
    import uvicorn

    watch = Watch(paths)

    class Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: "FrameType | None") -> None:
            watch.let_go()  # the pages' connections stay open for as long as they are served
            super().handle_exit(sig, frame)

    with _listening(port) as listener:
        on_ready(f"http://{HOST}:{listener.getsockname()[1]}/")
        config = uvicorn.Config(
            application(watch), log_level="error", access_log=False, timeout_graceful_shutdown=GRACE_S
        )
        Server(config).run(sockets=[listener])


def _listening(port: int) -> socket.socket:
    if not 0 <= port <= LAST_PORT:
        raise InputError(f"there is no port {port}; choose one of 0 to {LAST_PORT} with --port")
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a server just ended is no obstacle
    try:
        listener.bind((HOST, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise InputError(
            f"port {port} cannot be used: {error.strerror}; choose another with --port"
        ) from error
    return listener


def _format_id(seen: Seen) -> str:
    return ",".join(f"{index}.{version}.{round_index}" for index, (version, round_index) in seen.items())


def _parse_id(text: str) -> Seen:
    """Return what a page says it has seen; nothing, if that is not what we gave it."""
    parts = (_SEEN.fullmatch(part) for part in text.split(","))
    return {int(part[1]): (part[2], int(part[3])) for part in parts if part is not None}
