"""A secret that never prints, and the redactor that knows every live value.

Theory of operation. A raw secret exists in three places only: inside a `Secret`, inside the request
that carries it, and inside the `Redactor` that looks for it in everything the run prints. The redactor
learns each value when it is resolved or issued, and then replaces it wherever it appears, in each form
in which it can travel: raw, percent-encoded, JSON-escaped, hex, base64, alone or as ``id:secret``, and one of them in
another.
"""

from __future__ import annotations

import base64
import contextlib
import html
import json
import math
import re
import string
import threading
from collections.abc import Iterable, Iterator
from typing import Final, NoReturn
from urllib.parse import quote, quote_plus

# A shorter value cannot be told from ordinary text, and to replace it would garble the output.
SHORTEST: Final = 6
PLAIN: Final = re.compile(r"[A-Za-z0-9._~-]*")
"""What percent-encoding, JSON, repr and HTML leave as it is."""
UTF_8: Final = ("utf-8", "surrogatepass")
MARK: Final = re.compile(r"\[apiauth:([\w.\-]+)\]")
UNFIT: Final = re.compile(r"[^\w.\-]")
"""What a label may not bring into a terminal or an XML file; it begins with the name of a profile's file."""
PRIVATE_MEMBERS: Final = ("d", "p", "q", "dp", "dq", "qi", "k")
"""Members of a JWK that tell of a private or shared key (RFC 7518 6.2.2, 6.3.2, 6.4.1)."""
TO_LOWER: Final = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
INNER_QUOTES: Final = re.compile(r"""\Ab?\\*["']|\\*["']\Z""")


