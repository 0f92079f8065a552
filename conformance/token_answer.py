"""The token endpoint's answer to a valid request."""

from __future__ import annotations

from pytest_apiauth.exchange import Answer, Exchange
from pytest_apiauth.profile import GrantType
from pytest_apiauth.rules import PROFILE, Control, Level, Safety, draws, rule

from . import strategies as some
from .parts import client_credentials_grant, form_grants, issuing_grants, unattended_grants

SCOPE_LETTERS = frozenset(chr(code) for code in range(0x21, 0x7F)) - {'"', "\\"}


def asked(exchange: Exchange, grant: GrantType) -> Answer:
    """Send the valid token request and require a token."""
    return exchange.send(exchange.token_request(grant)).issued()


@rule(
    "tok-200-json", level=Level.MUST, safety=Safety.ISSUE, sources=("RFC 6749 5.1", "DA-13", "JI-10", "DI-07"),
    applies=issuing_grants, control=Control.ITSELF, faults=("token-answer-as-text",),
)  # fmt: skip
def answers_json(exchange: Exchange, grant: GrantType) -> None:
    """A token comes with status 200 as application/json."""
    answer = asked(exchange, grant)
    answer.require(answer.status == 200, "status 200")
    answer.require(answer.response.media_type == "application/json", "the media type application/json")


@rule(
    "tok-no-store", level=Level.MUST, safety=Safety.ISSUE, sources=("RFC 6749 5.1",),
    applies=issuing_grants, control=Control.ITSELF, faults=("token-answer-cacheable",),
)  # fmt: skip
def not_stored(exchange: Exchange, grant: GrantType) -> None:
    """An answer with a token says Cache-Control: no-store."""
    answer = asked(exchange, grant)
    lines = answer.response.header_lines("cache-control")
    directives = {part.strip().lower() for line in lines for part in line.split(",")}
    got = f"Cache-Control: {', '.join(lines)}" if lines else "an answer without Cache-Control"
    answer.require("no-store" in directives, "Cache-Control: no-store", got)


@rule(
    "tok-members", level=Level.MUST, safety=Safety.ISSUE,
    sources=("RFC 6749 5.1", "RFC 6749 7.1", "DA-13", "JI-10", "DI-07"),
    applies=issuing_grants, control=Control.ITSELF, faults=("token-type-missing",),
)  # fmt: skip
def members(exchange: Exchange, grant: GrantType) -> None:
    """access_token and token_type are non-empty strings, the type being Bearer in any case, and nothing is null."""
    answer = asked(exchange, grant)
    members = answer.members
    answer.require(isinstance(members["access_token"], str), "access_token as a string", "another type")
    token_type = members.get("token_type")
    answer.require(isinstance(token_type, str), "token_type as a string", f"{type(token_type).__name__}")
    answer.require(str(token_type).lower() == "bearer", "the token_type Bearer", repr(token_type))
    for name in ("expires_in", "refresh_token", "scope"):
        answer.advise(name not in members or members[name] is not None, f"{name} absent rather than null")
    if exchange.profile.answer_of(grant).refresh_token:
        found = members.get("refresh_token")
        answer.require(isinstance(found, str) and bool(found), "the documented refresh_token", "none")


@rule(
    "tok-alphabet", level=Level.SHOULD, safety=Safety.ISSUE, sources=("RFC 6749 A.12", "RFC 6750 2.1"),
    applies=issuing_grants, control=Control.ITSELF, faults=("token-outside-alphabet",),
)  # fmt: skip
def alphabet(exchange: Exchange, grant: GrantType) -> None:
    """An access token has only characters that a Bearer header may carry."""
    answer = asked(exchange, grant)
    token = str(answer.members["access_token"]).rstrip("=")
    answer.require(set(token) <= set(some.B64TOKEN), "letters, digits and -._~+/ in the token", "other characters")


