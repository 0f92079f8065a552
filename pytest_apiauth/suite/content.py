"""What an answer that refuses tells of what it should keep back: members of the answer to the valid request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import urlsplit

from pytest_apiauth.auth.drafts import Draft
from pytest_apiauth.messages import Response
from pytest_apiauth.profile.model import Profile

SHORT: Final = 3
"""Letters that a text has at least to tell anything."""


def told_in(refusal: Response, content: Response, names: frozenset[str]) -> list[str]:
    """Return which of some members a refusal has with the value that they have in the content.

    >>> content = Response(200, body=b'{"user": "mia", "total": 0}')
    >>> refusal = Response(401, body=b'{"error": "no", "user": "mia", "total": 0}')
    >>> told_in(refusal, content, frozenset({"user", "total"}))
    ['user']
    """
    told = [(name, value) for name, value in _members(refusal.json()) if name in names] if names else []
    # Nearly every refusal has none of them.
    known = dict(_members(content.json())) if told else {}
    return sorted({name for name, value in told if known.get(name) == value and _tells(value)})


def documented_at(profile: Profile, draft: Draft) -> frozenset[str]:
    """Return the members that a profile names of the content at a request's path; empty if it names none."""
    zone = profile.zone_at(urlsplit(draft.url).path)
    if zone is None:
        return frozenset()
    # Who carries a good token beside a bad key may be told who he is.
    is_nobody = not draft.credentials
    return frozenset({*zone.members, *([zone.identity] if zone.identity and is_nobody else [])})


def _members(value: object) -> Iterator[tuple[str, object]]:
    """Yield the members of an object, those of the objects in it too."""
    if isinstance(value, Mapping):
        for name, each in value.items():
            yield str(name), each
            yield from _members(each)


def _tells(value: object) -> bool:
    """Whether a value is more than what anything may have: a short text, a small number, nothing."""
    if isinstance(value, str | list | dict):
        return len(value) >= (SHORT if isinstance(value, str) else 1)
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) > SHORT**2
