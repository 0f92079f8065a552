"""What the server publishes of itself: its metadata (RFC 8414), and its keys (RFC 7517). `MetadataPolicy` says what."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from pytest_apiauth.messages import Request, Response


class MetadataEndpoint:
    """Answers with a document, to anybody."""

    def __init__(self, document: Callable[[], Mapping[str, object]]) -> None:
        self._document = document

    def answer(self, request: Request) -> Response:
        """Answer a request for the document (RFC 8414 3.1, 3.2)."""
        if request.method not in ("GET", "HEAD"):
            return Response(405, (("Allow", "GET, HEAD"), ("Content-Length", "0")))
        body = json.dumps(self._document()).encode()
        return Response(200, (("Content-Type", "application/json"),), body)