@rule(
    "tok-expires-in", level=Level.MUST, safety=Safety.ISSUE, sources=("RFC 6749 5.1", "DA-13", "JI-10", "DI-07"),
    applies=issuing_grants, control=Control.ITSELF, faults=("expires-in-text",),
)  # fmt: skip
def expires_in(exchange: Exchange, grant: GrantType) -> None:
    """expires_in is a positive JSON integer; it is there where it is documented."""
    answer = asked(exchange, grant)
    lifetime = answer.members.get("expires_in")
    if lifetime is None:
        documented = exchange.profile.answer_of(grant).expires_in
        answer.require(documented is None, "the documented expires_in", "none")
        answer.advise(False, "expires_in in the answer", "none")
        return
    is_integer = isinstance(lifetime, int) and not isinstance(lifetime, bool)
    answer.require(is_integer, "expires_in as a JSON integer", f"{type(lifetime).__name__} {lifetime!r}")
    answer.require(isinstance(lifetime, int) and lifetime > 0, "a positive expires_in", repr(lifetime))


@rule(
    "tok-expires-doc", level=Level.DOC, safety=Safety.ISSUE, sources=(PROFILE, "DA-13", "JI-08", "JI-10", "DI-07"),
    applies=issuing_grants, control=Control.ITSELF, faults=("expires-in-longer",),
)  # fmt: skip
def documented_lifetime(exchange: Exchange, grant: GrantType) -> None:
    """A token lives as long as documented; a token handed out again may have less left."""
    documented = exchange.profile.answer_of(grant).expires_in
    answer = asked(exchange, grant)
    lifetime = answer.members.get("expires_in")
    if documented is not None and isinstance(lifetime, int):
        answer.require(lifetime <= documented, f"expires_in {documented} at most", str(lifetime))


@rule(
    "tok-scope-reported", level=Level.DOC, safety=Safety.ISSUE, sources=("RFC 6749 3.3", "DA-13", "JI-10"),
    applies=issuing_grants, control=Control.ITSELF, faults=("scope-misreported",),
)  # fmt: skip
def scope_reported(exchange: Exchange, grant: GrantType) -> None:
    """The scope, where it is given, is a list of legal words and the documented one."""
    answer = asked(exchange, grant)
    scope = answer.members.get("scope")
    documented = exchange.profile.answer_of(grant).scope
    if scope is None:
        return
    answer.require(isinstance(scope, str), "scope as a string", type(scope).__name__)
    words = set(str(scope).split(" ")) - {""}
    answer.require(all(set(word) <= SCOPE_LETTERS for word in words), "legal scope words", repr(scope))
    if documented is not None:
        answer.require(words == set(documented.split()), f"the documented scope {documented!r}", repr(scope))


@rule(
    "tok-cc-no-refresh", level=Level.SHOULD, safety=Safety.ISSUE, sources=("RFC 6749 4.4.3", "DI-07"),
    applies=client_credentials_grant, control=Control.ITSELF, faults=("client-credentials-refresh-token",),
)  # fmt: skip
def no_refresh_for_clients(exchange: Exchange, grant: GrantType) -> None:
    """client_credentials gives no refresh token: the client can always ask again."""
    answer = asked(exchange, grant)
    answer.require("refresh_token" not in answer.members, "no refresh_token with client_credentials", "one")


@rule(
    "tok-params-inert", level=Level.MUST, safety=Safety.ISSUE, sources=("RFC 6749 3.2", PROFILE),
    applies=unattended_grants, control=Control.TWIN, faults=("unknown-parameter-refused",),
)  # fmt: skip
@draws(name=some.unknown_names, value=some.header_values)
def unknown_parameter(exchange: Exchange, grant: GrantType, name: str, value: str) -> None:
    """A parameter that the endpoint does not know changes nothing."""
    valid = exchange.token_request(grant)
    exchange.send(valid.setting(name, value), twin=valid).issued()


@rule(
    "tok-charset-inert", level=Level.MUST, safety=Safety.ISSUE, sources=("RFC 6749 B", "RFC 9110 8.3.1"),
    applies=form_grants, control=Control.TWIN, faults=("charset-refused",),
)  # fmt: skip
def charset_parameter(exchange: Exchange, grant: GrantType) -> None:
    """The parameter charset=UTF-8 on the form's media type changes nothing."""
    valid = exchange.token_request(grant)
    for parameter in ("; charset=UTF-8", ";charset=utf-8"):
        labelled = valid.labelled(f"application/x-www-form-urlencoded{parameter}")
        exchange.send(labelled, twin=valid).issued()
