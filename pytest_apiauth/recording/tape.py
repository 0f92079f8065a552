"""A whole tape made clean, and the search that it must pass before it is written."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, unquote_plus, urlsplit

from pytest_apiauth.credentials.names import NAMES, PLACEHOLDER, PREFIX, Names, kind_of
from pytest_apiauth.printable import one_line
from pytest_apiauth.recording.contents import LARGEST, CassetteError, content_of
from pytest_apiauth.recording.message import answer_with, request_message, response_message, with_message
from pytest_apiauth.recording.vault import Vault, is_looked_for
from pytest_apiauth.recording.walking import Walk

PLACES = ("request", "response", "uri", "headers", "body")
RANDOM = ("state", "nonce", "code-challenge")
ANY = f"{PREFIX}-any"
LONGEST_REQUEST = 300
Interaction = tuple[Any, dict[str, Any]]
"""A request of vcrpy, and its dictionary of an answer."""


@dataclass(frozen=True, slots=True)
class Collector:
    """Notes secrets and changes nothing."""

    note: Callable[[str, str], object]
    reserve: Callable[[str], None] = lambda text: None

    def secret(self, kind: str, value: str) -> str:
        """Note a value that is secret by its position."""
        self.reserve(value)
        self.note(kind, value)
        return value

    def text(self, text: str) -> str:
        """Look for nothing but placeholders of an older tape."""
        self.reserve(text)
        return text

    def fleeting(self, kind: str, value: str) -> str:
        """Note what is random in an authorization request, and binds it to a session."""
        if kind_of(kind) in RANDOM and is_looked_for(value):
            self.note(kind, value)
        return value


@dataclass(frozen=True, slots=True)
class Replacer:
    """Puts placeholders in the places of secrets. ``stays`` knows what somebody else has put there before."""

    vault: Vault
    stays: Callable[[str], bool]

    def secret(self, kind: str, value: str) -> str:
        """Replace the value as a whole."""
        return value if self.stays(value) else self.vault.placeholder(kind, value)

    def text(self, text: str) -> str:
        """Replace every value that stands somewhere in the text."""
        return self.vault.clean(text)

    def fleeting(self, kind: str, value: str) -> str:
        """Replace what is random; leave who asks."""
        return self.secret(kind, value) if kind_of(kind) in RANDOM and is_looked_for(value) else value


@dataclass(frozen=True, slots=True)
class Leveller:
    """Makes requests comparable whose secrets differ: live ones and those of a tape."""

    vault: Vault

    def secret(self, kind: str, value: str) -> str:
        """Take all values for one."""
        return ANY

    def text(self, text: str) -> str:
        """Take the secrets in it for one."""
        clean = self.vault.clean(text)
        return PLACEHOLDER.sub(ANY, clean) if PREFIX in clean else clean

    def fleeting(self, kind: str, value: str) -> str:
        """Take all values for one."""
        return ANY


def request_path(url: str) -> str:
    """Return the path of a URL, without what may be secret in its query."""
    return urlsplit(url).path or "/"


def shown_request(request: Any, names: Names = NAMES) -> str:
    """Return method and URL of a request of vcrpy, without its secrets."""
    try:
        url = Walk(Leveller(Vault()), names).url(str(request.uri))
    except CassetteError:
        url = str(request.uri).partition("?")[0]
    return one_line(f"{request.method} {url.partition('#')[0]}", LONGEST_REQUEST)


def clean_tape(
    interactions: Iterable[Interaction],
    vault: Vault,
    known: Iterable[tuple[str, str]],
    names: Names = NAMES,
    stays: Callable[[str], bool] = lambda value: False,
    most: int = LARGEST,
) -> list[Interaction]:
    """Return the exchanges of a tape without the secrets in them.

    ``known`` are values of this run with their labels (``shop.credentials.password``); ``names`` tell
    what is secret; ``stays`` says of a value in the place of a secret that it is somebody's own
    placeholder. Raises CassetteError for a body that cannot be looked into, or has more than ``most`` bytes.
    """
    known, tape = list(known), list(interactions)
    vault.note_known(known, credentials=True)
    note = Collector(lambda kind, value: None if stays(value) else vault.note(kind, value), vault.reserve)
    collecting = Walk(note, names, most)
    for request, response in tape:
        try:
            collecting.message(request_message(request))
            collecting.message(response_message(response))
        except CassetteError as error:
            raise CassetteError(f"{shown_request(request, names)}: {error}") from None
    vault.note_known(known, credentials=False)
    replacing = Walk(Replacer(vault, stays), names, most)
    return [
        (
            with_message(request, replacing.message(request_message(request))),
            answer_with(response, replacing.message(response_message(response)), vault.clean),
        )
        for request, response in tape
    ]


def survivors(data: Any, vault: Vault) -> Iterator[str]:
    """Name the places of a tape, as it is about to be written, in which a known value survives."""
    for place, text in _texts(data, "cassette"):
        if any(vault.finds_beside(form) for form in _readings(text)):
            yield place


def _readings(text: str) -> set[str]:
    """Return the ways in which somebody who looks for a secret may read a text."""
    return {text, unquote(text), unquote_plus(text), html.unescape(text)}


def _texts(data: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(data, dict):
        for key, value in data.items():
            if not str(key).replace("-", "").replace("_", "").isalpha():
                yield place, str(key)
            yield from _texts(value, f"{place}, {key}" if key in PLACES else place)
    elif isinstance(data, list | tuple):
        for value in data:
            yield from _texts(value, place)
    elif isinstance(data, bytes):
        for charset in ("utf-8", "latin-1", "utf-16-le", "utf-16-be"):
            yield place, data.decode(charset, "replace")
        unpacked = content_of(data, "", "")
        if unpacked.raw != data:
            yield from _texts(unpacked.raw, place)
    elif isinstance(data, str):
        yield place, data
        if data[:1] in ("{", "[", '"'):
            try:
                inner = json.loads(data, strict=False)
            except (ValueError, RecursionError):
                return
            yield from _texts(inner, place)
