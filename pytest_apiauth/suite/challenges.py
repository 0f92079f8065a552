"""Reading ``WWW-Authenticate``: several challenges, in one line or in many (RFC 9110 11.6.1)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

_TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_PARAMETER = re.compile(rf'({_TOKEN})[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|({_TOKEN}))')
_SCHEME = re.compile(rf"({_TOKEN})(?:[ \t]+|(?=,)|$)")
_TOKEN68 = re.compile(r"[A-Za-z0-9\-._~+/]+=*(?=[ \t]*(?:,|$))")
_SEPARATOR = re.compile(r"[ \t]*,[ \t,]*")
_EMPTY = " \t,"
"""Around elements of a list; one may be empty, and is none (RFC 9110 5.6.1.2)."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """One challenge: its scheme in lower case, and its parameters with names in lower case.

    >>> Challenge("bearer", {"realm": "shop"}).parameters["realm"]
    'shop'
    """

    scheme: str
    parameters: dict[str, str] = field(default_factory=dict)
    token68: str = ""


def read_challenges(lines: Iterable[str]) -> list[Challenge]:
    """Return every challenge. Raises ValueError if a line is none by the grammar.

    >>> [challenge.scheme for challenge in read_challenges(['Bearer realm="shop", Basic realm="shop"'])]
    ['bearer', 'basic']
    """
    return [challenge for line in lines for challenge in _parse_line(line.strip(" \t").lstrip(_EMPTY))]


def _parse_line(line: str) -> list[Challenge]:
    challenges: list[Challenge] = []
    place = 0
    while place < len(line):
        # A parameter continues the challenge before it; anything else begins a new one.
        parameter = _PARAMETER.match(line, place)
        if parameter and challenges:
            name, quoted, bare = parameter.groups()
            value = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else bare
            challenges[-1].parameters[name.lower()] = value
            place = parameter.end()
        else:
            scheme = _SCHEME.match(line, place)
            if not scheme or parameter:
                raise ValueError(f"no challenge at character {place}")
            place = scheme.end()
            token68 = None if _PARAMETER.match(line, place) else _TOKEN68.match(line, place)
            challenges.append(Challenge(scheme.group(1).lower(), {}, token68.group() if token68 else ""))
            place = token68.end() if token68 else place
            if not token68 and _PARAMETER.match(line, place):
                continue
        if place < len(line):
            separator = _SEPARATOR.match(line, place)
            if not separator:
                raise ValueError(f"no comma at character {place}")
            place = separator.end()
    return challenges
