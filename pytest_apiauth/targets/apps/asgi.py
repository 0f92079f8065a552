"""An ASGI app, called as a server calls it (ASGI 3.0, HTTP and lifespan).

Theory of operation. One event loop in a thread of its own lives as long as the run and serves every app of it, because
apps bind things to their loop, and share them: pools, locks, clients. The lifespan is a task on it that starts before
the first request and is told to end when the run ends; an app that does not know lifespans raises at once, and is then
called without one, as uvicorn does. Callers, blocking or not, hand their requests to that loop and wait.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar
from urllib.parse import unquote

from pytest_apiauth.credentials import certificates
from pytest_apiauth.errors import DroppedError, UnreachableError
from pytest_apiauth.messages import Origin, Request, Response
from pytest_apiauth.targets.apps.wsgi import SERVER_ERROR, Note

AsgiApp = Callable[..., Any]
Message = dict[str, Any]
Result = TypeVar("Result")
VERSIONS = {"version": "3.0", "spec_version": "2.3"}
TIME_LIMIT = 60.0
"""Seconds that an answer may take, and a startup or shutdown."""

PATIENCE = 5.0
"""Seconds that tasks of the app may take to end once they are cancelled."""


class Loop:
    """An event loop in a thread of its own, which starts with the first work."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def submit(self, work: Coroutine[Any, Any, Result]) -> Future[Result]:
        """Start work on the loop, in a context of its own: which event loop the caller has is none of its business."""
        return contextvars.Context().run(asyncio.run_coroutine_threadsafe, work, self._started())

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._mutex:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, name="apiauth-app", daemon=True)
                self._thread.start()
            return self._loop

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Do work on the loop and wait for it."""
        return self.submit(work).result()

    def close(self) -> None:
        """Cancel what is left, and end loop and thread."""
        if self._loop is None or self._thread is None:
            return
        self.run(self._wind_up(self._loop))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._loop = self._thread = None

    async def _wind_up(self, loop: asyncio.AbstractEventLoop) -> None:
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left, timeout=PATIENCE)
        await loop.shutdown_asyncgens()
        await loop.shutdown_default_executor()


class Lifespan:
    """The startup and shutdown of one app; both run on its loop."""

    def __init__(self, app: AsgiApp) -> None:
        self._app = app
        self._orders: asyncio.Queue[Message] = asyncio.Queue()
        self._started = asyncio.Event()
        self._stopped = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.state: dict[str, Any] = {}
        self.is_known = False
        """Whether the app has answered the startup."""
        self.failure: BaseException | str | None = None

    async def startup(self) -> None:
        """Start the app and wait until it is up; ``failure`` says whether it is not."""
        self._orders.put_nowait({"type": "lifespan.startup"})
        self._task = asyncio.create_task(self._main())
        async with asyncio.timeout(TIME_LIMIT):
            await self._started.wait()

    async def shutdown(self) -> None:
        """Tell the app to end and wait until it has."""
        if self.is_known and self._task is not None and not self._task.done():
            self._orders.put_nowait({"type": "lifespan.shutdown"})
            async with asyncio.timeout(TIME_LIMIT):
                await self._stopped.wait()
                await self._task

    async def _main(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}
        try:
            await self._app(scope, self._orders.get, self._send)
        except Exception as error:
            # Before any answer it only says that the app knows no lifespan (ASGI, lifespan protocol).
            if self.is_known:
                self.failure = self.failure or error
        finally:
            self._started.set()
            self._stopped.set()

    async def _send(self, message: Message) -> None:
        kind = message["type"]
        if not kind.startswith("lifespan."):
            raise RuntimeError(f"expected an ASGI message of the lifespan, got {kind!r}")
        self.is_known = True
        if kind.endswith(".failed"):
            self.failure = str(message.get("message", "")) or "no reason given"
        (self._started if kind.startswith("lifespan.startup") else self._stopped).set()


def scope_of(request: Request, origin: Origin, state: dict[str, Any]) -> Message:
    """Return the scope of a request that came to an origin, as uvicorn does."""
    return {
        "type": "http",
        "asgi": VERSIONS,
        "http_version": "1.1",
        "server": (origin.host, origin.port),
        "client": ("127.0.0.1", 50000),
        "scheme": origin.scheme,
        "method": request.method,
        "root_path": "",
        "path": unquote(request.path),
        "raw_path": request.path.encode("latin-1"),
        "query_string": request.query.encode("latin-1"),
        "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in request.headers],
        "state": state.copy(),
        **({"extensions": {"tls": _tls(request)}} if origin.scheme == "https" else {}),
    }


def _tls(request: Request) -> Message:
    """Return what a server says of a connection over TLS (ASGI TLS extension 0.2), and of who is at its other end."""
    chain = certificates.split(request.client_certificate.chain) if request.client_certificate is not None else []
    return {
        "server_cert": None,
        "client_cert_chain": chain,
        "client_cert_name": certificates.subject_of(chain[0]) if chain else None,
        "client_cert_error": None,
        "tls_version": 0x0304,
        "cipher_suite": 0x1301,
    }


class _Cycle:
    """One request and its answer."""

    def __init__(self, request: Request) -> None:
        self._body: bytes | None = request.body
        self._complete = asyncio.Event()
        self.start: Message | None = None
        self.parts: list[bytes] = []

    @property
    def is_complete(self) -> bool:
        return self._complete.is_set()

    async def receive(self) -> Message:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self._complete.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        kind = message["type"]
        if self.is_complete:
            raise RuntimeError(f"unexpected ASGI message {kind!r} after the answer was complete")
        wanted = "http.response.start" if self.start is None else "http.response.body"
        if kind != wanted:
            raise RuntimeError(f"expected ASGI message {wanted!r}, got {kind!r}")
        if self.start is None:
            self.start = message
            return
        self.parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            self._complete.set()

    def response(self) -> Response:
        assert self.start is not None
        lines = tuple(
            (name.decode("latin-1"), value.decode("latin-1")) for name, value in self.start.get("headers", ())
        )
        return Response(self.start["status"], lines, b"".join(self.parts))


async def call(app: AsgiApp, request: Request, origin: Origin, state: dict[str, Any], note: Note) -> Response:
    """Call the app and give its answer; an exception is a 500, as uvicorn answers, and noted.

    Raises DroppedError if the app ends in the middle of its answer, UnreachableError if it takes too long.
    """
    cycle = _Cycle(request)
    try:
        async with asyncio.timeout(TIME_LIMIT) as limit:
            await app(scope_of(request, origin, state), cycle.receive, cycle.send)
    except Exception as error:
        if limit.expired() and not cycle.is_complete:
            raise UnreachableError(f"the app did not answer within {TIME_LIMIT:.0f} seconds") from None
        note(error)
    if cycle.is_complete:
        return cycle.response()
    if cycle.start is not None:
        raise DroppedError("the app ended in the middle of its answer")
    return SERVER_ERROR
