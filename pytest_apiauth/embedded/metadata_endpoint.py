"""The metadata document (RFC 8414). What it says is in `MetadataPolicy`."""

from __future__ import annotations

import json

from pytest_apiauth.embedded.policy import Policy
from pytest_apiauth.messages import Request, Response


class MetadataEndpoint:
    """Answers with what the server says of itself, to anybody."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    def answer(self, request: Request) -> Response:
        """Answer a request for the metadata document (RFC 8414 3.1, 3.2)."""
        if request.method not in ("GET", "HEAD"):
            return Response(405, (("Allow", "GET, HEAD"), ("Content-Length", "0")))
        body = json.dumps(self._policy.metadata()).encode()
        return Response(200, (("Content-Type", "application/json"),), body)
