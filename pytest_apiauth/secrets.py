"""A secret that never prints, and the redactor that knows every live value.

Theory of operation. A raw secret exists in three places only: inside a `Secret`, inside the request
that carries it, and inside the `Redactor` that looks for it in everything the run prints. The redactor
learns each value when it is resolved or issued, and then replaces it wherever it appears, in each form
in which it can travel: raw, percent-encoded, JSON-escaped, base64, alone or as ``id:secret``.
"""

from __future__ import annotations

import base64
import hmac
import html
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Final, NoReturn
from urllib.parse import quote, quote_plus

# A shorter value cannot be told from ordinary text, and to replace it would garble the output.
SHORTEST: Final = 6


class Secret:
    """A value that shows itself only through `reveal`.

    ``repr``, ``str``, ``format`` and assertion diffs give ``Secret('apiauth:<where>')``; pickling is
    refused. Two secrets are equal when their values are.
    """

    __slots__ = ("_value", "where")

    def __init__(self, value: str, where: str) -> None:
        self._value = value
        self.where = where

    def reveal(self) -> str:
        """Give the raw value, to put it on the wire and for nothing else."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret('apiauth:{self.where}')"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"{self!r} is not pickled: a secret stays in the process that resolved it")


def _base64_cores(text: str) -> Iterator[str]:
    """Give what base64 of any text containing this one must contain, at each of the three alignments."""
    raw = text.encode()
    for shift in range(3):
        coded = base64.b64encode(b"\0" * shift + raw).decode().rstrip("=")
        # The first and last letters also hold bits of the neighbours, so they are left out.
        core = coded[-(-shift * 8 // 6) : len(coded) - 1]
        if len(core) >= SHORTEST + 2:
            yield core
            yield core.replace("+", "-").replace("/", "_")


def spellings(value: str) -> set[str]:
    """Give every form in which a value may travel, the raw one included."""
    forms = {
        value,
        quote(value, safe=""),
        quote(value),
        quote_plus(value),
        re.sub(r"%[0-9A-F]{2}", lambda m: m.group().lower(), quote(value, safe="")),
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        json.dumps(value)[1:-1].replace("/", "\\/"),
        html.escape(value),
        repr(value)[1:-1],
        repr(value.encode())[2:-1],
    }
    if not value.isascii():
        # UTF-8 that was taken for ISO-8859-1, as headers are.
        forms.add(value.encode("utf-8", "surrogatepass").decode("latin-1"))
    forms.update(_base64_cores(value))
    return {form for form in forms if len(form) >= SHORTEST}


class Redactor:
    """Replaces every value it has learnt with ``[apiauth:<where>]``.

    A run learns thousands of tokens and searches after each test, so the forms are indexed by how they
    begin, and a text is walked once: learning costs no compilation, searching grows with the text alone.
    Thread-safe; each token is learnt the moment it is issued.
    """

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._labels: dict[str, str] = {}
        self._by_beginning: dict[str, tuple[str, ...]] = {}

    def learn(self, value: str | Secret, where: str | None = None) -> None:
        """Learn a value. Values under six characters are not looked for: they would garble the output."""
        label = where or (value.where if isinstance(value, Secret) else "secret")
        if isinstance(value, Secret):
            value = value.reveal()
        if len(value) < SHORTEST or value in self._labels:
            return
        with self._mutex:
            for form in spellings(value) - self._labels.keys():
                self._labels[form] = label
                begin = form[:SHORTEST]
                # Longest first, so that a value that begins with another is replaced whole.
                forms = sorted((*self._by_beginning.get(begin, ()), form), key=len, reverse=True)
                self._by_beginning[begin] = tuple(forms)

    def redact(self, text: str) -> str:
        """Give the text with every learnt value replaced."""
        pieces: list[str] = []
        done = 0
        for start, form in self._matches(text):
            pieces += (text[done:start], f"[apiauth:{self._labels[form]}]")
            done = start + len(form)
        return "".join((*pieces, text[done:])) if pieces else text

    def finds(self, text: str) -> bool:
        """Whether the text holds a learnt value in any of its forms."""
        return next(self._matches(text), None) is not None

    def finds_folded(self, text: str) -> bool:
        """Whether a short text holds a learnt value, the case of letters aside."""
        folded = text.lower()
        with self._mutex:
            return any(form.lower() in folded for form in self._labels)

    @property
    def longest(self) -> int:
        """The length of the longest form of a learnt value; 0 where nothing was learnt."""
        with self._mutex:
            return max(map(len, self._labels), default=0)

    def _matches(self, text: str) -> Iterator[tuple[int, str]]:
        """Give place and form of each match, from left to right, without overlaps."""
        if not self._by_beginning:
            return
        index, place = self._by_beginning, 0
        end = len(text) - SHORTEST
        while place <= end:
            forms = index.get(text[place : place + SHORTEST])
            form = next((form for form in forms if text.startswith(form, place)), None) if forms else None
            if form is None:
                place += 1
            else:
                yield place, form
                place += len(form)


class Vault(Mapping[str, str]):
    """Credentials by placeholder name, each got when first asked for."""

    def __init__(self, get: Callable[[str], str], known: Mapping[str, str]) -> None:
        self._get, self._known = get, known

    def __getitem__(self, name: str) -> str:
        return self._get(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)
