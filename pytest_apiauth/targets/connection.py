"""One connection, by hand: for rules about what an HTTP library decides by itself.

Whether two requests share a connection, which version of HTTP they speak and whether the connection ends,
httpx decides; here the rule does. The bytes are written as they are, the answer is read by the standard
library's parser.
"""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Callable
from types import TracebackType
from typing import cast

from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.errors import GuardError, UnreachableError
from pytest_apiauth.http import bounds
from pytest_apiauth.http.resolving import connected
from pytest_apiauth.http.translation import endpoint
from pytest_apiauth.messages import ClientCertificate, Origin, Request, Response
from pytest_apiauth.printable import one_line
from pytest_apiauth.profile.model import Profile


class Connection:
    """A kept connection to one origin of a profile. Raises GuardError for any other, or for one in clear.

    ``wait`` is called before each request, and may raise.
    Use it as a context manager; the first request opens it, with the certificate that it comes with. ``send`` raises
    UnreachableError if no answer comes. A server may end the connection after any answer (RFC 9112 9.3); it is then
    closed at once, since some servers do nothing else until it is, and the next request has another one.
    """

    def __init__(
        self, profile: Profile, url: str, wait: Callable[[], None] | None = None, redactor: Redactor | None = None
    ) -> None:
        origin = Origin.of(url)
        if origin not in profile.origins or not profile.may_be_plain(origin):
            raise GuardError(f"{profile.name}: no connection with credentials to {origin}")
        self._origin = origin
        self._profile = profile
        self._wait = wait
        self._redactor = redactor or Redactor()
        self._socket: socket.socket | None = None
        self._has_ended = False
        self.carried = 0
        """How many requests it has carried."""
        self.was_shared = False
        """Whether a request went where another had gone before."""

    def __enter__(self) -> Connection:
        return self

    def _opened(self, request: Request) -> socket.socket:
        try:
            patience = bounds.BOUNDS.patience
            plain = connected(self._origin.host, self._origin.port, patience)
            is_secured = self._origin.scheme == "https"
            self._socket = self._secured(plain, request.client_certificate) if is_secured else plain
            return self._socket
        except OSError as error:
            raise self._unreachable(request, f"cannot be reached: {one_line(str(error))}") from None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def _close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _secured(self, plain: socket.socket, certificate: ClientCertificate | None) -> ssl.SSLSocket:
        context = ssl.create_default_context()
        if self._profile.ca_file:
            context.load_verify_locations(self._profile.ca_file)
        if certificate is not None and certificate.load is not None:
            certificate.load(context)
        return context.wrap_socket(plain, server_hostname=self._origin.host)

    def _unreachable(self, request: Request, why: str) -> UnreachableError:
        return UnreachableError(f"{self._profile.name}: {endpoint(request, self._redactor)}: {why}")

    def send(self, request: Request, *, version: str = "1.1", close: bool = False) -> Response:
        """Send a request in a version of HTTP (``1.0`` or ``1.1``), on this connection."""
        connection = self._socket or self._opened(request)
        if self._wait is not None:
            self._wait()
        self.was_shared = self.was_shared or (self.carried > 0 and not self._has_ended)
        self.carried += 1
        target = request.path + (f"?{request.query}" if request.query else "")
        port = "" if str(self._origin).count(":") == 1 else f":{self._origin.port}"
        lines = [f"{request.method} {target} HTTP/{version}", f"Host: {self._origin.host}{port}"]
        lines += [f"{name}: {value}" for name, value in request.headers]
        lines += [f"Content-Length: {len(request.body)}"] if request.body else []
        lines += ["Connection: close"] if close else []
        reading = bounds.Reading()
        try:
            connection.settimeout(reading.bounds.patience)
            connection.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + request.body)
            # All that the parser does with a socket is to ask it for a file.
            reader = cast("socket.socket", bounds.BoundedSocket(connection, reading))
            answer = http.client.HTTPResponse(reader, method=request.method)
            answer.begin()
            reading.end_of_head(len(answer.getheaders()))
            body = answer.read(reading.most + 1)
            reading.take(len(body))
            response = Response(answer.status, tuple(answer.getheaders()), body)
            self._has_ended = answer.will_close
            return response
        except bounds.BeyondError as error:
            self._has_ended = True
            raise self._unreachable(request, str(error)) from None
        except (OSError, http.client.HTTPException) as error:
            words = one_line(self._redactor.redact(str(error))) or type(error).__name__
            raise self._unreachable(request, f"no answer on the connection: {words}") from None
        finally:
            if self._has_ended:
                self._close()
