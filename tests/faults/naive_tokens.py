"""Naive assertions about tokens: what they look like, the answers they come in, and what becomes of them."""

from __future__ import annotations

import json
import re
import string

from tests.embedded.caller import redirected
from tests.embedded.test_possession import Client

from .naive import WORKSPACES, Visitor, naive

REFRESHED = ("ref-members", "ref-expires-in", "ref-no-store")
ANSWERS = (
    "tok-200-json",
    "tok-members",
    "tok-expires-in",
    "tok-expires-doc",
    "tok-scope-reported",
    "ref-success",
    *REFRESHED,
)
SHAPES = ("tok-alphabet", "tok-entropy", "res-mutated-token", "res-token-case", "res-token-wildcard", "ref-not-access")
REFRESH = (
    "ref-success",
    "ref-rotation",
    "ref-client-bound",
    "acc-not-refresh",
    "ref-reuse-kills-family",
    "ref-ancestor-dead",
)
ISOLATED = (
    "ref-family-isolation",
    "life-cycle",
    "life-isolation",
    "exp-monotone",
    "exp-boundary",
    "rev-effective",
    "int-agrees",
)
CODES = ("code-single-use", "code-reuse-revokes", "code-bound", "pkce-verifier", "az-state-echo")


POSSESSION = ("dpop-key", "dpop-request", "dpop-token", "dpop-signed", "dpop-time", "dpop-once", "dpop-token-request")


# What comes with a request.


@naive("dpop-nonce", "dpop", POSSESSION)
def a_proof_is_enough(visitor: Visitor) -> None:
    """A good proof of the right key gives a token, whatever the server has said before."""
    assert Client(visitor.server).asked()[0] == 200


# Members of the answer.


@naive("expires-in-absent", "dastra", ANSWERS, warns="tok-expires-in ref-expires-in")
def the_lifetime_is_told(visitor: Visitor) -> None:
    """There is a lifetime."""
    assert "expires_in" in visitor.token("authorization_code")


@naive("extra-members", "dastra", ANSWERS)
def members_are_plain(visitor: Visitor) -> None:
    """Every member is text or a number."""
    assert all(isinstance(value, str | int) for value in visitor.token().values())


@naive("created-at", "dastra", ANSWERS)
def the_only_number_is_the_lifetime(visitor: Visitor) -> None:
    """The number in the answer is the lifetime."""
    assert [value for value in visitor.token().values() if isinstance(value, int)] == [3600]


@naive("id-token", "dastra", ANSWERS)
def the_first_token_is_it(visitor: Visitor) -> None:
    """What is called a token is the access token."""
    body = visitor.ask("client_credentials").body.decode()
    token = re.search(r'token": "([^"]+)"', body)
    assert token is not None
    assert visitor.get(WORKSPACES, token=token[1]).status == 200


@naive("members-reversed", "dastra", ANSWERS)
def the_token_comes_first(visitor: Visitor) -> None:
    """The answer begins with the token."""
    assert next(iter(visitor.token())) == "access_token"


@naive("scope-absent", "dastra", ANSWERS)
def the_scope_is_told(visitor: Visitor) -> None:
    """There is a scope."""
    assert "scope" in visitor.token("authorization_code")


@naive("scope-reversed", "dastra", ANSWERS)
def the_scope_is_as_asked(visitor: Visitor) -> None:
    """The scope is the text that was asked for."""
    assert visitor.token("authorization_code")["scope"] == "api1 offline_access"


@naive("token-type-lower-case", "dastra", (*ANSWERS, "res-challenge-content"))
def the_type_is_bearer(visitor: Visitor) -> None:
    """The type is Bearer."""
    assert visitor.token()["token_type"] == "Bearer"


@naive("token-type-in-capitals", "jindexe", ANSWERS)
def the_type_is_one_of_two(visitor: Visitor) -> None:
    """The type is Bearer or bearer."""
    assert visitor.token()["token_type"] in ("Bearer", "bearer")


@naive("metadata-extra-members", "reference", ("md-consistent",))
def metadata_are_texts_and_lists(visitor: Visitor) -> None:
    """The metadata are texts, lists and flags."""
    metadata = visitor.visit(visitor.profile.metadata_url or "").json()
    assert isinstance(metadata, dict)
    assert all(isinstance(value, str | list | bool) for value in metadata.values())


