"""The token endpoint's answer to a valid request."""

from __future__ import annotations

import base64
from contextlib import suppress

from pytest_apiauth.rules import (
    CONSUME,
    DOC,
    ISSUE,
    ITSELF,
    MUST,
    PROFILE,
    SHOULD,
    Answer,
    Api,
    GrantType,
    NotApplicable,
    Role,
    draws,
    rule,
)

from . import strategies as some
from .grid.equal import as_forms, as_objects
from .parts import (
    body_encoding,
    client_credentials_grant,
    form_grants,
    issuing_grants,
    issuing_logins,
    renewal,
    unattended_grants,
    unattended_logins,
    undocumented_lifetimes,
    usual_login,
)

LOOK = (
    "The function that writes the token answer; frameworks have one place for it (Authlib: generate of"
    " the grant, oauthlib: create_token_response)."
)

UNKNOWN_SCOPE = "apiauth-no-such-scope"
SCOPE_LETTERS = frozenset(chr(code) for code in range(0x21, 0x7F)) - {'"', "\\"}


def asked(api: Api, grant: GrantType) -> Answer:
    """Send the valid token request and require a token."""
    return api.send(api.token_request(grant)).issued()


def require_json(answer: Answer) -> None:
    """Require status 200 and JSON."""
    answer.require(answer.status == 200, "status 200")
    answer.require(answer.response.media_type == "application/json", "the media type application/json")


def require_no_store(answer: Answer) -> None:
    """Require that nobody on the way keeps the answer."""
    lines = answer.response.header_lines("cache-control")
    directives = {part.strip().lower() for line in lines for part in line.split(",")}
    got = f"Cache-Control: {', '.join(lines)}" if lines else "an answer without Cache-Control"
    answer.require("no-store" in directives, "Cache-Control: no-store", got)


def require_type(answer: Answer) -> None:
    """Require a token and its type, Bearer or the word that it travels behind, in any case, as strings."""
    answer.require(isinstance(answer.members["access_token"], str), "access_token as a string", "another type")
    token_type = answer.members.get("token_type")
    answer.require(isinstance(token_type, str), "token_type as a string", f"{type(token_type).__name__}")
    is_known = str(token_type).lower() in answer.api.profile.token_types
    word = answer.api.profile.place_of("bearer").word or "Bearer"
    answer.require(is_known, f"the token_type {word}", repr(token_type))


def require_lifetime(answer: Answer, grant: GrantType) -> None:
    """Require a lifetime that is a positive JSON integer; if none is documented, there may be none."""
    lifetime = answer.members.get("expires_in")
    if lifetime is None:
        documented = answer.api.profile.answer_of(grant).expires_in
        answer.require(documented is None, "the documented expires_in", "none")
        answer.advise(False, "expires_in in the answer", "none")
        return
    is_integer = isinstance(lifetime, int) and not isinstance(lifetime, bool)
    answer.require(is_integer, "expires_in as a JSON integer", f"{type(lifetime).__name__} {lifetime!r}")
    answer.require(isinstance(lifetime, int) and lifetime > 0, "a positive expires_in", repr(lifetime))


def require_without(answer: Answer, scope: str, *, again: bool = True) -> None:
    """Require that a scope is refused, or left out of what is granted; ``again`` is as with `Answer.no_token`."""
    if answer.has_token:
        answer.require(scope not in answer.granted, f"the scope {scope!r} refused or left out", "it granted")
    else:
        answer.no_token(again=again)


@rule(
    MUST,
    "RFC 6749 5.1",
    applies=issuing_grants,
    catches="token-answer-as-text",
    safety=ISSUE,
    control=ITSELF,
    look="The token endpoint's response class: status 200 and application/json, by the framework's JSON response.",
)
def tok_200_json(api: Api, grant: GrantType) -> None:
    """A token comes with status 200 as application/json."""
    require_json(asked(api, grant))


@rule(
    MUST,
    "RFC 6749 5.1",
    applies=issuing_grants,
    catches="token-answer-cacheable",
    safety=ISSUE,
    control=ITSELF,
    look="The headers of the token answer: Cache-Control: no-store on everything that holds a token (RFC 6749 5.1).",
)
def tok_no_store(api: Api, grant: GrantType) -> None:
    """An answer with a token says Cache-Control: no-store."""
    require_no_store(asked(api, grant))


@rule(
    MUST,
    "RFC 6749 5.1",
    "RFC 6749 7.1",
    applies=issuing_grants,
    catches="token-type-missing",
    safety=ISSUE,
    control=ITSELF,
    look="The members of the token answer: access_token and token_type always, and what has no value is left"
    " out, not null.",
)
def tok_members(api: Api, grant: GrantType) -> None:
    """access_token and token_type are non-empty strings, the type being Bearer in any case, and nothing is null."""
    answer = asked(api, grant)
    members = answer.members
    require_type(answer)
    for name in ("expires_in", "refresh_token", "scope"):
        answer.advise(name not in members or members[name] is not None, f"{name} absent rather than null")
    if api.profile.answer_of(grant).refresh_token:
        found = members.get("refresh_token")
        answer.require(isinstance(found, str) and bool(found), "the documented refresh_token", "none")


