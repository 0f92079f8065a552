"""Naive assertions about resources: refusals, challenges, methods and paths."""

from __future__ import annotations

import base64
import re

from .naive import BAD, WORKSPACES, Visitor, naive

CHALLENGES = ("res-401-challenge", "res-challenge-content", "tok-401-challenge", "basic-challenge-realm")
REFUSALS = ("res-no-cred-401", "res-401-challenge", "res-garbage-token", "key-missing", "leak-refusal-uniform")
METHODS = ("res-no-cred-401", "res-all-methods", "res-path-variants", "key-bound")
CONTENT = "res-challenge-content"


def bad_token(visitor: Visitor) -> str:
    """Give the first challenge to a token that is not known."""
    return visitor.get(WORKSPACES, token=BAD).header("www-authenticate") or ""


def nothing(visitor: Visitor) -> str:
    """Give the first challenge to a request without credentials."""
    return visitor.get(WORKSPACES).header("www-authenticate") or ""


# Challenges.


@naive("no-challenge-params", "dastra", CHALLENGES, warns=CONTENT)
def error_is_named(visitor: Visitor) -> None:
    """A bad token is called invalid_token."""
    assert "invalid_token" in bad_token(visitor)


@naive("challenges-in-one-line", "jindexe", CHALLENGES)
def a_line_is_about_bearer(visitor: Visitor) -> None:
    """Some line begins with Bearer."""
    lines = visitor.get("/user/me").header_lines("www-authenticate")
    assert any(line.startswith("Bearer ") for line in lines)


@naive("another-challenge-first", "dastra", CHALLENGES)
def the_challenge_is_bearer(visitor: Visitor) -> None:
    """The header begins with Bearer."""
    assert nothing(visitor).startswith("Bearer")


@naive("challenges-in-reverse", "jindexe", CHALLENGES)
def the_key_comes_first(visitor: Visitor) -> None:
    """The key is asked for before the token."""
    assert (visitor.get("/user/me").header("www-authenticate") or "").startswith("ApiKey")


@naive("challenge-token68", "dastra", CHALLENGES)
def the_rest_is_parameters(visitor: Visitor) -> None:
    """Behind the first word stand parameters."""
    rest = nothing(visitor).partition(" ")[2]
    assert "realm" in dict(part.split("=", 1) for part in rest.split(", "))


@naive("challenge-extra-parameters", "dastra", CHALLENGES)
def the_realm_is_alone(visitor: Visitor) -> None:
    """Without credentials there is nothing but a realm."""
    assert nothing(visitor).count("=") == 1


@naive("challenge-realm-quoted", "dastra", CHALLENGES)
def commas_part_parameters(visitor: Visitor) -> None:
    """Parameters are what stands between commas."""
    assert all("=" in part for part in bad_token(visitor).split(", "))


@naive("challenge-error-unquoted", "dastra", CHALLENGES)
def the_error_is_quoted(visitor: Visitor) -> None:
    """The error code stands in quotes."""
    assert re.search(r'error="([^"]+)"', bad_token(visitor))


@naive("challenge-names-in-capitals", "dastra", CHALLENGES)
def the_realm_is_written_small(visitor: Visitor) -> None:
    """There is a realm."""
    assert 'realm="' in bad_token(visitor)


@naive("scheme-in-capitals", "dastra", CHALLENGES)
def the_scheme_is_bearer(visitor: Visitor) -> None:
    """The scheme is Bearer."""
    assert "Bearer " in bad_token(visitor)


@naive("key-scheme-named-otherwise", "jindexe", CHALLENGES)
def the_scheme_is_api_key(visitor: Visitor) -> None:
    """The scheme of keys is ApiKey."""
    assert "ApiKey" in str(visitor.get("/public/cards").headers)


@naive("challenge-on-403", "reference", ("key-bound", *CHALLENGES))
def no_challenge_when_forbidden(visitor: Visitor) -> None:
    """Only a 401 has a challenge."""
    answer = visitor.get("/keyed/items/1", key=visitor.key("second"))
    assert (answer.status, answer.header("www-authenticate")) == (403, None)


@naive("challenge-on-200", "jindexe", ("zone-open", "zone-surplus-ok", *CHALLENGES))
def no_challenge_on_success(visitor: Visitor) -> None:
    """A success has no challenge."""
    assert visitor.get("/ext/status").header("www-authenticate") is None


# Refusals.


@naive("403-refusal", "dastra", REFUSALS, warns=CONTENT)
def refused_with_401(visitor: Visitor) -> None:
    """A bad token is 401."""
    assert visitor.get(WORKSPACES, token=BAD).status == 401


@naive("400-refusal", "digishare", REFUSALS, warns=CONTENT)
def refused_with_401_or_403(visitor: Visitor) -> None:
    """A bad token is 401 or 403."""
    assert visitor.get("/campaigns", token=BAD).status in (401, 403)


@naive("403-without-challenge", "jindexe", REFUSALS)
def a_bad_key_is_challenged(visitor: Visitor) -> None:
    """A bad key is answered with a challenge."""
    assert visitor.get("/public/cards", key=BAD).header("www-authenticate")


