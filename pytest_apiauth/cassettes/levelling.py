"""Requests compared without their secrets, which differ between a live request and a tape."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final

from pytest_apiauth.cassettes.tape import request_message, with_message
from pytest_apiauth.cassettes.walking import Walk

PLAIN_MATCHERS: Final = ("method", "scheme", "host", "port")


class Level:
    """Requests without their secrets. Each is kept, since vcrpy compares every request with every one on the tape."""

    def __init__(self, walk: Walk) -> None:
        self._walk = walk
        self._kept: dict[int, tuple[Any, Any]] = {}

    def __call__(self, request: Any) -> Any:
        """Give a request as it is compared."""
        kept, level = self._kept.get(id(request), (None, None))
        if kept is not request:
            level = with_message(request, self._walk.message(request_message(request)))
            self._kept[id(request)] = request, level
        return level


def levelled(matcher: Callable[[Any, Any], Any], level: Level) -> Callable[[Any, Any], Any]:
    """Let a matcher compare requests without their secrets."""
    if getattr(matcher, "__name__", "") in PLAIN_MATCHERS:
        return matcher

    @functools.wraps(matcher)
    def match(first: Any, second: Any) -> Any:
        return matcher(level(first), level(second))

    return match