@naive("issuer-not-told", "silent", ("md-consistent", "az-state-echo"))
def the_issuer_is_told(visitor: Visitor) -> None:
    """An authorization response has an iss."""
    assert "iss" in redirected(visitor.authorize())


# Tokens.


@naive("jwt-tokens", "dastra", SHAPES)
def no_dots_in_tokens(visitor: Visitor) -> None:
    """A token is one word."""
    assert re.fullmatch(r"[\w-]+", visitor.access())


@naive("jwt-verified", "dastra", (*SHAPES, "res-jwt-forged", "res-jwt-own-key", "res-jwt-read-twice"))
def a_token_has_one_spelling(visitor: Visitor) -> None:
    """A token with its last letter changed is another token."""
    token = visitor.access()
    letters = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
    other = token[:-1] + letters[letters.index(token[-1]) ^ 1]
    assert visitor.get(WORKSPACES, token=other).status != 200


@naive("jwt-stray-letters", "dastra", (*SHAPES, "res-jwt-forged"), warns="res-jwt-forged")
def a_token_is_spelt_as_issued(visitor: Visitor) -> None:
    """A letter that base64url does not have spoils a token."""
    token = visitor.access()
    assert visitor.get(WORKSPACES, token=f"{token[:-4]}!{token[-4:]}").status != 200


@naive("jwt-in-json", "dastra", (*SHAPES, "res-jwt-forged", "res-jwt-read-twice"), warns="res-jwt-read-twice")
def a_token_is_in_compact_form(visitor: Visitor) -> None:
    """A token in JSON is none."""
    header, claims, signature = (visitor.access() + "..").split(".")[:3]
    token = json.dumps({"payload": claims, "protected": header, "signature": signature})
    assert visitor.get(WORKSPACES, token=token).status != 200


@naive("token-short", "dastra", SHAPES)
def tokens_have_32_characters(visitor: Visitor) -> None:
    """A token has 32 characters or more."""
    assert len(visitor.access()) >= 32


@naive("token-long", "dastra", SHAPES)
def tokens_fit_a_column(visitor: Visitor) -> None:
    """A token has less than 1024 characters."""
    assert len(visitor.access()) < 1024


@naive("token-uuid", "dastra", SHAPES)
def tokens_have_40_characters(visitor: Visitor) -> None:
    """A token has 40 characters or more."""
    assert len(visitor.access()) >= 40


@naive("token-hex", "dastra", SHAPES)
def small_letters_are_another_token(visitor: Visitor) -> None:
    """A token in small letters is another token."""
    assert visitor.get(WORKSPACES, token=visitor.access().lower()).status == 401


@naive("token-decimal", "dastra", SHAPES)
def swapped_case_is_another_token(visitor: Visitor) -> None:
    """A token with its case swapped is another token."""
    assert visitor.get(WORKSPACES, token=visitor.access().swapcase()).status == 401


@naive("token-padded", "dastra", (*SHAPES, "rev-effective", "int-agrees"))
def tokens_fit_a_url(visitor: Visitor) -> None:
    """A token needs no escaping in a URL."""
    assert re.fullmatch(r"[\w.~-]+", visitor.access())


@naive("token-padding-optional", "dastra", SHAPES)
def an_equals_sign_is_another_token(visitor: Visitor) -> None:
    """A token with a character more is another token."""
    assert visitor.get(WORKSPACES, token=f"{visitor.access()}=").status == 401


@naive("same-token", "dastra", ("tok-entropy", "exp-honest-countdown", "tok-expires-doc", "exp-boundary"))
def tokens_are_new(visitor: Visitor) -> None:
    """Two tokens differ."""
    assert visitor.access() != visitor.access()


@naive("leeway", "dastra", ("exp-boundary", "exp-monotone", "life-cycle"))
def the_end_is_the_end(visitor: Visitor) -> None:
    """A token is refused as soon as its lifetime is over."""
    token = visitor.access()
    visitor.server.clock.advance(3601)
    assert visitor.get(WORKSPACES, token=token).status == 401


@naive("slow", "dastra", ("exp-boundary", "tok-expires-doc", "life-cycle"))
def every_moment_counts(visitor: Visitor) -> None:
    """A token works up to the last moment of its lifetime."""
    token = visitor.access()
    visitor.server.clock.advance(3599.99)
    assert visitor.get(WORKSPACES, token=token).status == 200


