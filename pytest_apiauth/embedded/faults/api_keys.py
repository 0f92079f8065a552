"""Faults in how API keys are read and compared."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_apiauth.embedded.faults.headers import from_query
from pytest_apiauth.embedded.policy import Holder, Policy, Presented
from pytest_apiauth.embedded.reading import cookie_pairs, query_pairs
from pytest_apiauth.embedded.registry import fault
from pytest_apiauth.embedded.state import KeyRecord
from pytest_apiauth.messages import Request
from pytest_apiauth.profile.model import Kind


def folded(name: str) -> str:
    """Return a header field's name as a careless gateway might compare it."""
    return name.lower().replace("-", "").replace("_", "").removeprefix("x")


@fault("key-optional", "admits a request without the API key; a wrong one is refused")
class KeyOptional(Policy):
    def holder(self, kind: Kind, presented: Presented) -> Holder | None:
        if kind in self.keys and kind not in presented.shown:
            return KeyRecord("absent", "")
        return super().holder(kind, presented)


@fault("key-prefix-compare", "compares the first three quarters of an API key only")
class KeyPrefixCompare(Policy):
    def match_key(self, presented: str, known: Mapping[str, KeyRecord]) -> KeyRecord | None:
        near = (key for value, key in known.items() if presented.startswith(value[: len(value) * 3 // 4]))
        return super().match_key(presented, known) or next(near, None)


@fault("key-case-folded", "compares API keys without regard to case")
class KeyCaseFolded(Policy):
    def match_key(self, presented: str, known: Mapping[str, KeyRecord]) -> KeyRecord | None:
        near = (key for value, key in known.items() if presented.lower() == value.lower())
        return super().match_key(presented, known) or next(near, None)


@fault("key-name-folded", "takes the API key from what is named much like its header, parameter or cookie")
class KeyNameFolded(Policy):
    def lines_of(self, kind: Kind, request: Request) -> list[str]:
        lines = super().lines_of(kind, request)
        if lines or kind not in self.keys:
            return lines
        places = {"header": request.headers, "query": query_pairs(request), "cookie": cookie_pairs(request)}
        spot = self.spots[kind]
        near = [value for name, value in places[spot.where] if folded(name) == folded(spot.name)]
        return list(map(spot.holding, near))


@fault("key-from-query", "takes the API key from the query, by whatever name")
class KeyFromQuery(Policy):
    def lines_of(self, kind: Kind, request: Request) -> list[str]:
        lines = super().lines_of(kind, request)
        if lines or kind not in self.keys:
            return lines
        spot = self.spots[kind]
        found = from_query(request, spot.name.lower(), "api_key", "api-key", "apikey", "key")
        return list(map(spot.holding, found[-1:]))


@fault("key-list-trusted", "takes a key that comes as a list, as PHP and Rack read name[], for one that was checked")
class KeyListTrusted(Policy):
    def holder(self, kind: Kind, presented: Presented) -> Holder | None:
        spot, request = self.spots[kind], presented.request
        pairs = query_pairs(request) if kind in self.keys and spot.where == "query" and request is not None else ()
        if any(name.startswith(f"{spot.name}[") for name, _ in pairs):
            return KeyRecord("list", "")
        return super().holder(kind, presented)


@fault("token-route-without-key", "asks for no API key at the token endpoint, although its zone needs one")
class TokenRouteWithoutKey(Policy):
    def token_route_keys(self) -> tuple[Kind, ...]:
        return ()
