"""A WSGI app, called as a server calls it (PEP 3333).

The environ is gunicorn's: header lines of one name are joined by commas, and a header with an underscore in its
name is left out, since WSGI would give it the name of another one. The app runs in the caller's own thread, so that
it shares what is bound to a thread: a test's transaction, say.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import unquote_to_bytes
from wsgiref.util import FileWrapper

from pytest_apiauth.errors import DroppedError
from pytest_apiauth.messages import Headers, Origin, Request, Response

SERVER_ERROR = Response(500, (("Content-Type", "text/plain; charset=utf-8"),), b"Internal Server Error")
Note = Callable[[BaseException], None]


def environ_of(request: Request, origin: Origin) -> dict[str, Any]:
    """Return the environ of a request that came to an origin."""
    target = request.path + (f"?{request.query}" if request.query else "")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(request.path).decode("latin-1"),
        "QUERY_STRING": request.query,
        "RAW_URI": target,
        "REQUEST_URI": target,
        "SERVER_NAME": origin.host,
        "SERVER_PORT": str(origin.port),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_SOFTWARE": "pytest-apiauth",
        "REMOTE_ADDR": "127.0.0.1",
        "REMOTE_PORT": "50000",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": origin.scheme,
        "wsgi.input": io.BytesIO(request.body),
        # A body without a length ends where it ends, as gunicorn and werkzeug say it.
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.file_wrapper": FileWrapper,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    if request.client_certificate is not None:
        # As Apache's mod_ssl has it, and whatever is like it.
        environ["SSL_CLIENT_CERT"] = request.client_certificate.chain
    for name, value in request.headers:
        key = name.upper().replace("-", "_")
        if "_" in name:
            continue
        if key in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            environ[key] = value
        else:
            key = f"HTTP_{key}"
            environ[key] = f"{environ[key]},{value}" if key in environ else value
    return environ


class _Answer:
    """What an app says through ``start_response``."""

    def __init__(self) -> None:
        self.status = 0
        self.reason = ""
        self.headers: Headers = ()
        self.parts: list[bytes] = []

    def start(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
        """Take status and headers (the app's ``start_response``)."""
        if exc_info is not None and any(self.parts):
            raise exc_info[1].with_traceback(exc_info[2])
        if exc_info is None and self.status:
            raise AssertionError("start_response was called twice")
        code, _, self.reason = status.partition(" ")
        self.status, self.headers = int(code), tuple(headers)
        return self.parts.append


def call(app: Callable[..., Iterable[bytes]], request: Request, origin: Origin, note: Note) -> Response:
    """Call the app and give its answer; an exception is a 500, as a server answers, and noted.

    Raises DroppedError if the exception comes after a part of the body: a server ends the connection then.
    """
    answer = _Answer()
    try:
        body = app(environ_of(request, origin), answer.start)
        try:
            answer.parts.extend(body)
        finally:
            close = getattr(body, "close", None)
            if close is not None:
                close()
        if not answer.status:
            raise AssertionError("the app did not call start_response")
    except Exception as error:
        note(error)
        if any(answer.parts):
            raise DroppedError(f"the app ended in the middle of its answer: {type(error).__name__}") from None
        return SERVER_ERROR
    return Response(answer.status, answer.headers, b"".join(answer.parts), answer.reason)
