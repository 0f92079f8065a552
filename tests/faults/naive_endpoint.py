"""Naive assertions about the token endpoint's errors and clients, and about how any answer is written and sent."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from pytest_apiauth.embedded.loopback import serve

from .naive import WORKSPACES, Visitor, naive

ERRORS = ("err-shape", "err-unsupported-grant", "err-missing-param", "err-invalid-grant", "leak-enum", "tok-dialect")
CLIENTS = ("tok-wrong-secret", "tok-client-auth-needed", "tok-nothing-in-url", "tok-client-mixed", "basic-secret-exact")
SCOPES = ("err-invalid-scope", "tok-scope-reported", "ref-scope-widen")
JSON = ("tok-200-json", "tok-members", "err-shape", "zone-identity", "leak-enum-client", "md-consistent")
FIELDS = ("tok-no-store", "res-not-shared-cacheable", "res-no-cookie-carry", "hdr-unrelated-inert", "cors-preflight")
WAYS = ("res-no-cred-401", "res-no-connection-carry", "res-http-versions", "hdr-duplicate-credential", "tok-members")
UNKNOWN = {"grant_type": "urn:example:unknown"}


# Errors.


@naive("invalid-client-400", "digishare", (*CLIENTS, "tok-401-challenge"))
def a_bad_client_is_401(visitor: Visitor) -> None:
    """A wrong secret is 401."""
    assert visitor.ask("client_credentials", client_secret="wrong").status == 401


@naive("invalid-grant-401", "jindexe", ERRORS)
def a_bad_password_is_400(visitor: Visitor) -> None:
    """A wrong password is 400."""
    assert visitor.ask("password", password="wrong").status == 400


@naive("error-description-absent", "dastra", ERRORS)
def errors_are_described(visitor: Visitor) -> None:
    """An error has a description."""
    assert b"error_description" in visitor.ask("client_credentials", scope=None).body


@naive("error-uri", "dastra", ERRORS)
def errors_have_two_members(visitor: Visitor) -> None:
    """An error has a code and a description and nothing else."""
    error = visitor.ask("client_credentials", scope=None).json()
    assert isinstance(error, dict)
    assert set(error) == {"error", "error_description"}


@naive("grant-before-client", "dastra", (*ERRORS, "err-precedence"))
def the_client_is_looked_at_first(visitor: Visitor) -> None:
    """Without a client even an unknown grant is 401."""
    assert visitor.send(UNKNOWN, {}).status == 401


@naive("missing-grant-unsupported", "dastra", ERRORS)
def a_missing_grant_is_malformed(visitor: Visitor) -> None:
    """A request without a grant type is invalid_request."""
    assert b"invalid_request" in visitor.send({"scope": "api1"}).body


@naive("get-token-404", "dastra", ("tok-get-refused",))
def get_is_not_allowed(visitor: Visitor) -> None:
    """GET is 405."""
    assert visitor.send("", method="GET").status == 405


@naive("wrong-type-415", "dastra", (*ERRORS, "tok-charset-inert"))
def another_type_is_400(visitor: Visitor) -> None:
    """A JSON body is 400 where a form is wanted."""
    assert visitor.send("{}", content_type="application/json").status == 400


@naive("errors-as-asked", "dastra", ERRORS)
def errors_are_always_json(visitor: Visitor) -> None:
    """An error is JSON, whatever is accepted."""
    answer = visitor.send(UNKNOWN, {**visitor.headers(), "Accept": "text/html"})
    assert answer.media_type == "application/json"


@naive("gateway-refuses-key", "jindexe", ("zone-token-route", "zone-swap", *ERRORS))
def every_error_has_a_code(visitor: Visitor) -> None:
    """Every error of the token endpoint has an error code."""
    error = visitor.send(visitor.parameters("password"), {}).json()
    assert isinstance(error, dict)
    assert "error" in error


@naive("unknown-scope-ignored", "dastra", SCOPES)
def an_unknown_scope_is_refused(visitor: Visitor) -> None:
    """An unknown scope is 400."""
    assert visitor.ask("client_credentials", scope="api1 unknown").status == 400


@naive("empty-scope-refused", "reference", SCOPES)
def an_empty_scope_is_none(visitor: Visitor) -> None:
    """An empty scope is as good as none."""
    assert visitor.ask("password", scope="").status == 200


@naive("repeated-parameter-first-counts", "dastra", ("err-duplicate-param",), warns="err-duplicate-param")
def a_repetition_is_refused(visitor: Visitor) -> None:
    """A parameter that comes twice is 400."""
    assert visitor.send("grant_type=client_credentials&scope=api1&scope=api1").status == 400


@naive("error-repeats-scope", "dastra", (*SCOPES, "ref-scope-narrow"))
def a_scope_is_what_is_granted(visitor: Visitor) -> None:
    """What an answer calls the scope is granted."""
    assert b"no-such-scope" not in visitor.ask("client_credentials", scope="api1 no-such-scope").body


# Clients.


@naive("basic-base64-lenient", "dastra", ("basic-malformed", "basic-utf8", *CLIENTS))
def base64_is_strict(visitor: Visitor) -> None:
    """A letter that is none of base64's spoils the credentials."""
    line = visitor.basic().replace("Basic ", "Basic !")
    assert visitor.send(visitor.parameters("client_credentials"), {"Authorization": line}).status == 401