@rule(
    SHOULD,
    "RFC 6749 A.12",
    "RFC 6750 2.1",
    applies=issuing_grants,
    catches="token-outside-alphabet",
    safety=ISSUE,
    control=ITSELF,
    look="What generates the token: secrets.token_urlsafe gives only characters that a Bearer header may"
    " carry (RFC 6750 2.1).",
)
def tok_alphabet(api: Api, grant: GrantType) -> None:
    """An access token has only characters that a Bearer header may carry."""
    answer = asked(api, grant)
    token = str(answer.members["access_token"]).rstrip("=")
    answer.require(set(token) <= set(some.B64TOKEN), "letters, digits and -._~+/ in the token", "other characters")


@rule(
    MUST,
    "RFC 6749 5.1",
    applies=issuing_grants,
    catches="expires-in-text",
    safety=ISSUE,
    control=ITSELF,
    look="expires_in of the token answer: int(seconds), neither text nor a date nor a float.",
)
def tok_expires_in(api: Api, grant: GrantType) -> None:
    """expires_in is a positive JSON integer; it is there where it is documented."""
    require_lifetime(asked(api, grant), grant)


@rule(
    DOC,
    PROFILE,
    applies=issuing_logins,
    catches="expires-in-longer",
    safety=ISSUE,
    control=ITSELF,
    look="The setting of the access token's lifetime against the document (Django OAuth Toolkit:"
    " ACCESS_TOKEN_EXPIRE_SECONDS, Authlib: OAUTH2_TOKEN_EXPIRES_IN).",
)
def tok_expires_doc(api: Api, grant: GrantType) -> None:
    """A token lives as long as documented; a token handed out again may have less left."""
    documented = api.profile.answer_of(grant).expires_in
    answer = asked(api, grant)
    lifetime = answer.members.get("expires_in")
    if documented is not None and isinstance(lifetime, int):
        answer.require(lifetime <= documented, f"expires_in {documented} at most", str(lifetime))


@rule(
    DOC,
    "RFC 6749 3.3",
    applies=issuing_grants,
    catches="scope-misreported",
    safety=ISSUE,
    control=ITSELF,
    look="scope of the token answer: words joined by one blank, and what was granted rather than what was asked for.",
)
def tok_scope_reported(api: Api, grant: GrantType) -> None:
    """The scope is a list of legal words and the documented one; if none is documented, it may be absent."""
    answer = asked(api, grant)
    scope = answer.members.get("scope")
    documented = api.profile.answer_of(grant).scope
    if scope is None:
        # By RFC 6749 5.1 it may be absent if it is what was asked for.
        answer.advise(documented is None, f"the documented scope {documented!r}", "an answer without a scope")
        return
    answer.require(isinstance(scope, str), "scope as a string", type(scope).__name__)
    words = set(str(scope).split(" ")) - {""}
    answer.require(all(set(word) <= SCOPE_LETTERS for word in words), "legal scope words", repr(scope))
    if documented is not None:
        answer.require(words == set(documented.split()), f"the documented scope {documented!r}", repr(scope))


@rule(
    SHOULD,
    "RFC 6749 4.4.3",
    applies=client_credentials_grant,
    catches="client-credentials-refresh-token",
    safety=ISSUE,
    control=ITSELF,
    look="The client_credentials grant calls the function that issues tokens without saying that it wants no"
    " refresh token (Authlib: include_refresh_token=False).",
)
def tok_cc_no_refresh(api: Api, grant: GrantType) -> None:
    """client_credentials gives no refresh token: the client can always ask again."""
    answer = asked(api, grant)
    answer.require("refresh_token" not in answer.members, "no refresh_token with client_credentials", "one")


@rule(
    MUST,
    "RFC 6749 3.2",
    applies=unattended_grants,
    catches="unknown-parameter-refused",
    safety=ISSUE,
    look="The validation of the token request forbids extra parameters (pydantic: extra='forbid'): unknown"
    " ones are ignored (RFC 6749 3.2).",
)
@draws(name=some.unknown_names, value=some.header_values)
def tok_params_inert(api: Api, grant: GrantType, name: str, value: str) -> None:
    """A parameter that the endpoint does not know changes nothing."""
    valid = api.token_request(grant)
    api.send(valid.setting(name, value)).issued()


@rule(
    MUST,
    "RFC 6749 B",
    "RFC 9110 8.3.1",
    applies=form_grants,
    catches="charset-refused",
    safety=ISSUE,
    look="The comparison of the media type is of the whole header: cut it at the semicolon first, or take"
    " what the framework has parsed.",
)
def tok_charset_inert(api: Api, grant: GrantType) -> None:
    """The parameter charset=UTF-8 on the form's media type changes nothing."""
    valid = api.token_request(grant)
    for parameter in ("; charset=UTF-8", ";charset=utf-8"):
        labelled = valid.labelled(f"application/x-www-form-urlencoded{parameter}")
        api.send(labelled).issued()


