"""What a tape lacks, in one line: what was asked, the nearest that was recorded, and the command that records it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import SplitResult, parse_qsl, urlsplit

from pytest_apiauth.credentials.names import Names
from pytest_apiauth.printable import one_line
from pytest_apiauth.recording.contents import CassetteError
from pytest_apiauth.recording.jsontext import Members, parsed
from pytest_apiauth.recording.levelling import Level, aligned
from pytest_apiauth.recording.tape import Leveller, shown_request
from pytest_apiauth.recording.vault import Vault
from pytest_apiauth.recording.walking import Walk

MOST_NAMES: Final = 5
OF_URLS: Final = ("method", "scheme", "host", "port", "path", "query", "uri")
"""Matchers of vcrpy's that look at the request line."""


def explain(
    error: BaseException, nodeid: str, root: Path, names: Names, is_token_request: Callable[[Any], bool]
) -> str | None:
    """Say in one line what a tape lacks and which command records it, if that is what an error is about."""
    inner = getattr(error, "exceptions", None)
    if isinstance(inner, tuple | list):
        lines = (explain(each, nodeid, root, names, is_token_request) for each in inner)
        return next((line for line in lines if line is not None), None)
    if not type(error).__module__.startswith("vcr.") or not hasattr(error, "failed_request"):
        return None
    cassette: Any = getattr(error, "cassette", None)
    request: Any = error.failed_request
    path = Path(str(getattr(cassette, "path", "")))
    shown = path.relative_to(root) if path.is_relative_to(root) else path
    command = f"pytest {shlex.quote(nodeid)} --apiauth-live --record-mode="
    if not path.is_file():
        return f"{shown}: no such cassette, and nothing here goes to the network; record it: {command}once"
    if request is None:
        return f"{shown}: the cassette lacks what the test asks of it; record it anew: {command}rewrite"
    what = shown_request(request, names)
    if getattr(error, "reason", "") == "already_played":
        return f"{shown}: the cassette has no further answer to {what}; record it anew: {command}rewrite"
    nearest = _nearest(request, list(cassette.requests), names, error)
    anew = f"record it anew: {command}rewrite"
    if is_token_request(request):
        anew = f"if another test has asked for the token, ask where the fixture is set up, or {anew}"
    return f"{shown}: the cassette has no answer to {what}{nearest}; {anew}"


def _nearest(asked: Any, recorded: list[Any], names: Names, error: BaseException) -> str:
    """Say which recorded request is the nearest, and in what it differs, if any is near at all."""
    level = Level(Walk(Leveller(Vault()), names))
    try:
        pairs = [(aligned(level(asked), level(each)), each) for each in recorded]
    except CassetteError:
        return ""
    ranked = [(_rank(*pair), number, pair, each) for number, (pair, each) in enumerate(pairs)]
    # Of those that are as near as each other, the first.
    best = max(ranked, key=lambda row: (row[0], -row[1]), default=None)
    if best is None:
        return ", and no other"
    (is_near, *_), _, (first, second), each = best
    if not is_near:
        return f" and no request to {one_line(urlsplit(first.uri).netloc)}"
    differing = list(_differences(first, second)) or list(_failed(error))
    return f" (the nearest is {shown_request(each, names)}, which differs in {_listed(differing)})"


def _rank(asked: Any, recorded: Any) -> tuple[bool, int, int]:
    one, other = urlsplit(asked.uri), urlsplit(recorded.uri)
    alike = (one.path == other.path) * 2 + (asked.method == recorded.method)
    query = len(set(_pairs(one)) & set(_pairs(other))) - len(set(_pairs(one)) ^ set(_pairs(other)))
    return one.netloc == other.netloc or one.path == other.path, alike + (one.netloc == other.netloc), query


def _differences(asked: Any, recorded: Any) -> Iterator[str]:
    """Name what differs between two requests without their secrets, from the request line to the body."""
    one, other = urlsplit(asked.uri), urlsplit(recorded.uri)
    if asked.method != recorded.method:
        yield "method"
    for part in ("scheme", "netloc", "path"):
        if getattr(one, part) != getattr(other, part):
            yield {"netloc": "host"}.get(part, part)
    differing = set(_pairs(one)) ^ set(_pairs(other))
    yield from (f"parameter {name}" for name in dict.fromkeys(name for name, _ in sorted(differing)))
    if one.query != other.query and not differing:
        yield "query"


def _failed(error: BaseException) -> Iterator[str]:
    """Name what else a matcher did not like: a member of the body, or the matcher itself."""
    for request, _, failed in getattr(error, "similar_requests", [])[:1]:
        for name, _ in failed:
            if "body" in str(name):
                yield from _members(getattr(error, "failed_request", None), request)
            elif name not in OF_URLS:
                yield one_line(str(name))


def _members(asked: Any, recorded: Any) -> Iterator[str]:
    one, other = _read(asked), _read(recorded)
    names = [name for name in dict.fromkeys((*one, *other)) if one.get(name) != other.get(name)]
    yield from (f"member {one_line(name)}" for name in names)
    if not names:
        yield "body"


def _read(request: Any) -> dict[str, Any]:
    body = request.body if isinstance(request.body, bytes) else b""
    text = body.decode("utf-8", "replace")
    is_json, data = parsed(text)
    if is_json:
        return dict(data) if isinstance(data, Members) else {}
    return dict(parse_qsl(text, keep_blank_values=True))


def _pairs(url: SplitResult) -> list[tuple[str, str]]:
    return parse_qsl(url.query, keep_blank_values=True)


def _listed(names: list[str]) -> str:
    shown = [one_line(name) for name in names[:MOST_NAMES]]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
