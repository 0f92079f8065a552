"""How an answer travels (RFC 9112, RFC 9110 8.4). In process there is no connection: there the header lines differ."""

from __future__ import annotations

import gzip

from pytest_apiauth.embedded.policy import Policy
from pytest_apiauth.embedded.registry import variant
from pytest_apiauth.messages import Request, Response

DELAY = 0.02
"""Seconds that a slow server takes, on its own clock: nobody waits for it."""
BODILESS = (204, 304)


@variant("gzip", "answers are compressed for whoever does not say otherwise (RFC 9110 12.5.3)")
class Gzip(Policy):
    def packed(self, request: Request, response: Response) -> Response:
        answer = super().packed(request, response)
        accepted = request.header("accept-encoding")
        if not answer.body or answer.status in BODILESS or (accepted is not None and "gzip" not in accepted.lower()):
            return answer
        lines = [(name, value) for name, value in answer.headers if name.lower() != "content-length"]
        return Response(answer.status, (*lines, ("Content-Encoding", "gzip")), gzip.compress(answer.body, mtime=0))


@variant("chunked", "answers come in chunks, without a length (RFC 9112 7.1)")
class Chunked(Policy):
    def packed(self, request: Request, response: Response) -> Response:
        answer = super().packed(request, response)
        if not answer.body or answer.status in BODILESS:
            return answer
        lines = [(name, value) for name, value in answer.headers if name.lower() != "content-length"]
        return Response(answer.status, (*lines, ("Transfer-Encoding", "chunked")), answer.body)


@variant("connection-close", "the connection ends after each answer (RFC 9112 9.6)")
class ConnectionClose(Policy):
    def packed(self, request: Request, response: Response) -> Response:
        answer = super().packed(request, response)
        return Response(answer.status, (*answer.headers, ("Connection", "close")), answer.body)


@variant("http-1-0", "answers are of HTTP/1.0 (RFC 9112 2.3)")
class OlderHttp(Policy):
    http_version = "HTTP/1.0"


@variant("slow", "every request takes a moment of the server's time")
class Slow(Policy):
    def screen(self, request: Request) -> None:
        super().screen(request)
        self.state.clock.advance(DELAY)