@naive("basic-either-encoding", "dastra", ("basic-form-encoding", "basic-colon-split", *CLIENTS))
def secrets_are_form_encoded(visitor: Visitor) -> None:
    """A secret that is not form-encoded is another secret."""
    line = visitor.basic("special")
    visitor.profile = visitor.profile.replaced(token={"basic_encoding": "raw", "client_auth": "client_secret_basic"})
    raw = visitor.basic("special")
    assert raw != line
    assert visitor.send("grant_type=client_credentials&scope=api1", {"Authorization": raw}).status == 401


@naive("client-by-post-too", "reference", CLIENTS)
def clients_use_basic(visitor: Visitor) -> None:
    """A client without Basic is 401."""
    client_id, secret = visitor.client()
    assert visitor.ask("client_credentials", None, client_id=client_id, client_secret=secret).status == 401


@naive("header-beats-body", "dastra", ("tok-two-auth-methods", *CLIENTS), warns="tok-two-auth-methods")
def one_method_at_a_time(visitor: Visitor) -> None:
    """A client that authenticates twice is 400."""
    assert visitor.ask("client_credentials", client_secret=visitor.client()[1]).status == 400


@naive("surplus-basic-refused", "jindexe", ("zone-surplus-ok", "zone-token-route", *ERRORS))
def basic_does_no_harm(visitor: Visitor) -> None:
    """Basic credentials change nothing where clients have none."""
    lines = {**visitor.headers(), "Authorization": "Basic eDp5"}
    assert visitor.send(visitor.parameters("password"), lines).status == 200


# How JSON is written.


@naive("json-charset", "dastra", JSON)
def the_type_has_no_parameters(visitor: Visitor) -> None:
    """The type is application/json and nothing else."""
    assert visitor.ask("client_credentials").header("content-type") == "application/json"


@naive("json-type-in-capitals", "dastra", JSON)
def the_type_is_written_small(visitor: Visitor) -> None:
    """The type begins with application/json."""
    assert (visitor.ask("client_credentials").header("content-type") or "").startswith("application/json")


@naive("json-pretty", "dastra", JSON)
def json_has_no_line_breaks(visitor: Visitor) -> None:
    """The answer begins with the token."""
    assert visitor.ask("client_credentials").body.startswith(b'{"access_token"')


@naive("json-compact", "dastra", JSON)
def json_has_blanks(visitor: Visitor) -> None:
    """The answer says that the type is Bearer."""
    assert b'"token_type": "Bearer"' in visitor.ask("client_credentials").body


@naive("json-escaped", "dastra", JSON)
def json_is_not_escaped(visitor: Visitor) -> None:
    """The answer has the word Bearer in it."""
    assert b"Bearer" in visitor.ask("client_credentials").body


# Header fields.