@naive("short-lifetime", "silent", ("tok-lifetime-short", "exp-boundary", "tok-expires-in"))
def an_hour_is_usual(visitor: Visitor) -> None:
    """A token lives for an hour."""
    assert visitor.token()["expires_in"] >= 3600


# Refresh tokens and codes.


@naive("no-rotation", "silent", REFRESH)
def a_refresh_token_comes_back(visitor: Visitor) -> None:
    """A refresh answers a refresh token."""
    assert "refresh_token" in visitor.refreshed(visitor.token())


@naive("rotation", "dastra", REFRESH)
def the_refresh_token_stays(visitor: Visitor) -> None:
    """A refresh answers no other refresh token."""
    assert "refresh_token" not in visitor.refreshed(visitor.token("authorization_code"))


@naive("old-refresh-token-dies", "jindexe", REFRESH)
def a_refresh_token_is_used_twice(visitor: Visitor) -> None:
    """A refresh token may be used again."""
    first = visitor.token()
    visitor.refreshed(first)
    assert visitor.ask("refresh_token", refresh_token=first["refresh_token"]).status == 200


@naive("old-access-token-dies", "jindexe", (*REFRESH, "exp-monotone"))
def the_old_token_lives_on(visitor: Visitor) -> None:
    """A refresh leaves the access token before it alone."""
    first = visitor.token()
    visitor.refreshed(first)
    assert visitor.get("/user/me", token=first["access_token"], key=visitor.key()).status == 200


@naive("foreign-refresh-ends-token", "reference", REFRESH)
def a_refused_refresh_changes_nothing(visitor: Visitor) -> None:
    """A refresh token that another client tried in vain still works."""
    first = visitor.token()
    visitor.ask("refresh_token", "second", refresh_token=first["refresh_token"], scope=None)
    assert visitor.ask("refresh_token", refresh_token=first["refresh_token"], scope=None).status == 200


@naive("reuse-spares-family", "reference", REFRESH, warns="ref-reuse-kills-family")
def reuse_ends_everything(visitor: Visitor) -> None:
    """A spent refresh token ends the tokens that came of it."""
    first = visitor.token()
    second = visitor.refreshed(first)
    visitor.ask("refresh_token", refresh_token=first["refresh_token"], scope=None)
    assert visitor.get("/user/me", token=second["access_token"]).status == 401


@naive("replay-spares-tokens", "reference", CODES, warns="code-reuse-revokes")
def replay_ends_everything(visitor: Visitor) -> None:
    """A code that comes again ends the tokens that came of it."""
    code = visitor.code()
    token = visitor.token("authorization_code", **code)["access_token"]
    visitor.ask("authorization_code", **code)
    assert visitor.get("/user/me", token=token).status == 401


@naive("code-without-target", "dastra", CODES, warns="code-bound")
def the_target_is_repeated(visitor: Visitor) -> None:
    """A code is not redeemed without its redirect_uri."""
    assert visitor.ask("authorization_code", **{**visitor.code(), "redirect_uri": None}).status == 400


@naive("target-mapped", "target", ("target-unknown", "target-malformed", "target-bound"))
def a_resource_is_the_known_one_to_the_letter(visitor: Visitor) -> None:
    """A resource below the known one is another."""
    assert "error" in redirected(visitor.authorize(resource="https://api.target.example/items"))


@naive(
    "errors-in-fragment", "reference", (*CODES, "az-response-type", "az-params", "md-consistent"), warns="az-state-echo"
)
def errors_stand_in_the_query(visitor: Visitor) -> None:
    """An error comes back in the query."""
    assert "error" in redirected(visitor.authorize(response_type="unknown"))


@naive("other-grants-forbidden", "dastra", (*REFRESH, *ISOLATED))
def any_token_opens_a_zone(visitor: Visitor) -> None:
    """A token is a token, whatever grant it is of."""
    assert visitor.get(WORKSPACES, token=visitor.access("authorization_code")).status == 200


@naive("proof-key-for-all", "reference", CODES)
def proof_keys_are_optional(visitor: Visitor) -> None:
    """A client with a secret needs no proof key."""
    assert "code" in redirected(visitor.authorize(code_challenge=None, code_challenge_method=None))
