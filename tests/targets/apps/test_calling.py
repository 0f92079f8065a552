"""What an app of either interface is called with, and what becomes of its answer."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from pytest_apiauth.errors import DroppedError, ProfileError, UnreachableError
from pytest_apiauth.http import NotSendable
from pytest_apiauth.messages import Origin, Request, Response
from pytest_apiauth.targets.apps import asgi
from pytest_apiauth.targets.apps.host import Asgi, Failures
from tests.here import EACH
from tests.targets.apps.exchanges import BASE, exchange, hosted

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Start = Callable[..., Any]
Lines = list[tuple[str, str]]


async def answer(send: Send, told: object, status: int = 200) -> None:
    """Answer with JSON by ASGI."""
    lines = [(b"content-type", b"application/json"), (b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")]
    await send({"type": "http.response.start", "status": status, "headers": lines})
    await send({"type": "http.response.body", "body": json.dumps(told).encode(), "more_body": True})
    await send({"type": "http.response.body"})


async def asgi_echo(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Tell what came."""
    if scope["type"] != "http":
        raise ValueError("no lifespan here")
    body = await receive()
    told = {
        "method": scope["method"], "path": scope["path"], "raw": scope["raw_path"].decode(), "scheme": scope["scheme"],
        "query": scope["query_string"].decode(), "version": scope["http_version"], "server": scope["server"],
        "lines": [[name.decode(), value.decode("latin-1")] for name, value in scope["headers"]],
        "body": body["body"].decode(),
    }  # fmt: skip
    await answer(send, told)


