"""Requests compared without their secrets, which differ between a live request and a tape."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from pytest_apiauth.recording.message import request_message, with_message
from pytest_apiauth.recording.tape import ANY
from pytest_apiauth.recording.walking import Walk

PLAIN_MATCHERS: Final = ("method", "scheme", "host", "port")


class Level:
    """Requests without their secrets. Each is kept, since vcrpy compares every request with every one on the tape."""

    def __init__(self, walk: Walk) -> None:
        self._walk = walk
        self._kept: dict[int, tuple[Any, Any]] = {}

    def __call__(self, request: Any) -> Any:
        """Return a request as it is compared."""
        kept, level = self._kept.get(id(request), (None, None))
        if kept is not request:
            level = with_message(request, self._walk.message(request_message(request)))
            self._kept[id(request)] = request, level
        return level


def aligned(first: Any, second: Any) -> tuple[Any, Any]:
    """Return two requests alike in each parameter and each step of the path that is a placeholder in one of them.

    What is no placeholder and does not look like a key, such as ``?key=dummy`` of a test without credentials, may be
    an ordinary word; beside a placeholder on the tape it is none. And what a client reads in the placeholder of a token
    and asks for, such as its own user's id, stands on the tape as it was.
    """
    if ANY not in first.uri and ANY not in second.uri:
        return first, second
    levels = {name for request in (first, second) for name, value in _pairs(request) if ANY in value}
    one, other = (urlsplit(request.uri).path.split("/") for request in (first, second))
    places = set()
    if len(one) == len(other):
        pairs = zip(one, other, strict=True)
        places = {place for place, (step, beside) in enumerate(pairs) if ANY in step or ANY in beside}
    return _with_levels(first, levels, places), _with_levels(second, levels, places)


def _pairs(request: Any) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(request.uri).query, keep_blank_values=True)


def _with_levels(request: Any, levels: set[str], places: set[int]) -> Any:
    parts = urlsplit(request.uri)
    query = urlencode([(name, ANY if name in levels else value) for name, value in _pairs(request)])
    steps = [ANY if place in places else step for place, step in enumerate(parts.path.split("/"))]
    url = parts._replace(path="/".join(steps), query=query if levels else parts.query).geturl()
    return type(request)(request.method, url, request.body, request.headers)


def levelled(matcher: Callable[[Any, Any], Any], level: Level) -> Callable[[Any, Any], Any]:
    """Let a matcher compare requests without their secrets."""
    if getattr(matcher, "__name__", "") in PLAIN_MATCHERS:
        return matcher

    @functools.wraps(matcher)
    def match(first: Any, second: Any) -> Any:
        return matcher(*aligned(level(first), level(second)))

    return match
