"""What looks drawn at random and opens nothing: ids, cursors, images; and what a profile says is harmless.

A comment in a cassette would not outlive the next recording, nor would the values themselves: ids are others then. So
what is harmless is told by its looks, or by the place where it stands, and the profile says why.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from pytest_apiauth.credentials.known_names import HARMLESS
from pytest_apiauth.credentials.names import fold
from pytest_apiauth.profile.model import Profile


@dataclass(frozen=True, slots=True)
class Innocent:
    """How one kind of harmless text looks."""

    mark: str
    """What stands in every such text: one without it is not searched."""
    pattern: re.Pattern[str]
    source: str


def _innocent(mark: str, pattern: str, source: str) -> Innocent:
    return Innocent(mark, re.compile(pattern, re.ASCII), source)


LOOKS: Final = (
    _innocent(
        "_",
        r"(?<![A-Za-z0-9_])(?:acct|card|ch|cus|evt|fee|file|fr|ic|ii|il|in|isub|li|mandate|md|mi|payout|pi|plan|pm|po|price"
        r"|prod|promo|pst|pyr|py|qt|re|seti|setatt|si|src|sub|tr|txn|txr|we)_[A-Za-z0-9]{14,40}(?![A-Za-z0-9_])",
        "https://docs.stripe.com/api, ids of objects: not those of keys, tokens and client secrets",
    ),
    _innocent(
        "_k", r"(?<!\w)[A-Z]{1,8}_k[\w-]{8,80}(?![\w-])",
        "https://docs.github.com/graphql/guides/migrating-graphql-global-node-ids",
    ),
    _innocent(
        "spotify",
        r"spotify(?:\.com/|:)(?:[a-z-]{2,12}/)?(?:album|artist|episode|playlist|show|track|user)[:/][\w-]{1,64}",
        "https://developer.spotify.com/documentation/web-api/concepts/spotify-uris-ids",
    ),
    _innocent(
        "1", r"(?<![\w.~+/-])1[A-Za-z0-9_-]{32}(?:[A-Za-z0-9_-]{11})?(?![\w~+=-])",
        "https://developers.google.com/workspace/docs/api/concepts/document, ids of files",
    ),
    _innocent(
        ".google.com/", r"(?:docs|drive)\.google\.com/(?:[a-z]+/)?(?:d|folders)/[\w-]{10,100}",
        "https://developers.google.com/workspace/docs/api/concepts/document, URLs of files",
    ),
    _innocent(
        ";base64,", r"data:[\w.+-]{1,60}/[\w.+-]{1,60}(?:;[\w=.-]{1,60})*;base64,[A-Za-z0-9+/=_-]+", "RFC 2397",
    ),
    _innocent(
        "",
        r"(?<![A-Za-z0-9+/])(?:iVBORw0KGgo|/9j/|R0lGOD[dl]|UklGR|JVBERi0)[A-Za-z0-9+/]{60,}"
        r"(?:\r?\n[A-Za-z0-9+/]+)*={0,2}",
        "files of PNG, JPEG, GIF, WebP and PDF, which begin so in base64",
    ),
    _innocent("sha", r"(?<!\w)sha(?:256|384|512)-[A-Za-z0-9+/]{43,86}={0,2}", "W3C, Subresource Integrity"),
)  # fmt: skip
"""Ids, files and digests that are told by their looks."""

ID_NAME: Final = re.compile(r"(?:^|[_.-])(?:[iI]d|ID|ids|uuid|guid)$|[a-z](?:I[dD]s?|Uuid|UUID|Guid)$")
OTHER_NAMES: Final = (*HARMLESS, "cursor", "etag", "checksum", "digest", "contentmd5", "xamzid2", "reportto", "nel")
"""Endings of names, folded, of places in a list, versions and digests."""
_IN_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{8,}={0,2}")
_COUNTED: Final = re.compile(r"(?:\d{1,4}:)?[A-Za-z][A-Za-z_.-]{0,40}:?\d{1,20}")
"""As Relay's cursors and the older ids of GitHub are inside: ``arrayconnection:10``, ``04:User583231``."""


def without(text: str) -> str:
    """Return a text without what is harmless by its looks."""
    for look in LOOKS:
        if look.mark in text:
            text = look.pattern.sub(" ", text)
    return text


def names_something(place: str) -> bool:
    """Return whether a place is named like an id, a place in a list or a digest.

    >>> names_something("body, member payment.id"), names_something("body, member note")
    (True, False)
    """
    *around, last = (step.partition(" ") for step in place.split(", "))
    # What stands in a header is of its kind, whatever URL or JSON it is.
    steps = [last, *(step for step in around if step[0] == "header")]
    return any(
        ID_NAME.search(name) is not None or fold(name).endswith(OTHER_NAMES)
        for kind, _, name in steps
        if kind in ("member", "parameter", "header", "part")
    )


def inside(token: str) -> str | None:
    """Return the JSON that a cursor is in base64, or an empty text for one that counts; None for anything else."""
    if _IN_BASE64.fullmatch(token) is None:
        return None
    bare = token.rstrip("=").replace("+", "-").replace("/", "_")
    try:
        text = base64.urlsafe_b64decode(bare + "=" * (-len(bare) % 4)).decode()
        if _COUNTED.fullmatch(text):
            return ""
        return text if text[:1] in ("{", "[") and json.loads(text) is not None else None
    except (binascii.Error, ValueError, RecursionError):
        return None


class Allowed:
    """What profiles say is harmless, each with its reason, in ``[[recording.harmless]]``."""

    def __init__(self, profiles: Iterable[Profile] = ()) -> None:
        self._rows = [
            (None if row.value is None else re.compile(row.value), row.place)
            for profile in profiles
            for row in profile.recording.harmless
        ]

    def covers(self, place: str, value: str) -> bool:
        """Return whether a value in a place is one of those."""
        return any(
            (pattern is None or pattern.fullmatch(value) is not None)
            and (where is None or place == where or place.endswith(f", {where}"))
            for pattern, where in self._rows
        )
