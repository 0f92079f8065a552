"""What a reader needs to send a request again: the requests that gave its values, and no redacted text in it.

A value that came in an answer (a token of a rule's own, a cookie, a code) is no variable that a reader has. So a rule
that keeps one keeps the request that gave it, as a step of the counterexample.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from pytest_apiauth.auth.drafts import Draft
from pytest_apiauth.auth.texts import Part, Ref, Text
from pytest_apiauth.credentials.secrets import SHORTEST
from pytest_apiauth.messages import Response

RECENT = 8
"""Answers that are kept in mind."""


class Recent:
    """The latest requests of a run and their answers."""

    def __init__(self) -> None:
        self._answers: deque[tuple[Draft, Response]] = deque(maxlen=RECENT)

    def add(self, draft: Draft, response: Response) -> None:
        """Keep an answer in mind."""
        self._answers.append((draft, response))

    def giving(self, value: str) -> tuple[Draft, Response] | None:
        """Return the latest request whose answer held a value, and the answer; None if none of late did."""
        # Of several cookies that are kept as one value, each came in a header line of its own.
        first = value.partition("; ")[0]
        for draft, response in reversed(self._answers):
            lines = [text for _, text in response.headers]
            if first.encode("latin-1", "replace") in response.body or any(first in line for line in lines):
                return draft, response
        return None


class Steps(list[str]):
    """The curl lines that lead to a request, in order, each with what came of it behind a ``#``."""

    def __init__(self) -> None:
        super().__init__()
        self._giver: Response | None = None

    def take(self, line: str, words: str) -> None:
        """Keep a request as a step."""
        self._giver = None
        self.append(f"{line}  # {words}")

    def give(self, name: str, line: str, giver: Response) -> None:
        """Keep the request that gave a value; one that gave several is one step. A name given anew is the new one's."""
        if self and giver is self._giver:
            self[-1] += f", {name}"
        else:
            words = f"gives {name}"
            self[:] = [step for step in self if not step.endswith(f"  # {words}")]
            self.take(line, words)
        self._giver = giver


def passing(seconds: int) -> str:
    """Say that time passes.

    >>> passing(1), passing(60)
    ('1 second passes', '60 seconds pass')
    """
    return "1 second passes" if seconds == 1 else f"{seconds} seconds pass"


def naming(text: str, known: Mapping[Ref, str]) -> Text:
    """Return a text that came from the server with the values that have a placeholder name under that name.

    Redacted, it could not be sent again by who reads it.
    """
    pieces: list[Part] = [text]
    for ref, value in known.items():
        if len(value) >= SHORTEST and value in text:
            pieces = [each for piece in pieces for each in _split(piece, value, ref)]
    return tuple(pieces)


def _split(piece: Part, value: str, ref: Ref) -> list[Part]:
    """Split a literal at every place where a value stands."""
    if not isinstance(piece, str):
        return [piece]
    first, *rest = piece.split(value)
    return [part for part in (first, *(each for text in rest for each in (ref, text))) if part != ""]