class Secret:
    """A value that shows itself only through `reveal`.

    ``repr``, ``str``, ``format`` and assertion diffs give ``Secret('apiauth:<where>')``; pickling is
    refused. Two secrets are equal when their values are.

    >>> secret = Secret("s3cret", "shop.client_secret")
    >>> secret, secret.reveal()
    (Secret('apiauth:shop.client_secret'), 's3cret')
    """

    __slots__ = ("_value", "where")

    def __init__(self, value: str, where: str) -> None:
        self._value = value
        self.where = where

    def reveal(self) -> str:
        """Return the raw value, to put it on the wire and for nothing else."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret('apiauth:{self.where}')"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        import hmac  # loads OpenSSL, which a run that compares no secret has no use for

        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"{self!r} is not pickled: a secret stays in the process that resolved it")


def _base64_cores(raw: bytes) -> Iterator[str]:
    """Yield what base64 of anything containing these bytes must contain, at each of the three alignments."""
    for shift in range(3):
        coded = base64.b64encode(b"\0" * shift + raw).decode().rstrip("=")
        # The first and last letters also hold bits of the neighbours, so they are left out.
        core = coded[-(-shift * 8 // 6) : len(coded) - 1]
        if len(core) > SHORTEST:
            yield core
            yield core.replace("+", "-").replace("/", "_")


def _inner(shown: str) -> str:
    """Return what stands between the quotation marks of a JSON text or a repr."""
    return shown[2:-1] if shown.startswith("b") else shown[1:-1]


def _twice(text: str) -> Iterator[str]:
    """Yield a JSON text or a repr inside another one, without the quotation marks of both."""
    for shown in (json.dumps(text), json.dumps(text, ensure_ascii=False), repr(text)):
        yield INNER_QUOTES.sub("", _inner(shown))


def _encoded(value: str) -> Iterator[bytes]:
    """Yield a text as bytes: in UTF-8, and in ISO-8859-1, as requests has a user and a password (RFC 7617 2)."""
    yield value.encode(*UTF_8)
    if not value.isascii():
        with contextlib.suppress(UnicodeEncodeError):
            yield value.encode("latin-1")


def _percent(text: str) -> Iterator[str]:
    """Yield the percent-encodings of a text."""
    for raw in _encoded(text):
        yield from (quote(raw, safe=""), quote(raw), quote_plus(raw))


def _escaped(value: str) -> Iterator[str]:
    """Yield forms of a value in which what is no letter, no digit and none of ``-._~`` is written in another way."""
    raw = value.encode(*UTF_8)
    percent, form = quote(raw, safe=""), quote_plus(raw)
    yield from (*_percent(value), quote(percent, safe=""), quote_plus(form))
    for text in _percent(value):
        yield re.sub(r"%[0-9A-F]{2}", lambda m: m.group().lower(), text)
    shown = {json.dumps(value), json.dumps(value, ensure_ascii=False), repr(value), ascii(value), repr(raw)}
    for text in shown:
        yield _inner(text)
        yield _inner(text).replace("/", "\\/")
        yield from _twice(text)
        yield from _percent(_inner(text))
    for text in (value, *map(_inner, shown)):
        yield from (html.escape(text), html.escape(text, quote=False), html.escape(text).replace("&#x27;", "'"))
    if not value.isascii():
        # UTF-8 that was taken for ISO-8859-1, as headers are.
        yield raw.decode("latin-1")
    for text in (percent, form):
        # As in the id:secret of RFC 6749 2.3.1.
        yield from _base64_cores(text.encode())


def spellings(value: str) -> set[str]:
    """Return every form in which a value may travel, the raw one included.

    >>> sorted(form for form in spellings("s3cret-value!") if form.startswith("s3cret"))
    ['s3cret-value!', 's3cret-value%21', 's3cret-value%2521']
    """
    forms = {value}
    for raw in _encoded(value):
        cores, digits, pairs = list(_base64_cores(raw)), raw.hex(), raw.hex(":")
        forms.update((digits, digits.upper(), pairs, pairs.upper(), *cores))
        forms.update([core.replace("+", "%2B").replace("/", "%2F") for core in cores])
    if PLAIN.fullmatch(value) is None:
        forms.update(_escaped(value))
    return {form for form in forms if len(form) >= SHORTEST}


def pieces_of_key(value: str) -> Iterator[str]:
    """Yield what of a private key is secret by itself: the lines of one in PEM, the private members of a JWK.

    >>> list(pieces_of_key('{"kty": "OKP", "x": "cHVibGlj", "d": "cHJpdmF0ZQ"}'))
    ['cHJpdmF0ZQ']
    """
    if "PRIVATE KEY-----" in value:
        lines = value.replace("\\n", "\n").split("\n")
        yield from (line.strip() for line in lines if "-----" not in line and len(line) >= SHORTEST)
    elif value.lstrip().startswith("{") and '"kty"' in value:
        try:
            members = json.loads(value)
        except ValueError:
            return
        yield from (members[name] for name in PRIVATE_MEMBERS if isinstance(members.get(name), str))


def mark(label: str) -> str:
    """Return what stands in the place of a value: ``[apiauth:dastra.credentials.client_secret]``."""
    return f"[apiauth:{UNFIT.sub('_', label)}]"


def windows(text: str, length: int) -> Iterator[str]:
    """Return all pieces of a text that have so many letters; without a loop of Python's, which takes twice as long."""
    count = len(text) - length + 1
    return map(text.__getitem__, map(slice, range(count), range(length, count + length)))


