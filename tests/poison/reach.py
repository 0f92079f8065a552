"""Which ways do not reach which outputs, and why: text that is quoted nowhere is no poison there.

Every other cell of the matrix, each output by each way that leads to it, has to be seen. So whatever begins to quote a
server's text, or ceases to, changes this table.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator
from typing import Final

from .running import Output

SUITE: Final = "the suite: [!l]*"
"""Its outputs but for the log."""
UNSEEN: Final[tuple[tuple[str, str, str], ...]] = (
    ("*: log", "body error description uri long token type scope lifetime member page problem",
     "libraries log the head of an answer, never its body"),
    (SUITE, "body page problem", "no rule quotes a body, which may hold a secret"),
    ("report*", "body page", "no rule quotes a body, which may hold a secret"),
    (SUITE, "description uri long", "a rule names a refusal by its code, and not by what else is said of it"),
    ("report*", "description uri long", "a rule names a refusal by its code, and not by what else is said of it"),
    (SUITE, "token scope member", "no rule quotes a token, a scope, or names of members that OAuth has not"),
    ("report*", "token scope member", "no rule quotes a token, a scope, or names of members that OAuth has not"),
    ("report*", "reason crash", "a report has the standard's phrase for a status, not the server's"),
    ("report.[ms]*", "location realm cookie told problem moved", "it has no heads of answers"),
    ("report.svg", "type lifetime parameter scheme", "a badge says why a run could not begin, and quotes no rule"),
    ("tests: [!l]*", "body page problem uri", "an answer is named by its status, its code and its media type"),
    ("tests: [!l]*", "token scope", "a token is never quoted, and a scope is not what a test asks about"),
    ("token", "reason body page uri", "an answer is named by its status, its code and its media type"),
    ("token", "token", "a token is never quoted"),
    ("record", "reason media body error description uri long token scope lifetime location page",
     "it names what has changed by the names and the types of members, and has no values"),
    ("init", "title server path kind needs tokenurl scopes granttype scopelist methods",
     "it goes into the profile that is written, and is not said beside it"),
    ("init", "named malformed endpoint", "it is not quoted: a scheme's name, broken text, a URL that is none"),
    ("profile that init writes", "keyname version issuer malformed endpoint", "the document is refused"),
    ("profile that init writes", "named", "a scheme is named by its kind"),
    ("scan", "tapedmethod tapedby", "a place is named by its URL, its header or its member"),
    ("page of cassettes", "tapeduri tapedheader tapedmember", "a cassette is named by its methods and statuses"),
)  # fmt: skip
"""Patterns of outputs and names of ways, and the reason."""


def excuse(output: str, way: str) -> str:
    """Return why a way does not reach an output; empty if it should."""
    found = (why for pattern, ways, why in UNSEEN if fnmatch.fnmatch(output, pattern) and way in ways.split())
    return next(found, "")


def unreached(found: Iterable[Output]) -> Iterator[str]:
    """Yield a line for each cell that is empty without a reason, and for each reason of a cell that is not."""
    for output in found:
        for way in output.ways:
            why = excuse(output.name, way)
            if not output.seen[way] and not why:
                yield f"{output.name}: nothing of {way} was seen there"
            if output.seen[way] and why:
                yield f"{output.name}: {way} was seen there, although {why}"
