"""What vcrpy does otherwise than the HTTP libraries that it stands in for, mended while a cassette is in place.

Theory of operation. What a client has sent and what it has seen is what is on the tape, and what it sees again.

aiohttp encodes a body below the place where vcrpy looks at it: a form, JSON or parts reach vcrpy as they were given,
as a dictionary of which nobody knows any more how it was sent. So they are encoded before, by aiohttp's own means.

A recorded body is readable, whatever content codings it had. vcrpy stands in for httpx and http.client below the place
where codings are undone, and above it for the other libraries; each is played what it had when it was recorded.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

from pytest_apiauth.recording.message import as_it_came

HTTPX: Final = "vcr.stubs.httpx_stubs"
CONNECTIONS: Final = "vcr.stubs"
UNDECODED: Final = ("http", "httplib2")
"""Packages whose connections give a body as it came: those of urllib3 undo its codings."""


@contextmanager
def mended(cassette: Any, is_ours: Callable[[str], bool]) -> Iterator[None]:
    """Mend what vcrpy has just put in place, for as long as it is there; ``is_ours`` tells which URLs concern us."""
    play = cassette.play_response

    @functools.wraps(play)
    def played(request: Any) -> Any:
        return as_it_came(play(request), is_read_coded=_reads_coded(sys._getframe(1)))

    cassette.play_response = played
    aiohttp = sys.modules.get("aiohttp")
    if aiohttp is None:
        yield
        return
    session = aiohttp.ClientSession
    stub = session._request

    @functools.wraps(stub)
    async def request(self: Any, method: str, url: Any, **options: Any) -> Any:
        if is_ours(str(url)):
            options = await _encoded(aiohttp, self, options)
        return await stub(self, method, url, **options)

    session._request = request
    try:
        yield
    finally:
        session._request = stub


def _reads_coded(frame: FrameType) -> bool:
    """Whether the part of vcrpy that plays an answer gives it to whoever undoes content codings."""
    name = frame.f_globals.get("__name__")
    if name == CONNECTIONS:
        connection = type(frame.f_locals["self"])._baseclass
        return str(connection.__module__).partition(".")[0] in UNDECODED
    return bool(name == HTTPX)


async def _encoded(aiohttp: Any, session: Any, options: dict[str, Any]) -> dict[str, Any]:
    """Return the options of a request with the body that aiohttp makes of them, and the media type beside it."""
    payload = _payload(aiohttp, session, options)
    # Before aiohttp 3.12 nobody can be asked for the bytes; what is no bytes is refused when it is written.
    if not hasattr(payload, "as_bytes"):
        return options
    headers = session._prepare_headers(options.get("headers"))
    skipped = {str(name).lower() for name in (*session.skip_auto_headers, *(options.get("skip_auto_headers") or ()))}
    media_type = payload.headers.get("Content-Type")
    if media_type and "Content-Type" not in headers and "content-type" not in skipped:
        headers["Content-Type"] = media_type
    return {**options, "json": None, "data": await payload.as_bytes(), "headers": headers}


def _payload(aiohttp: Any, session: Any, options: dict[str, Any]) -> Any:
    """Return what aiohttp makes of a body that vcrpy would not know as bytes or text."""
    data, members = options.get("data"), options.get("json")
    if data is None and members is not None:
        to_bytes = getattr(session, "_json_serialize_bytes", None)
        if to_bytes is not None:
            return aiohttp.payload.BytesPayload(to_bytes(members), content_type="application/json")
        return aiohttp.payload.JsonPayload(members, dumps=session.json_serialize)
    if members is not None:
        return None  # aiohttp says what is wrong with both
    if isinstance(data, Mapping | list | tuple):
        data = aiohttp.FormData(data)
    return data() if isinstance(data, aiohttp.FormData) else data