@rule(
    SHOULD,
    "RFC 6749 3.2",
    "RFC 6749 B",
    "RFC 8259 2",
    "RFC 8259 8.3",
    "RFC 9110 8.3.1",
    applies=usual_login,
    catches=(
        "form-escapes-refused",
        "media-type-case-sensitive",
        "empty-parameter-refused",
        "parameter-order-counts",
        "json-blanks-refused",
        "json-escapes-refused",
        "json-ascii-only",
    ),
    safety=ISSUE,
    look="A parser made by hand, or a comparison of raw text: take the framework's form or JSON parser, and"
    " compare media types without case and parameters.",
)
def tok_equal_spelling(api: Api, grant: GrantType) -> None:
    """A token request that means the same is answered the same, however it is spelt."""
    valid = api.token_request(grant)
    for name, draft in as_objects(valid) if body_encoding(api.profile) == "json" else as_forms(valid):
        with api.row():
            answer = api.send(draft)
            answer.require(answer.has_token, f"a token for a request with {name}")
    api.control(valid)


@rule(
    SHOULD,
    "RFC 6750 5.3",
    applies=undocumented_lifetimes,
    catches="lifetime-of-a-year",
    safety=ISSUE,
    control=ITSELF,
    look="The setting of the access token's lifetime: an hour or less for bearer tokens, with a refresh"
    " token for what takes longer (RFC 6750 5.3).",
)
def tok_lifetime_short(api: Api, grant: GrantType) -> None:
    """A bearer token whose lifetime is not documented lives for an hour or less."""
    answer = asked(api, grant)
    lifetime = answer.members.get("expires_in")
    if isinstance(lifetime, int):
        answer.require(lifetime <= 3600, "expires_in 3600 at most", str(lifetime))


SHORT_NAME = 4
"""Letters of a name that may stand in a token by chance."""


def _is_made_of(token: str, name: str) -> bool:
    """Whether a token, as it is or decoded, has a user's name in it and less than 128 bits beside it."""
    try:
        decoded = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode("latin-1")
    except ValueError:
        decoded = ""
    if len(name) < SHORT_NAME:
        return False
    return (name in token and len(token) - len(name) < 22) or (name in decoded and len(decoded) - len(name) < 16)


@rule(
    SHOULD,
    "RFC 6749 10.10",
    applies=unattended_logins,
    catches=("token-counted", "token-of-name"),
    safety=ISSUE,
    control=ITSELF,
    look="What generates the token: secrets.token_urlsafe(32), not a counter, a time, uuid1, the module"
    " random or a hash of the user's name.",
)
def tok_entropy(api: Api, grant: GrantType) -> None:
    """Tokens differ in more than a counter. An upper bound only: it can show weakness, never strength."""
    answers = [asked(api, grant) for _ in range(6)]
    tokens = sorted({str(answer.members["access_token"]) for answer in answers})
    with suppress(NotApplicable):
        name = api.examination.value(api.ref(Role.USERNAME))
        is_made_of = any(_is_made_of(token, name) for token in tokens)
        answers[-1].require(not is_made_of, "a token that nobody can make", "one of the user's name and little else")
    if len(tokens) > 1:
        varying = [letters for letters in zip(*tokens, strict=False) if len(set(letters)) > 1]
        # A letter of the usual 64 holds six bits at most; 128 bits then take 22 letters that vary.
        longest = len(varying) + max(map(len, tokens)) - min(map(len, tokens))
        answers[-1].require(longest >= 22, "tokens that vary in 22 letters or more", f"{longest} varying letters")


@rule(
    MUST,
    "RFC 6749 3.2",
    PROFILE,
    applies=renewal,
    catches="empty-refresh-token-accepted",
    safety=CONSUME,
    look="How a parameter without a value is read: as absent; look for 'in form' where the value is meant,"
    " and for lookups of an empty token.",
)
def tok_empty_param(api: Api, grant: GrantType) -> None:
    """A parameter without a value counts as absent: an empty refresh_token gives no token."""
    draft = api.token_request(grant)
    api.each((draft.setting("refresh_token", ""), draft.omitting("refresh_token")), Answer.no_token)


@rule(
    MUST,
    "RFC 6749 4.4.2",
    "RFC 6749 B",
    applies=unattended_grants,
    catches="body-sniffed",
    safety=ISSUE,
    look="How the body is read: by its Content-Type alone; no trying of JSON, then a form, whatever the label says.",
)
def tok_dialect(api: Api, grant: GrantType) -> None:
    """A body that is not what its label says gives no token, nor does one without a label."""
    valid = api.token_request(grant)
    form, json = "application/x-www-form-urlencoded", "application/json"
    other = "json" if valid.encoding == "form" else "form"
    label = form if valid.encoding == "form" else json
    api.send(valid.encoded(other).labelled(label)).no_token()
    plain = api.send(valid.labelled("text/plain"))
    if valid.encoding == "form":
        plain.no_token()
    else:
        plain.advise_no_token("no token for a body that is not labelled application/json")
    # A server may take more encodings than it documents, as long as the label is true.
    api.send(valid.encoded(other)).advise_no_token("no token for an encoding that is not documented")