@naive("403-scope-bare", "scoped", (*REFUSALS, "res-insufficient-scope"))
def a_lacking_scope_is_named(visitor: Visitor) -> None:
    """A 403 says which scope it takes."""
    refused = visitor.get("/edit/items", token=visitor.access("password"))
    assert 'scope="read write"' in (refused.header("www-authenticate") or "")


@naive("refusal-empty", "dastra", REFUSALS)
def a_refusal_says_something(visitor: Visitor) -> None:
    """A refusal has a body."""
    assert visitor.get(WORKSPACES).body


@naive("refusal-page", "dastra", REFUSALS)
def no_page_from_an_api(visitor: Visitor) -> None:
    """An API answers no HTML."""
    assert b"<html" not in visitor.get(WORKSPACES).body


@naive("refusal-problem", "dastra", REFUSALS)
def a_refusal_is_json(visitor: Visitor) -> None:
    """A refusal is application/json."""
    assert visitor.get(WORKSPACES).media_type == "application/json"


@naive("refusal-text", "dastra", REFUSALS)
def a_refusal_can_be_parsed(visitor: Visitor) -> None:
    """A refusal is an object."""
    assert isinstance(visitor.get(WORKSPACES).json(), dict)


@naive("refusal-message", "dastra", REFUSALS)
def a_refusal_has_an_error(visitor: Visitor) -> None:
    """A refusal names an error."""
    body = visitor.get(WORKSPACES).json()
    assert isinstance(body, dict)
    assert "error" in body


@naive("refusal-numbered", "dastra", REFUSALS)
def refusals_are_equal(visitor: Visitor) -> None:
    """Two bad tokens are answered with the same bytes."""
    assert visitor.get(WORKSPACES, token=BAD).body == visitor.get(WORKSPACES, token=BAD * 2).body


# Paths and methods.


@naive("unknown-path-404-first", "dastra", METHODS)
def every_path_is_guarded(visitor: Visitor) -> None:
    """Without a token nobody learns which routes there are."""
    assert visitor.get("/v1/no-such-route").status == 401


@naive("wrong-method-405-first", "dastra", METHODS)
def every_method_is_guarded(visitor: Visitor) -> None:
    """Without a token nobody learns which methods there are."""
    assert visitor.get(WORKSPACES, method="POST").status == 401


@naive("no-head", "dastra", METHODS)
def head_is_like_get(visitor: Visitor) -> None:
    """Where there is GET there is HEAD."""
    assert visitor.get(WORKSPACES, token=visitor.access(), method="HEAD").status == 200


@naive("options-open", "dastra", ("cors-preflight", *METHODS))
def options_is_guarded(visitor: Visitor) -> None:
    """OPTIONS needs a token as well."""
    assert visitor.get(WORKSPACES, method="OPTIONS").status == 401


@naive("slash-redirects", "dastra", ("tls-no-cross-redirect", *METHODS))
def a_slash_means_nothing(visitor: Visitor) -> None:
    """A slash at the end changes nothing."""
    assert visitor.get(f"{WORKSPACES}/", token=visitor.access()).status == 200


# Habits.


@naive("one-blank-only", "dastra", ("hdr-scheme-case", "res-malformed-header", "invalid-never-5xx"))
def blanks_are_blanks(visitor: Visitor) -> None:
    """Two blanks are as good as one."""
    assert visitor.get(WORKSPACES, authorization=f"Bearer  {visitor.access()}").status == 200


@naive("token-and-more", "dastra", ("res-malformed-header", *REFUSALS), warns="res-malformed-header")
def nothing_stands_behind_a_token(visitor: Visitor) -> None:
    """A token with a word behind it is malformed."""
    assert visitor.get(WORKSPACES, authorization=f"Bearer {visitor.access()} x").status != 200


@naive(
    "basic-any-scheme",
    "reference",
    ("res-malformed-header", "res-basic-exact", "res-basic-pair"),
    warns="res-malformed-header",
)
def a_pair_stands_behind_basic(visitor: Visitor) -> None:
    """A name and a password count behind Basic alone."""
    name, password = visitor.user()
    pair = base64.b64encode(f"{name}:{password}".encode()).decode()
    assert visitor.get("/basic/items", authorization=f"Digest {pair}").status != 200


@naive("first-line-counts", "dastra", ("hdr-duplicate-credential",))
def two_lines_are_malformed(visitor: Visitor) -> None:
    """Two Authorization lines are 400."""
    assert visitor.get(WORKSPACES, token=visitor.access(), authorization=f"Bearer {BAD}").status == 400


@naive("query-token-refused", "dastra", ("tok-in-url-refused", "tok-two-places", "hdr-unrelated-inert"))
def the_query_is_ignored(visitor: Visitor) -> None:
    """A token in the query is not even read."""
    assert visitor.get(f"{WORKSPACES}?access_token={BAD}", token=visitor.access()).status == 200


@naive("bad-token-at-open-door", "reference", ("zone-open", "zone-surplus-ok", "zone-monotone"), "zone-surplus-bad")
def open_is_open(visitor: Visitor) -> None:
    """An open route serves everybody."""
    assert visitor.get("/open/status", token=BAD).status == 200