@naive("cache-control-several", "dastra", FIELDS)
def no_store_stands_alone(visitor: Visitor) -> None:
    """Cache-Control is no-store."""
    assert visitor.ask("client_credentials").header("cache-control") == "no-store"


@naive("cache-control-in-capitals", "dastra", FIELDS)
def no_store_is_written_small(visitor: Visitor) -> None:
    """Cache-Control has no-store in it."""
    assert "no-store" in (visitor.ask("client_credentials").header("cache-control") or "")


@naive("cache-control-two-lines", "dastra", FIELDS)
def the_first_line_says_it_all(visitor: Visitor) -> None:
    """The Cache-Control line has no-store in it."""
    first = visitor.ask("client_credentials").header_lines("cache-control")[:1]
    assert "no-store" in first


@naive("pragma-absent", "dastra", FIELDS)
def pragma_is_there(visitor: Visitor) -> None:
    """Pragma is no-cache."""
    assert visitor.ask("client_credentials").header("pragma") == "no-cache"


@naive("errors-without-no-store", "dastra", (*FIELDS, *ERRORS))
def errors_are_not_stored(visitor: Visitor) -> None:
    """An error says no-store too."""
    assert visitor.send(UNKNOWN).header("cache-control") == "no-store"


@naive("limits-told", "dastra", (*FIELDS, "res-garbage-token"))
def who_must_wait_is_limited(visitor: Visitor) -> None:
    """Retry-After is for those who are limited."""
    assert visitor.get(WORKSPACES, token=visitor.access()).header("retry-after") is None


@naive("cookies-set", "dastra", FIELDS)
def an_api_sets_no_cookies(visitor: Visitor) -> None:
    """No answer sets a cookie."""
    assert visitor.get(WORKSPACES, token=visitor.access()).header("set-cookie") is None


@naive("vary", "reference", FIELDS)
def answers_vary_by_origin(visitor: Visitor) -> None:
    """Answers vary by origin alone."""
    answer = visitor.visit("/open/status", ("Origin", "https://app.reference.example"))
    assert answer.header_lines("vary") == ["Origin"]


@naive("request-ids", "dastra", (*FIELDS, "leak-refusal-uniform", "leak-enum"))
def answers_are_equal(visitor: Visitor) -> None:
    """The same request has the same answer."""
    assert visitor.get(WORKSPACES).headers == visitor.get(WORKSPACES).headers


@naive("entity-tags", "dastra", FIELDS)
def success_is_200(visitor: Visitor) -> None:
    """A cached answer is asked for in vain."""
    token = visitor.access()
    tag = visitor.get(WORKSPACES, token=token).header("etag") or '"none"'
    assert visitor.get(WORKSPACES, token=token, lines=(("If-None-Match", tag),)).status == 200


# The way of an answer.


@contextmanager
def answered(visitor: Visitor) -> Iterator[tuple[http.client.HTTPConnection, http.client.HTTPResponse]]:
    """Ask for a route over a socket, and read the answer to its end."""
    with serve(visitor.server) as url:
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
        try:
            connection.request("GET", WORKSPACES, headers={"Authorization": f"Bearer {visitor.access()}"})
            answer = connection.getresponse()
            assert answer.status == 200
            assert b"items" in answer.read()
            yield connection, answer
        finally:
            connection.close()


@naive("gzip", "dastra", (*JSON, *FIELDS, *WAYS))
def bodies_are_text(visitor: Visitor) -> None:
    """The bytes of an answer are JSON."""
    assert visitor.ask("client_credentials").body.startswith(b"{")


@naive("chunked", "dastra", WAYS)
def the_length_is_told(visitor: Visitor) -> None:
    """An answer tells its length."""
    with answered(visitor) as (_, answer):
        assert answer.getheader("content-length")


@naive("connection-close", "dastra", WAYS)
def connections_are_kept(visitor: Visitor) -> None:
    """A connection takes a second request."""
    with answered(visitor) as (connection, _):
        assert connection.sock is not None


@naive("http-1-0", "dastra", WAYS)
def answers_are_of_http_1_1(visitor: Visitor) -> None:
    """An answer is of HTTP/1.1."""
    with answered(visitor) as (_, answer):
        assert answer.version == 11
