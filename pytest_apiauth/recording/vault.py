"""The secrets of one cassette, and the placeholder that stands for each."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Final
from urllib.parse import quote, unquote

from pytest_apiauth.credentials.names import PLACEHOLDER, PREFIX, VOCABULARY, kind_of
from pytest_apiauth.credentials.secrets import SHORTEST, Redactor
from pytest_apiauth.recording import jwts

IDENTITIES: Final = ("credentials.", "clients.", "users.", "keys.")
MAIL: Final = re.compile(r"[^@\s]+@[^@\s]+")
_KEPT: Final = "".join(map(chr, range(0x21, 0x7F))).replace("%", "")


def placeholder_for(label: str) -> str:
    """Return what stands for a credential of a profile: ``apiauth-client-secret`` for ``credentials.client_secret``.

    The same when a tape is written and when it is replayed, so that the two agree wherever the value travels.
    """
    words = [word for word in label.split(".") if f"{word}." not in IDENTITIES]
    return "-".join((PREFIX, *map(kind_of, words)))


def is_looked_for(value: str) -> bool:
    """Whether a value is searched for in any text, or removed only if its position tells that it is secret."""
    return len(value.strip()) >= SHORTEST and value.lower() not in VOCABULARY and not PLACEHOLDER.fullmatch(value)


class Vault(Redactor):
    """Values and their placeholders, numbered in the order in which they are replaced.

    A value under six characters, or one that is a word of the protocol (``password``), has a placeholder too, for
    the places where it is secret by position; it is not looked for in other text, which it would only garble.

    A JWT's placeholder is a JWT, with those ``claims`` as they are. ``standing`` are values that are no secrets and
    have a placeholder in replay, such as a client's id; in a token it is there too, so that a client finds itself.

    A server may send back a value in capitals, say: one of eight letters or more is found in any case.
    """

    shortest_folded = 8

    def __init__(self, claims: frozenset[str] = jwts.KEPT, standing: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self._kept_claims = claims
        self._standing = standing or {}
        self._claims: dict[tuple[str, str], str] = {}
        self._kinds: dict[str, str] = {}
        self._placeholders: dict[str, str] = {}
        self._taken: set[str] = set()
        self._counts: Counter[str] = Counter()

    def note(self, kind: str, value: str) -> None:
        """Learn a value; the first kind that it is noted with names its placeholder."""
        if not value or PLACEHOLDER.fullmatch(value):
            return
        self._kinds.setdefault(value, kind_of(kind))
        if is_looked_for(value):
            self.learn(value, value)

    def note_known(self, known: Iterable[tuple[str, str]], *, credentials: bool) -> None:
        """Learn what the run knows by label: either the credentials of profiles, or all else."""
        for value, label in known:
            _, _, place = label.partition(".")
            if place.startswith(IDENTITIES) == credentials:
                if credentials and value not in self._placeholders:
                    self._placeholders[value] = placeholder_for(place)
                    self._taken.add(self._placeholders[value])
                self.note(label.rpartition(".")[2], value)

    def stand_for(self, value: str, placeholder: str) -> None:
        """Let a placeholder of an older tape stand for a value."""
        self._placeholders[value] = placeholder
        self.reserve(placeholder)
        self.note("token", value)

    def reserve(self, text: str) -> None:
        """Keep the placeholders that a text has from an older tape."""
        if PREFIX in text:
            for found in PLACEHOLDER.findall(text):
                mark = found.rpartition(".")[2]
                self._taken.update((found, mark, mark.removesuffix(jwts.PADDING)))

    def placeholder(self, kind: str, value: str) -> str:
        """Return what stands for a value."""
        if not value or PLACEHOLDER.fullmatch(value):
            return value
        if value not in self._placeholders:
            made = self._next(self._kinds.setdefault(value, kind_of(kind)))
            whole = jwts.stand_in(value, made, self._kept_claims, self._claim) if jwts.looks_into(value) else None
            self._placeholders[value] = whole or made
        return self._placeholders[value]

    def clean(self, text: str) -> str:
        """Return a text with every learnt value replaced, in each of its spellings."""
        text = self._between(text, self._cleaned)
        if "%" in text and self.finds_beside(unquote(text)):
            # Percent-encoded as nobody encodes: what is between the secrets is encoded anew.
            text = quote(self._between(unquote(text), self._cleaned), safe=_KEPT)
        return text

    def finds_beside(self, text: str) -> bool:
        """Whether a text holds a learnt value in any of its forms, beside the placeholders."""
        found = False

        def look(piece: str) -> str:
            nonlocal found
            found = found or self.finds(piece)
            return piece

        self._between(text, look)
        return found

    def _between(self, text: str, change: Callable[[str], str]) -> str:
        """Change what is between the placeholders, whose words might be somebody's password."""
        if PREFIX not in text:
            return change(text)
        ours = self._taken.union(self._placeholders.values())
        pieces, done = [], 0
        for found in PLACEHOLDER.finditer(text):
            if found.group() in ours:
                pieces += [change(text[done : found.start()]), found.group()]
                done = found.end()
        return "".join((*pieces, change(text[done:])))

    def _cleaned(self, text: str) -> str:
        pieces: list[str] = []
        done = 0
        for start, form in self._matches(text):
            pieces += (text[done:start], self.placeholder("secret", self._labels[form]))
            done = start + len(form)
        return "".join((*pieces, text[done:])) if pieces else text

    def _claim(self, name: str, value: str, stays: bool) -> str:
        """Return what stands for the text of a claim."""
        if value in self._standing:
            return self._standing[value]
        if not value or (stays and not self.finds(value)):
            return value
        key = (kind_of(name), value)
        if key not in self._claims:
            made = self._next(key[0])
            self._claims[key] = f"{made}@user.example" if MAIL.fullmatch(value) else made
        return self._claims[key]

    def _next(self, kind: str) -> str:
        while True:
            self._counts[kind] += 1
            made = f"{PREFIX}-{kind}-{self._counts[kind]}"
            if made not in self._taken:
                return made
