"""Where a server stands at one moment, so that it can be brought back there.

Theory of operation. Two kinds of things are in a server's memory. What a test has told it, and what it has seen of the
test: answers, refusals, moves of the clock, the list of requests, counters. And what it has given out as a server:
tokens, codes, and which of them are spent. A server that several tests share is brought back in the first respect when
a test ends, so that no test finds what another one has left; tokens stay good, for whoever keeps them. Examples of one
property have the second brought back too (``tables``): each begins with the server that its test began with.

A bookmark can be carried on: what came between two others is added to it, or taken out again. So what a fixture of
wider scope tells a server outlives the test that happened to set it up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from pytest_apiauth.embedded.answering import OwnAnswer
from pytest_apiauth.embedded.refused import Refused
from pytest_apiauth.embedded.replies import Reply
from pytest_apiauth.embedded.state import Reading, Tables
from pytest_apiauth.messages import Request

Answers: TypeAlias = tuple[OwnAnswer, ...]


@dataclass(frozen=True, slots=True)
class Bookmark:
    """What a server knew at one moment, and the time there."""

    once: Answers
    always: Answers
    calls: Mapping[OwnAnswer, tuple[Request, ...]]
    refusals: tuple[Reply, ...]
    requests: tuple[Request, ...]
    token_requests: int
    tokens_issued: int
    strangers: tuple[bytes, ...]
    refused: tuple[Refused, ...]
    reading: Reading
    tables: Tables | None = None
    """What it had given out, if that is to be brought back as well."""

    def plus(self, before: Bookmark, after: Bookmark) -> Bookmark:
        """Add what was told to the server between two moments; what it saw then counts for nobody."""
        return replace(
            self,
            once=(*self.once, *_beyond(before.once, after.once)),
            always=(*_beyond(before.always, after.always), *self.always),
            refusals=self.refusals + after.refusals[len(before.refusals) :],
            reading=self.reading.moved(before.reading, after.reading),
        )

    def minus(self, before: Bookmark, after: Bookmark) -> Bookmark:
        """Take out the answers that were added between two moments."""
        added = {*_beyond(before.once, after.once), *_beyond(before.always, after.always)}
        once, always = ([own for own in kept if own not in added] for kept in (self.once, self.always))
        return replace(self, once=tuple(once), always=tuple(always))


def _beyond(known: Iterable[OwnAnswer], found: Iterable[OwnAnswer]) -> Answers:
    before = {*known}
    return tuple(own for own in found if own not in before)
