"""Refreshing a token. Each negative test uses a refresh token of its own: a refused one may be dead after it."""

from __future__ import annotations

from pytest_apiauth.edits import Edit
from pytest_apiauth.exchange import Exchange
from pytest_apiauth.profile import GrantType, Zone
from pytest_apiauth.rules import PROFILE, Control, Level, Safety, rule

from .client_authentication import without_client
from .parts import issued_token_zones, refresh, refresh_by_clients, refresh_zones, rotation

NEW_TOKEN = "REFRESHED_ACCESS_TOKEN"


@rule(
    "ref-success", level=Level.MUST, safety=Safety.CONSUME,
    sources=("RFC 6749 6", "RFC 6749 5.1", "JI-15", "DA-08", PROFILE),
    applies=refresh, control=Control.ITSELF, faults=("refreshed-token-unusable",),
)  # fmt: skip
def refresh_gives_a_token(exchange: Exchange, grant: GrantType) -> None:
    """A live refresh token gives an access token that works."""
    answer = exchange.send(exchange.token_request(grant)).issued()
    answer.require(str(answer.members.get("token_type")).lower() == "bearer", "the token_type Bearer")
    token = exchange.keep(NEW_TOKEN, str(answer.members["access_token"]))
    for zone in issued_token_zones.find(exchange.profile).values():
        for valid in exchange.requests(zone, "bearer"):
            used = exchange.send(valid.with_header(*exchange.header("bearer", token)), twin=valid)
            used.accepted()


@rule(
    "ref-not-access", level=Level.MUST, safety=Safety.ISSUE, sources=("RFC 6749 1.5", "JI-14", PROFILE),
    applies=refresh_zones, control=Control.TWIN, faults=("refresh-token-as-bearer",),
)  # fmt: skip
def refresh_token_is_no_access_token(exchange: Exchange, zone: Zone) -> None:
    """A refresh token does not authenticate a request."""
    token = exchange.refresh_token()
    for valid in exchange.requests(zone, "bearer"):
        exchange.send(valid.with_header(*exchange.header("bearer", token)), twin=valid).refused()


@rule(
    "acc-not-refresh", level=Level.MUST, safety=Safety.CONSUME, sources=("RFC 6749 6", "JI-16", PROFILE),
    applies=refresh, control=Control.TWIN, faults=("access-token-as-refresh-token",),
)  # fmt: skip
def access_token_is_no_refresh_token(exchange: Exchange, grant: GrantType) -> None:
    """An access token cannot be exchanged for another one."""
    draft = exchange.token_request(grant).setting("refresh_token", exchange.credential("ACCESS_TOKEN"))
    exchange.send(draft, twin=exchange.twin(grant)).no_token()


@rule(
    "ref-client-auth", level=Level.MUST, safety=Safety.CONSUME, sources=("RFC 6749 6", PROFILE),
    applies=refresh_by_clients, control=Control.TWIN, faults=("refresh-without-client",),
)  # fmt: skip
def refresh_needs_the_client(exchange: Exchange, grant: GrantType) -> None:
    """A client that does not authenticate, or wrongly, cannot refresh."""
    twin = exchange.twin(grant)
    nobody = without_client(exchange.token_request(grant))
    exchange.send(nobody, twin=twin).no_token()
    draft = exchange.token_request(grant)
    exchange.send(draft.editing(draft.secret("CLIENT_SECRET"), Edit("reverse")), twin=twin).no_token()


@rule(
    "ref-client-bound", level=Level.MUST, safety=Safety.CONSUME, sources=("RFC 6749 6", "RFC 6749 10.4"),
    applies=refresh_by_clients, control=Control.TWIN, faults=("refresh-any-client",),
)  # fmt: skip
def refresh_token_is_bound(exchange: Exchange, grant: GrantType) -> None:
    """A refresh token works for the client that it was issued to, and for no other."""
    exchange.credential("CLIENT_SECRET", "second")
    # The second client's own request is made first: that it succeeds shows that the client itself is good.
    foreign = exchange.token_request(grant, client="second").setting("refresh_token", exchange.refresh_token())
    exchange.send(foreign, twin=exchange.twin(grant, client="second")).no_token()


@rule(
    "ref-rotation", level=Level.DOC, safety=Safety.CONSUME, sources=(PROFILE, "JI-15", "RFC 9700 4.14.2"),
    applies=rotation, control=Control.ITSELF, faults=("refresh-token-kept",),
)  # fmt: skip
def refresh_gives_a_new_refresh_token(exchange: Exchange, grant: GrantType) -> None:
    """Each refresh answers a new refresh token, where that is documented."""
    draft = exchange.token_request(grant)
    spent = exchange.examination.value(draft.secret("REFRESH_TOKEN"))
    answer = exchange.send(draft).issued()
    new = answer.members.get("refresh_token")
    answer.require(isinstance(new, str) and bool(new), "a refresh_token with the new access token", "none")
    answer.require(new != spent, "a new refresh token", "the one that was sent")


@rule(
    "ref-scope-widen", level=Level.SHOULD, safety=Safety.CONSUME, sources=("RFC 6749 6",),
    applies=refresh, control=Control.TWIN, faults=("refresh-scope-widens",),
)  # fmt: skip
def refresh_does_not_widen(exchange: Exchange, grant: GrantType) -> None:
    """A refresh never adds a scope that was not granted at first."""
    draft = exchange.token_request(grant).setting("scope", "apiauth-no-such-scope")
    answer = exchange.send(draft, twin=exchange.twin(grant))
    granted = str(answer.members.get("scope", "")).split()
    answer.require("apiauth-no-such-scope" not in granted, "the scope refused or left out", "it granted")
