"""The person's side of authorization_code: a browser that is sent away, and a place on loopback where it comes back.

The place listens before the URL is shown, answers one callback, and says nothing of what it was sent. A browser may
open connections that it never uses, ask for an icon, or be told by another page to call here: each connection has a
thread of its own, other paths and hosts are refused, and what came is for `code_from_callback` to judge.
"""

from __future__ import annotations

import http.server
import os
import queue
import socket
import socketserver
import sys
import threading
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final
from urllib.parse import parse_qs, urlsplit

from pytest_apiauth.errors import ProfileError, TokenError
from pytest_apiauth.messages import Origin

PAGE: Final = "<!doctype html><meta charset=utf-8><title>{title}</title><h1>{title}</h1><p>You can close this window."
IDLE: Final = 10.0
"""Seconds after which a connection that sends nothing is closed."""


def is_loopback(redirect_uri: str) -> bool:
    """Whether a redirection URI leads to a place on this machine that can be listened at (RFC 8252 7.3)."""
    parts = urlsplit(redirect_uri)
    return parts.scheme == "http" and bool(parts.hostname) and Origin.of(redirect_uri).is_loopback


class Callbacks:
    """A place on loopback that waits for one callback. Made by `listening`."""

    def __init__(self, name: str, registered: str) -> None:
        self._name = name
        self._arrived: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._verdict: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._taken = threading.Lock()
        self._told = threading.Event()
        parts = urlsplit(registered)
        host = "127.0.0.1" if parts.hostname == "localhost" else parts.hostname or ""
        # Without a port in it, any will do (RFC 8252 7.3).
        try:
            self.server = _Server(self, host, parts.port or 0)
        except OSError as error:
            raise ProfileError(
                f"{name}: redirect_uri: cannot listen at {parts.netloc}: {error.strerror or error};"
                " register another port, or use --paste"
            ) from None
        port = self.server.server_address[1]
        netloc = parts.netloc if parts.port else f"{parts.netloc}:{port}"
        self.redirect_uri = parts._replace(netloc=netloc).geturl()

    def wait(self, seconds: float) -> str:
        """Return the URL of the callback. Raises TokenError if none comes in time."""
        try:
            return self._arrived.get(timeout=seconds)
        except queue.Empty:
            raise TokenError(
                f"{self._name}: authorization_code: no answer came to {self.redirect_uri} in {seconds:.0f} s"
            ) from None

    def finish(self, is_good: bool) -> None:
        """Tell the browser how it went, once, and wait until it is told."""
        if self._taken.locked() and not self._told.is_set():
            self._verdict.put(is_good)
            self._told.wait(IDLE)

    def sent(self, status: int) -> None:
        """Take note that a page is out; the one about the login is neither 404 nor 409."""
        if status in (200, 400):
            self._told.set()

    def answer(self, target: str, host: str) -> tuple[int, str]:
        """Return status and title of the page that answers a request."""
        meant = urlsplit(self.redirect_uri)
        try:
            came, is_ours = urlsplit(target), Origin.of(f"http://{host}") == Origin.of(self.redirect_uri)
        except ValueError:
            return 404, "Not Found"
        if not is_ours or came.path != (meant.path or "/"):
            return 404, "Not Found"
        if not {"code", "error", "state"} & parse_qs(came.query).keys():
            return 404, "Not Found"
        if not self._taken.acquire(blocking=False):
            return 409, "This login is over"
        self._arrived.put(came._replace(scheme=meant.scheme, netloc=meant.netloc).geturl())
        try:
            is_good = self._verdict.get(timeout=60)
        except queue.Empty:
            is_good = False
        return (200, "Logged in") if is_good else (400, "This login failed")


@contextmanager
def listening(name: str, registered: str) -> Iterator[Callbacks]:
    """Listen at a registered redirection URI. Raises ProfileError, in one line, if that cannot be."""
    callbacks = Callbacks(name, registered)
    thread = threading.Thread(target=callbacks.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield callbacks
    finally:
        # Whoever still waits for an answer gets one.
        callbacks.finish(False)
        callbacks.server.shutdown()
        callbacks.server.server_close()
        thread.join()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    # Elsewhere than on POSIX the option lets another program listen at the same place.
    allow_reuse_address = os.name == "posix"
    allow_reuse_port = False

    def __init__(self, callbacks: Callbacks, host: str, port: int) -> None:
        self.callbacks = callbacks
        if ":" in host:
            self.address_family = socket.AF_INET6
        super().__init__((host, port), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Write nothing: the standard library would print what was asked for."""

    def server_bind(self) -> None:
        # That of the standard library asks the name service for its own name.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]


class _Handler(http.server.BaseHTTPRequestHandler):
    timeout = IDLE
    server: _Server

    def do_GET(self) -> None:
        status, title = self.server.callbacks.answer(self.path, self.headers.get("Host", ""))
        body = PAGE.format(title=title).encode()
        with suppress(OSError):
            self.send_response(status)
            for name, value in (
                ("Content-Type", "text/html; charset=utf-8"),
                ("Content-Length", str(len(body))),
                ("Cache-Control", "no-store"),
                # The URL holds the code.
                ("Referrer-Policy", "no-referrer"),
                ("Content-Security-Policy", "default-src 'none'"),
                ("Connection", "close"),
            ):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
            self.wfile.flush()
        self.server.callbacks.sent(status)

    def log_message(self, format: str, *args: object) -> None:
        """Write nothing: the request line holds the code."""


def open_browser(url: str) -> None:
    """Open a browser if there is one with a window of its own; one in the terminal would take it over."""
    with suppress(webbrowser.Error, OSError):
        browser = webbrowser.get()
        if type(browser) is not webbrowser.GenericBrowser:
            browser.open(url)


def pasted(name: str) -> str:
    """Read a URL from standard input. Raises TokenError if none is given."""
    try:
        line = sys.stdin.readline().strip()
    except (OSError, ValueError):
        line = ""
    if not line:
        raise TokenError(f"{name}: authorization_code: no URL was pasted")
    return line
