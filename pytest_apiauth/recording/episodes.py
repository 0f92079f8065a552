"""A cassette to which new episodes are added: what it knows is played, and tokens are asked for anew all the same.

Theory of operation. A token of the tape is a placeholder, which no live API takes; so every request for a token goes to
the API, and what follows is either played or recorded with a live token. When the cassette is written, a token answer
that the tape has already stays as it is, and the live values of the new answer get its placeholders: the same token is
the same placeholder in old episodes and new ones. Any other request that would carry a placeholder to the API is
refused before it leaves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from pytest_apiauth.credentials.names import NAMES, PLACEHOLDER, Names
from pytest_apiauth.profile.model import Profile
from pytest_apiauth.recording.contents import CassetteError
from pytest_apiauth.recording.jsontext import has_member, parsed
from pytest_apiauth.recording.levelling import Level
from pytest_apiauth.recording.message import request_message, response_message
from pytest_apiauth.recording.tape import Collector, Interaction, Leveller, shown_request
from pytest_apiauth.recording.vault import Vault
from pytest_apiauth.recording.walking import Walk

MODE: Final = "new_episodes"


@dataclass(frozen=True, slots=True)
class TokenRequests:
    """Tells which requests ask for a token: by where they go, or by the grant that they name (RFC 6749 4)."""

    urls: frozenset[str] = frozenset()

    @classmethod
    def of(cls, profiles: Iterable[Profile]) -> TokenRequests:
        """Take the token endpoints of profiles, and those where what leads to a token begins."""
        return cls(frozenset(url for each in profiles for url in each.token_leading_endpoints))

    def __call__(self, request: Any) -> bool:
        """Return whether a request of vcrpy is one."""
        if request.method != "POST":
            return False
        if str(request.uri).partition("?")[0] in self.urls:
            return True
        text = request_message(request).body.decode("latin-1")
        is_json, data = parsed(text)
        return has_member(data, "grant_type") if is_json else "grant_type=" in text


def ask_anew(cassette: Any, is_token_request: Callable[[Any], bool], is_ours: Callable[[str], bool]) -> None:
    """Let a cassette that vcrpy has just put in place answer everything but requests for tokens."""
    can_play = cassette.can_play_response_for

    def plays(request: Any) -> bool:
        found = bool(can_play(request))
        if not is_ours(str(request.uri)):
            return found
        if is_token_request(request):
            if found:
                # It is no unused one for that.
                cassette.play_response(request)
            return False
        if not found:
            _refuse_placeholders(request)
        return found

    cassette.can_play_response_for = plays


def _refuse_placeholders(request: Any) -> None:
    found: list[str] = []
    Walk(Collector(lambda kind, value: found.append(value))).message(request_message(request))
    if any(map(PLACEHOLDER.fullmatch, found)):
        raise CassetteError(
            f"{shown_request(request)} would carry a placeholder of the cassette to the API, from an answer that was"
            f" played; --record-mode={MODE} asks for tokens anew and for nothing else: use --record-mode=rewrite"
        )


def joined(
    tape: list[Interaction], old: int, vault: Vault, is_token_request: Callable[[Any], bool], names: Names = NAMES
) -> list[Interaction]:
    """Return a tape whose first episodes are old; a token answer that it has already lends its placeholders."""
    level = Level(Walk(Leveller(vault), names))
    left = [pair for pair in tape[:old] if is_token_request(pair[0])]
    kept: list[Interaction] = []
    for pair in tape[old:]:
        twin = next((each for each in left if is_token_request(pair[0]) and _alike(level, each, pair)), None)
        if twin is None:
            kept.append(pair)
            continue
        left.remove(twin)
        for value, placeholder in _lent(twin, pair, names):
            vault.stand_for(value, placeholder)
    return [*tape[:old], *kept]


def _alike(level: Level, one: Interaction, other: Interaction) -> bool:
    first, second = level(one[0]), level(other[0])
    return (first.method, first.uri, first.body) == (second.method, second.uri, second.body)


def _lent(old: Interaction, new: Interaction, names: Names) -> Iterator[tuple[str, str]]:
    """Yield the secrets of a new answer, each with the placeholder that the old answer has in its place."""
    placeholders, values = _secrets(old[1], names), _secrets(new[1], names)
    for kind, every in values.items():
        for value, placeholder in zip(every, placeholders.get(kind, ()), strict=False):
            if PLACEHOLDER.fullmatch(placeholder):
                yield value, placeholder


def _secrets(response: dict[str, Any], names: Names) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    walk = Walk(Collector(lambda kind, value: found.setdefault(kind, []).append(value)), names)
    walk.message(response_message(response))
    return found