class Forms:
    """Many texts to look for at once, each with a label.

    A run learns thousands of tokens and searches after each test, so what is searched is walked once, and where a text
    begins as one of them does, what stands there is looked up by each length that those have. To learn one costs no
    compilation, and to search grows with the searched text alone: all JWTs begin alike, and their lengths are few.

    ``shortest_folded`` is how long a text is whose ASCII letters are found in any case; by default none is.
    """

    shortest_folded: float = math.inf

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._labels: dict[str, str] = {}
        self._lengths: dict[str, tuple[int, ...]] = {}
        self._in_one_case: dict[str, str] = {}
        self._marks: set[str] = set()

    def add(self, forms: Iterable[str], label: str) -> None:
        """Look for these texts too, but for those that have a label already. Thread-safe."""
        with self._mutex:
            self._marks.add(UNFIT.sub("_", label))
            for form in forms:
                if form in self._labels or len(form) < SHORTEST:
                    continue
                self._labels[form] = label
                begin = self._folded(form[:SHORTEST])
                lengths = self._lengths.get(begin, ())
                if len(form) not in lengths:
                    # Longest first, so that a value that begins with another is replaced whole.
                    self._lengths[begin] = tuple(sorted((*lengths, len(form)), reverse=True))
                if len(form) >= self.shortest_folded:
                    self._in_one_case.setdefault(self._folded(form), form)

    @property
    def is_of_use(self) -> bool:
        """Whether there is anything to look for."""
        return bool(self._labels)

    def found(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Return start, end and label of each match, from left to right, without overlaps."""
        return ((start, start + len(form), self._labels[form]) for start, form in self._matches(text))

    def finds(self, text: str) -> bool:
        """Whether the text holds any of them."""
        return next(self._matches(text), None) is not None

    def finds_folded(self, text: str) -> bool:
        """Whether a short text holds a learnt value, the case of letters aside."""
        folded = text.lower()
        with self._mutex:
            return any(form.lower() in folded for form in self._labels)

    @property
    def longest(self) -> int:
        """The length of the longest form of a learnt value; 0 if nothing was learnt."""
        with self._mutex:
            return max(map(len, self._labels), default=0)

    def _matches(self, text: str) -> Iterator[tuple[int, str]]:
        """Yield place and form of each match, from left to right, without overlaps."""
        if not self._labels:
            return
        index, place, folded = self._lengths, 0, self._folded(text)
        if index.keys().isdisjoint(windows(folded, SHORTEST)):
            return
        end = len(text) - SHORTEST
        while place <= end:
            lengths = index.get(folded[place : place + SHORTEST])
            form = self._form_at(lengths, text, folded, place) if lengths else None
            if form is None:
                place += 1
            else:
                yield place, form
                place += len(form)

    def _folded(self, text: str) -> str:
        return text if self.shortest_folded == math.inf else text.translate(TO_LOWER)

    def _form_at(self, lengths: Iterable[int], text: str, folded: str, place: int) -> str | None:
        """Return which of the texts of some lengths stands at a place; one that stands there as it is comes first.

        Two values may differ in case alone.
        """
        for length in lengths:
            form = text[place : place + length]
            if form in self._labels:
                return form
        for length in lengths if self._in_one_case else ():
            known = self._in_one_case.get(folded[place : place + length])
            if known is not None:
                return known
        return None


class Redactor(Forms):
    """Replaces every value it has learnt with ``[apiauth:<where>]``. Each token is learnt the moment it is issued."""

    def learn(self, value: str | Secret, where: str | None = None) -> None:
        """Learn a value. Values under six characters are not looked for: they would garble the output."""
        label = where or (value.where if isinstance(value, Secret) else "secret")
        if isinstance(value, Secret):
            value = value.reveal()
        if len(value) >= SHORTEST and value not in self._labels:
            spelled = spellings(value)
            self.add(spelled, label)
            self._spelled(value, spelled)
            for piece in pieces_of_key(value):
                self.add(spellings(piece), label)

    def _spelled(self, value: str, forms: set[str]) -> None:
        """Take note of how a value is spelled; it takes time to find that out."""

    def redact(self, text: str) -> str:
        """Return the text with every learnt value replaced. A text may come more than once: marks stay as they are."""
        pieces: list[str] = []
        done = 0
        for start, end, label in self.found(text):
            if self.is_marked(text, start, end):
                continue
            pieces += (text[done:start], mark(label))
            done = end
        return "".join((*pieces, text[done:])) if pieces else text

    def is_marked(self, text: str, start: int, end: int) -> bool:
        """Whether a place in a text lies in a mark of ours: a password may be the word that a mark has for it."""
        found = MARK.match(text, max(0, text.rfind("[apiauth:", 0, start + len("[apiauth:"))))
        return found is not None and found.start() <= start and end <= found.end() and found.group(1) in self._marks
