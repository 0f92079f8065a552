"""The sweep through text of any kind: pairs, members, elements, tokens and URLs, found by their looks.

Every pattern takes time in proportion to the text: none can begin in the middle of what it has passed, and none has
a repetition inside of a repetition. What stays as it is is not copied.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterator
from html import unescape
from typing import Final
from urllib.parse import quote, unquote, unquote_plus

from pytest_apiauth.credentials.known_names import MEMBER, QUERY
from pytest_apiauth.credentials.looks import PATHS, TOKENS, Look
from pytest_apiauth.credentials.names import NAMES, NOBODY, Names, folded
from pytest_apiauth.credentials.values import looks_like_key
from pytest_apiauth.recording.contents import decoded

_PAIR: Final = re.compile(
    r"""(?<![\w.-])((?:(?<=\\)u0026)?)([A-Za-z_][\w.\[\]-]{1,60})=("[^"]*"|'[^']*'|[^&\s"'<>#;,\\]+)"""
)
"""``name=value``; in scripts an ampersand before the name may be written ``\\u0026``."""
_MEMBER: Final = re.compile(r'"([A-Za-z_][\w.-]{1,60})"(\s*:\s*)("(?:[^"\\]|\\.)*")')
_ELEMENT: Final = re.compile(r"<((?:[\w.-]{1,60}:)?([A-Za-z_][\w.-]{1,60}))((?:\s[^<>]*)?)>([^<>]+)</")
_JWT: Final = re.compile(r"(?<![\w-])eyJ[\w-]{8,}\.[\w-]{4,}\.[\w-]*(?:\.[\w-]+\.[\w-]+)?")
_USERINFO: Final = re.compile(r"""(?<=://)([^\s/?#@:"'<>\\]{0,200})(:?)([^\s/?#@"'<>\\]{0,500})@""")
_RUN: Final = re.compile(r"""[^\s"'<>]+""")
_JOINTS: Final = ("&", ";")
_ENCODED_EQUALS: Final = re.compile("%3d", re.IGNORECASE)

Secret = Callable[[str, str, str], str]
"""Takes what kind of place it is, the name there and the value; gives what is to stand there."""
SHORTEST_LOOK: Final = 20
DEEPEST_URL: Final = 4
"""Levels of URLs in URLs that are looked into."""


def replaced(pattern: re.Pattern[str], swept: Callable[[re.Match[str]], str], text: str) -> str:
    """Return a text with each match replaced; the text itself if none changes."""
    pieces: list[str] = []
    done = 0
    for found in pattern.finditer(text):
        new = swept(found)
        if new != found.group():
            pieces += (text[done : found.start()], new)
            done = found.end()
    return "".join((*pieces, text[done:])) if pieces else text


class Sweep:
    """Sweeps texts; what is secret goes through ``secret``."""

    def __init__(self, secret: Secret, names: Names = NAMES) -> None:
        self._secret = secret
        self._names = names

    def __call__(self, text: str, depth: int = 0) -> str:
        """Return a text as ``secret`` leaves it."""
        if "eyJ" in text:
            text = replaced(_JWT, lambda found: self._secret("token", "jwt", found.group()), text)
        if "://" in text and "@" in text:
            text = replaced(_USERINFO, self._userinfo, text)
        text = self._looks(PATHS, self._looks(TOKENS, text, "token"), "path")
        if "=" in text:
            neighbours = _Neighbours(text)
            text = replaced(_PAIR, functools.partial(self._pair, neighbours=neighbours, depth=depth), text)
        if '"' in text:
            text = replaced(_MEMBER, self._member, text)
        if "</" in text:
            text = replaced(_ELEMENT, self._element, text)
        return text

    def path(self, path: str) -> str:
        """Return the path of a URL without the secrets that stand in it."""
        return self._looks(PATHS, path, "path")

    def _looks(self, looks: tuple[Look, ...], text: str, place: str) -> str:
        if len(text) < SHORTEST_LOOK:
            return text
        lower = text.lower()
        for look in looks:
            if look.mark in lower:
                text = replaced(look.pattern, functools.partial(self._look, look=look, place=place), text)
        return text

    def _look(self, found: re.Match[str], look: Look, place: str) -> str:
        value = decoded(found.group(1), unquote)
        new = self._secret(place, look.kind, value)
        before, after = found.group()[: found.start(1) - found.start()], found.group()[found.end(1) - found.start() :]
        return found.group() if new == value else f"{before}{new}{after}"

    def _userinfo(self, found: re.Match[str]) -> str:
        name, colon, password = found.groups()
        if not self._names.is_key_beside(unquote(name), unquote(password or "")):
            new = self._secret("URL", "password", unquote(password))
            return found.group() if new == unquote(password) else f"{name}:{new}@"
        # Who is named without a password may be a person of a mail address.
        if not looks_like_key(name):
            return found.group()
        new = self._secret("URL", "user", unquote(name))
        return found.group() if new == unquote(name) else f"{new}{colon or ''}{password or ''}@"

    def _pair(self, found: re.Match[str], neighbours: _Neighbours, depth: int) -> str:
        escape, name, value = found.groups()
        mark = value[0] if value[0] in "\"'" else ""
        raw = value.strip(mark) if mark else value
        if self._names.rows(name, QUERY):
            bare = decoded(raw, unquote_plus)
            bare = unescape(bare) if mark else bare
            if self._names.is_secret(QUERY, name, bare, neighbours.of(found)):
                new = self._secret("parameter", name, bare)
                return found.group() if new == bare else f"{escape}{name}={mark}{new}{mark}"
        new = self._url_inside(raw, depth)
        return found.group() if new == raw else f"{escape}{name}={mark}{new}{mark}"

    def _url_inside(self, raw: str, depth: int) -> str:
        """Sweep the value of an attribute or a parameter, which may be a URL with parameters of its own."""
        if depth >= DEEPEST_URL:
            return raw
        if "=" in raw and ("?" in raw or "&" in raw):
            return self(raw, depth + 1)
        if _ENCODED_EQUALS.search(raw):
            plain = decoded(raw)
            new = self(plain, depth + 1)
            return raw if new == plain else quote(new, safe="")
        return raw

    def _member(self, found: re.Match[str]) -> str:
        name, colon, value = found.groups()
        if not self._names.rows(name, MEMBER):
            return found.group()
        try:
            bare = str(json.loads(value, strict=False))
        except ValueError:
            bare = value[1:-1]
        if not self._names.is_secret(MEMBER, name, bare):
            return found.group()
        new = self._secret("member", name, bare)
        return found.group() if new == bare else f'"{name}"{colon}{json.dumps(new)}'

    def _element(self, found: re.Match[str]) -> str:
        whole, name, attributes, value = found.groups()
        bare = unescape(value.strip())
        if not bare or not self._names.is_secret(MEMBER, name, bare):
            return found.group()
        new = self._secret("element", name, bare)
        return found.group() if new == bare else f"<{whole}{attributes}>{new}</"


class _Neighbours:
    """The names that stand in one URL or one row of pairs, asked for from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._runs: Iterator[re.Match[str]] = _RUN.finditer(text)
        self._end = 0
        self._names = NOBODY

    def of(self, pair: re.Match[str]) -> frozenset[str]:
        place, end = pair.span()
        if self._text[place - 1 : place] not in _JOINTS and self._text[end : end + 1] not in _JOINTS:
            return NOBODY
        while place >= self._end:
            run = next(self._runs)
            self._end = run.end()
            if place < self._end:
                self._names = folded(found.group(2) for found in _PAIR.finditer(run.group()))
        return self._names