def wsgi_echo(environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
    """Tell what came."""
    told = {
        "method": environ["REQUEST_METHOD"], "path": environ["PATH_INFO"].encode("latin-1").decode(),
        "raw": environ["RAW_URI"].partition("?")[0], "query": environ["QUERY_STRING"],
        "scheme": environ["wsgi.url_scheme"], "version": environ["SERVER_PROTOCOL"].removeprefix("HTTP/"),
        "server": [environ["SERVER_NAME"], int(environ["SERVER_PORT"])],
        "lines": [[name[5:].lower(), value] for name, value in environ.items() if name.startswith("HTTP_")],
        "length": environ.get("CONTENT_LENGTH"), "body": environ["wsgi.input"].read().decode(),
    }  # fmt: skip
    start_response("200 OK", [("Content-Type", "application/json"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")])
    yield json.dumps(told).encode()


both = pytest.mark.parametrize("app", [asgi_echo, wsgi_echo], ids=["asgi", "wsgi"])


def told(response: Response) -> dict[str, Any]:
    """Give what the app told."""
    found: dict[str, Any] = json.loads(response.body)
    return found


# What travels


@both
@pytest.mark.parametrize("library", EACH)
def test_a_request_arrives_as_it_is(app: Any, library: str) -> None:
    """Target, query, lines and body arrive unnormalised, decoded where the interface says so."""
    request = Request(
        "POST", f"{BASE}/a", (("X-Key", "caf\xe9"), ("X-Key", "two")), b"x=1", target="/a/../b%C3%A9//?q=%20+&q=2"
    )

    found = told(exchange(app, request, library))

    assert (found["method"], found["path"], found["raw"]) == ("POST", "/a/../bé//", "/a/../b%C3%A9//")
    assert (found["query"], found["body"], found["version"]) == ("q=%20+&q=2", "x=1", "1.1")
    assert (found["scheme"], found["server"]) == ("https", ["api.example", 443])
    assert ["host", "api.example"] in found["lines"]


def test_lines_of_one_name() -> None:
    """ASGI gets every line, WSGI gets them joined; a name with an underscore is another one's no more."""
    request = Request("GET", f"{BASE}/", (("X-Key", "one"), ("x-key", "two"), ("X_Key", "three")))

    assert [value for name, value in told(exchange(asgi_echo, request))["lines"] if name == "x-key"] == ["one", "two"]
    assert ["x_key", "one,two"] in told(exchange(wsgi_echo, request))["lines"]


@both
def test_an_answer_comes_whole(app: Any) -> None:
    """Every header line, the status and the parts of the body; none of it for HEAD."""
    whole, head = (exchange(app, Request(method, f"{BASE}/")) for method in ("GET", "HEAD"))

    assert whole.header_lines("set-cookie") == ["a=1", "b=2"]
    assert (whole.status, head.status, head.body) == (200, 200, b"")


@both
@pytest.mark.parametrize("lines", [(("X-Key", " edge"),), (("X-Key", "two\nlines"),), (("X Key", "name"),)])
def test_what_no_connection_carries_is_refused(app: Any, lines: Any) -> None:
    """What h11 refuses is not sent to an app either."""
    with pytest.raises(NotSendable):
        exchange(app, Request("GET", f"{BASE}/", lines))


@both
def test_another_origin_is_not_the_app_s(app: Any) -> None:
    """A request to an origin that the profile does not name finds nobody."""
    with pytest.raises(UnreachableError, match=r"shop: https://other\.example: no answer"):
        exchange(app, Request("GET", "https://other.example/"))


# What goes wrong


async def raises(scope: Any, receive: Receive, send: Send) -> None:
    """Raise before the answer."""
    raise KeyError("secret-of-the-app")


async def raises_after(scope: Any, receive: Receive, send: Send) -> None:
    """Answer with 500 and then raise, as Starlette does."""
    await answer(send, {}, 500)
    raise KeyError("secret-of-the-app")


async def silent(scope: Any, receive: Receive, send: Send) -> None:
    """Answer nothing."""


async def stops(scope: Any, receive: Receive, send: Send) -> None:
    """Stop in the middle of the answer."""
    if scope["type"] == "lifespan":
        raise ValueError("unknown")
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"half", "more_body": True})


def wsgi_raises(environ: Any, start_response: Start) -> Iterable[bytes]:
    """Raise before the answer."""
    raise KeyError("secret-of-the-app")


def wsgi_logs(environ: Any, start_response: Start) -> Iterable[bytes]:
    """Catch, log and answer with 500, as Flask and Django do."""
    try:
        raise KeyError("secret-of-the-app")
    except KeyError:
        logging.getLogger("an.app").exception("failed")
    start_response("500 Internal Server Error", [])
    return [b""]


def wsgi_stops(environ: Any, start_response: Start) -> Iterable[bytes]:
    """Raise in the middle of the answer."""
    start_response("200 OK", [])
    yield b"half"
    raise KeyError("secret-of-the-app")


@pytest.mark.parametrize("app", [raises, raises_after, wsgi_raises, wsgi_logs])
def test_an_exception_is_a_server_error(app: Any) -> None:
    """It is a 500, with the exception's type and place for a person, and not its words."""
    response = exchange(app, Request("GET", f"{BASE}/"))

    assert response.status == 500
    assert response.note.startswith("KeyError (test_calling.py, line ")
    assert "secret" not in response.note


def test_no_answer_is_a_server_error() -> None:
    """An app that returns without an answer is answered for, as servers do."""
    assert exchange(silent, Request("GET", f"{BASE}/")).status == 500


@pytest.mark.parametrize("app", [stops, wsgi_stops])
def test_half_an_answer_is_none(app: Any) -> None:
    """A server ends the connection in the middle; that is no answer."""
    with pytest.raises(DroppedError, match="shop: the app ended in the middle of its answer"):
        exchange(app, Request("POST", f"{BASE}/"))


def test_an_app_that_hangs_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that takes too long is none."""

    async def hangs(scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            raise ValueError("unknown")
        await asyncio.Event().wait()

    with hosted(hangs) as host:
        monkeypatch.setattr(asgi, "TIME_LIMIT", 0.05)
        with pytest.raises(UnreachableError, match="shop: the app did not answer within"):
            host.handle(Request("GET", f"{BASE}/"))


# Life


class Living:
    """An app with a lifespan, and what happened to it."""

    def __init__(self, fails: str = "") -> None:
        self.fails = fails
        self.seen: list[tuple[str, int]] = []

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Live, and answer with what the startup has left in the state."""
        if scope["type"] == "http":
            self.seen.append(("request", threading.get_ident()))
            await answer(send, scope["state"])
            scope["state"]["value"] = "changed"
            return
        for part in ("startup", "shutdown"):
            assert (await receive())["type"] == f"lifespan.{part}"
            self.seen.append((part, threading.get_ident()))
            scope["state"]["value"] = "kept"
            if part == self.fails:
                await send({"type": f"lifespan.{part}.failed", "message": "Traceback …\n  …\nOSError: no database\n"})
                return
            await send({"type": f"lifespan.{part}.complete"})


def test_a_lifespan_is_lived_once_on_one_loop() -> None:
    """Startup before the first request, shutdown after the last, all on one thread that is not ours; state is lent."""
    app = Living()

    with hosted(app) as host:
        answers = [told(host.handle(Request("GET", f"{BASE}/"))) for _ in range(2)]

    assert answers == [{"value": "kept"}, {"value": "kept"}]
    assert [part for part, _ in app.seen] == ["startup", "request", "request", "shutdown"]
    assert len({thread for _, thread in app.seen} - {threading.get_ident()}) == 1


def test_apps_of_a_run_share_a_loop() -> None:
    """What one app has bound to its loop another one may use: they have the same."""
    met: list[asyncio.AbstractEventLoop] = []

    async def app(scope: Any, receive: Receive, send: Send) -> None:
        met.append(asyncio.get_running_loop())
        raise ValueError("unknown")

    loop = asgi.Loop()
    failures = Failures(Path())
    apps = [Asgi(app, failures, loop, where="shop: app", root=Path()) for _ in range(2)]
    for one in apps:
        one.call(Request("GET", f"{BASE}/"), Origin.of(BASE))
        one.close()
    loop.close()

    assert len(met) == 4
    assert len(set(met)) == 1


@pytest.mark.parametrize("part", ["startup", "shutdown"])
def test_a_failing_lifespan_is_one_line(part: str) -> None:
    """The last line of what the app says tells why."""
    with (
        pytest.raises(ProfileError, match=f"^shop: app: the app's {part} failed: OSError: no database$"),
        hosted(Living(part)),
    ):
        pass


def test_no_thread_is_left() -> None:
    """Once closed, neither loop nor pool is left, whether the app started or not."""
    before = threading.active_count()
    for fails in ("", "startup"):
        try:
            with hosted(Living(fails)) as host:
                host.handle(Request("GET", f"{BASE}/"))
        except ProfileError:
            pass

    assert threading.active_count() == before


def test_requests_at_once_run_at_once() -> None:
    """Several threads meet in one app: it is no queue."""
    meeting = threading.Barrier(3, timeout=10)

    async def meets(scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            raise ValueError("unknown")
        await asyncio.to_thread(meeting.wait)
        await answer(send, {})

    with hosted(meets) as host:
        threads = [threading.Thread(target=host.handle, args=(Request("GET", f"{BASE}/"),)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=20)

    assert not meeting.broken
