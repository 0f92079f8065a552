"""What is read out of OpenAPI and Swagger documents."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from pytest_apiauth import discover
from pytest_apiauth.discover.writing import APP, MARK
from pytest_apiauth.profile import loading
from pytest_apiauth.profile.kinds import Place
from pytest_apiauth.profile.model import Profile

OAUTH = {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "token", "scopes": {}}}}
KEY = {"type": "apiKey", "in": "header", "name": "X-Key"}
SCHEMES = {
    "oauth": OAUTH,
    "key": KEY,
    "basic": {"type": "http", "scheme": "Basic"},
    "form": {"type": "apiKey", "in": "form", "name": "key"},
    "digest": {"type": "http", "scheme": "digest"},
}


def get(*security: dict[str, list[str]], **more: Any) -> dict[str, Any]:
    """Give a path item with a GET that has these requirements."""
    return {"get": {"responses": {"200": {"description": "ok"}}, "security": list(security), **more}}


def needing(*names: str) -> dict[str, list[str]]:
    """Give one requirement: all of these schemes."""
    return {name: [] for name in names}


def openapi(paths: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Give a document."""
    servers = [{"url": "https://api.shop.example/v1"}]
    return {
        "openapi": "3.0.3", "info": {"title": "Shop"}, "servers": servers, "paths": paths,
        "components": {"securitySchemes": SCHEMES}, **more,
    }  # fmt: skip


def text_of(folder: Path, document: dict[str, Any], *, force: bool = True) -> str:
    """Give the profile that is written from a document."""
    source, output = folder / "shop.json", folder / "shop.apiauth.toml"
    source.write_text(json.dumps(document), encoding="utf-8")
    list(discover.init(str(source), str(output), force=force))
    return output.read_text(encoding="utf-8")


def profile_of(folder: Path, document: dict[str, Any]) -> Profile:
    """Give the profile that is written from a document, as loading reads it."""
    text_of(folder, document)
    return loading.load(folder / "shop.apiauth.toml")


def marks(text: str) -> list[str]:
    """Give what a person is asked to check, each in one line."""
    joined = text.replace(f"\n{MARK}", "\n\n").replace("\n# ", " ").replace("\n\n", f"\n{MARK}")
    return [line.removeprefix(MARK) for line in joined.splitlines() if line.startswith(MARK)]


@pytest.mark.parametrize(
    ("security", "needs"),
    [
        ([needing("oauth")], (("bearer",),)),
        ([needing("key")], (("api_key",),)),
        ([needing("basic")], (("basic",),)),
        ([needing("oauth", "key")], (("api_key", "bearer"),)),
        ([needing("oauth"), needing("key")], (("bearer",), ("api_key",))),
        ([needing("oauth"), needing("oauth", "key")], (("bearer",),)),
        ([needing("form"), needing("key")], (("api_key",),)),
        ([needing(), needing("key")], ()),
        ([], ()),
    ],
    ids=["bearer", "key", "basic", "both", "either", "absorbed", "one that cannot be held", "optional", "none"],
)
def test_needs(tmp_path: Path, security: list[dict[str, list[str]]], needs: tuple[tuple[str, ...], ...]) -> None:
    """Security requirements become needs: all of one, any of several, nothing where one is empty."""
    other = get(needing("key", "oauth"))
    profile = profile_of(tmp_path, openapi({"/a": get(*security), "/b": other}))

    zone = profile.zone_at("/v1/a")

    assert zone is not None
    assert needs == zone.needs


@pytest.mark.parametrize(
    "security", [[needing("form")], [needing("digest")], [needing("oauth", "basic")], [needing("nobody")]]
)
def test_what_a_profile_cannot_hold_is_no_zone(tmp_path: Path, security: list[dict[str, list[str]]]) -> None:
    """A route that needs something else is in no zone, and a comment says what it needs."""
    document = openapi({"/a/odd": get(*security), **{f"/a/{name}": get(needing("key")) for name in "xyz"}})

    profile = profile_of(tmp_path, document)

    assert profile.zone_at("/v1/a/odd") is None
    assert profile.zones["a-x"].needs == (("api_key",),)
    assert any("/a/odd" in line for line in marks(text_of(tmp_path, document)))


def test_a_certificate_beside_a_credential_is_presented_with_it(tmp_path: Path) -> None:
    """A route that needs both is a zone that needs the credential, and the profile has a place for the certificate."""
    schemes = {**SCHEMES, "mtls": {"type": "mutualTLS"}}
    paths = {"/both": get(needing("mtls", "oauth")), "/alone": get(needing("mtls"))}
    document = openapi(paths, components={"securitySchemes": schemes})
    profile, text = profile_of(tmp_path, document), text_of(tmp_path, document)

    (zone,) = profile.zones.values()
    assert (zone.path, zone.needs) == ("/both", (("bearer",),))
    assert profile.credentials.certificate is not None
    assert any("(mutual TLS) as all that a route needs" in mark for mark in marks(text))


def test_default_security_and_its_override(tmp_path: Path) -> None:
    """What stands at the top holds for every operation that says nothing itself; an empty list opens one."""
    paths = {"/a": {"get": {"responses": {}}}, "/open": get()}
    profile = profile_of(tmp_path, openapi(paths, security=[needing("key")]))

    assert {zone.path: zone.needs for zone in profile.zones.values()} == {"/a": (("api_key",),), "/open": ()}


def test_get_decides(tmp_path: Path) -> None:
    """A zone says what GET needs; that another method needs something else is told."""
    paths = {"/a": {**get(), "post": {"security": [needing("key")], "responses": {}}}, "/b": get(needing("oauth"))}
    document = openapi(paths)

    assert profile_of(tmp_path, document).zones["a"].needs == ()
    assert "POST /a needs api_key; this is what GET needs" in marks(text_of(tmp_path, document))


@pytest.mark.parametrize(
    ("path", "more"),
    [
        ("/a/{id}", {}),
        ("/logout", {}),
        ("/user/logOut", {}),
        ("/reports/export", {}),
        ("/a", {"parameters": [{"name": "q", "in": "query", "required": True}]}),
        ("/a", {"parameters": [{"$ref": "#/components/parameters/q"}]}),
        ("/a", {"responses": {"200": {"content": {"text/event-stream": {}}}}}),
        ("/a", {"responses": {"200": {"$ref": "#/components/responses/stream"}}}),
    ],
)
def test_unsafe_get_is_no_probe(tmp_path: Path, path: str, more: dict[str, Any]) -> None:
    """A GET that takes a parameter, may end a session or never ends is not called."""
    document = openapi({path: get(needing("key"), **more)})
    document["components"] |= {
        "parameters": {"q": {"name": "q", "in": "query", "required": True}},
        "responses": {"stream": {"content": {"text/event-stream": {}}}},
    }

    (zone,) = profile_of(tmp_path, document).zones.values()

    assert zone.probe == ()
    assert zone.needs == (("api_key",),)


def test_probes_are_few_and_far_apart(tmp_path: Path) -> None:
    """Of many safe routes three are taken, of different folders, the shortest first."""
    names = ("/a/one/deep", "/a/one", "/a/two", "/b/one", "/c/one", "/d/one")
    zone = profile_of(tmp_path, openapi({name: get(needing("key")) for name in names})).zones["api"]

    assert zone.probe == ("/a/one", "/b/one", "/c/one")


@pytest.mark.parametrize(
    ("url", "token_url", "endpoint"),
    [
        ("token", "/token", "https://api.shop.example/v1/token"),
        ("/v1/token", "/token", "https://api.shop.example/v1/token"),
        ("/token", "https://api.shop.example/token", "https://api.shop.example/token"),
        ("https://api.shop.example/v1/token", "/token", "https://api.shop.example/v1/token"),
        ("https://api.shop.example/v10/token", None, "https://api.shop.example/v10/token"),
        ("https://id.shop.example/token", None, "https://id.shop.example/token"),
        ("http://id.shop.example/token", "https://id.shop.example/token", "https://id.shop.example/token"),
        ("http://127.0.0.1:8000/token", None, "http://127.0.0.1:8000/token"),
    ],
)
def test_token_url(tmp_path: Path, url: str, token_url: str | None, endpoint: str) -> None:
    """A relative URL is resolved against the server, one of the same server is written relative, none is in clear."""
    flows = {"clientCredentials": {"tokenUrl": url, "scopes": {}}}
    document = openapi({"/a": get(needing("oauth"))})
    document["components"]["securitySchemes"] = {**SCHEMES, "oauth": {"type": "oauth2", "flows": flows}}

    profile = profile_of(tmp_path, document)

    assert (token_url or url) == profile.token_url
    assert endpoint == profile.token_endpoint


@pytest.mark.parametrize(
    ("servers", "api_url", "path"),
    [
        ([{"url": "https://x.example/v2/"}], "https://x.example/v2", "/a"),
        ([{"url": "http://x.example"}], "https://x.example", "/a"),
        ([{"url": "https://{r}.x.example", "variables": {"r": {"default": "eu"}}}], "https://eu.x.example", "/a"),
        ([{"url": "/api"}], None, "/api/a"),
        ([{"url": "https://{unknown}.x.example"}], None, "/a"),
        ([], None, "/a"),
    ],
)
def test_server(tmp_path: Path, servers: list[dict[str, Any]], api_url: str | None, path: str) -> None:
    """The first server is the API's URL; where the host is unknown, its path is part of every path."""
    text = text_of(tmp_path, openapi({"/a": get(needing("key"))}, servers=servers))
    table = tomllib.loads(text)

    assert (api_url or {"env": "SHOP_URL"}) == table["api_url"]
    assert [path] == [zone["path"] for zone in table["zones"].values()]


def test_scopes_are_those_that_the_probes_need(tmp_path: Path) -> None:
    """The scope to ask for is what the probes' operations name, as far as each flow offers it."""
    scopes = {"read": "", "write": "", "offline_access": ""}
    flows = {
        "clientCredentials": {"tokenUrl": "/token", "scopes": {"read": ""}},
        "authorizationCode": {"tokenUrl": "/token", "authorizationUrl": "/authorize", "scopes": scopes},
    }
    document = openapi({"/a": get({"oauth": ["read"]}), "/a/{id}": get({"oauth": ["write"]})})
    document["components"]["securitySchemes"] = {"oauth": {"type": "oauth2", "flows": flows}}

    profile = profile_of(tmp_path, document)

    assert profile.scope_of("client_credentials") == "read"
    assert profile.scope_of("authorization_code") == "read offline_access"
    assert profile.answer_of("authorization_code").refresh_token
    assert tuple(profile.grants) == ("client_credentials", "authorization_code", "refresh_token")


@pytest.mark.parametrize(
    ("media", "schema", "body", "client_auth"),
    [
        ("application/x-www-form-urlencoded", {"required": ["username"]}, "form", "none"),
        ("application/json", {"required": ["username"]}, "json", "none"),
        ("application/json", {"required": ["client_id", "client_secret"]}, "json", "client_secret_json"),
        ("application/x-www-form-urlencoded", {"required": ["client_secret"]}, "form", "client_secret_post"),
    ],
)
def test_token_request(tmp_path: Path, media: str, schema: dict[str, Any], body: str, client_auth: str) -> None:
    """Where the token endpoint is among the routes, its body says how a token is asked for."""
    flows = {"password": {"tokenUrl": "login/token", "scopes": {}}}
    operation = {
        "requestBody": {"content": {media: {"schema": {"$ref": "#/components/schemas/form"}}}},
        "responses": {},
    }
    document = openapi({"/a": get(needing("oauth")), "/login/token": {"post": operation}})
    document["components"] = {
        "securitySchemes": {"oauth": {"type": "oauth2", "flows": flows}},
        "schemas": {"form": schema},
    }

    token = profile_of(tmp_path, document).token

    assert (body, client_auth) == (token.body, token.client_auth)


@pytest.mark.parametrize("needs_key", [True, False])
def test_token_endpoint_needs_a_key_only_where_the_document_says_so(tmp_path: Path, needs_key: bool) -> None:
    """A folder of routes with a key does not make the token endpoint need one."""
    security = [needing("key")] if needs_key else []
    paths = {f"/{name}": get(needing("key")) for name in "abc"}
    document = openapi(
        {**paths, "/token": {"post": {"security": security, "responses": {}}}, "/user": get(needing("oauth"))}
    )

    assert bool(profile_of(tmp_path, document).token_route_keys) is needs_key


def test_bearer_without_a_grant_is_a_token_that_one_has(tmp_path: Path) -> None:
    """A bearer scheme alone says nothing of where tokens come from."""
    document = openapi({"/a": get(needing("http"))})
    document["components"]["securitySchemes"] = {"http": {"type": "http", "scheme": "bearer"}}

    profile = profile_of(tmp_path, document)

    assert profile.zones["a"].needs == (("personal_access_token",),)
    assert any("token_url" in line for line in marks(text_of(tmp_path, document)))


@pytest.mark.parametrize(
    "text", ['"quoted" \\ back', "line\nbreak\r\u2028", "\x7f\x00\x1b[31m", "\ud800 half", "日本 ünï", "'''", "# x = 1"]
)
def test_foreign_text_stays_text(tmp_path: Path, text: str) -> None:
    """No title, path or scope of a document becomes anything else than a text or a comment."""
    document = openapi({"/a": get({"oauth": [text]}), f"/{text}": get(needing("oauth"))}, info={"title": text})
    table = tomllib.loads(text_of(tmp_path, document))

    assert {
        "schema",
        "title",
        "source",
        "api_url",
        "token_url",
        "standards",
        "credentials",
        "token",
        "grants",
        "zones",
    } >= set(table)
    assert list(table["grants"]) == ["client_credentials"]


@pytest.mark.parametrize("where", ["query", "cookie"])
def test_a_key_in_the_query_or_in_a_cookie_is_one(tmp_path: Path, where: str) -> None:
    """A key is written with the place that the document gives it; a second one is a scheme of its own name."""
    document = openapi({"/a": get(needing("own")), "/b": get(needing("key"), needing("own")), "/c": get()})
    document["components"]["securitySchemes"] = {"own": {"type": "apiKey", "in": where, "name": "k-1"}, "key": KEY}

    profile = profile_of(tmp_path, document)

    assert profile.place_of("api_key") == Place("query" if where == "query" else "cookie", "k-1")
    assert profile.zone_at("/v1/b").needs == (("key",), ("api_key",))  # type: ignore[union-attr]


def test_a_cookie_without_a_name_that_can_be_sent_is_no_key(tmp_path: Path) -> None:
    """What no cookie can be called is told, and not written."""
    document = openapi({"/a": get(needing("own")), "/b": get(needing("key"))})
    own = {"type": "apiKey", "in": "cookie", "name": "k;1"}
    document["components"]["securitySchemes"] = {"own": own, "key": KEY}

    assert profile_of(tmp_path, document).place_of("api_key") == Place("header", "X-Key")


def test_one_authorization_header_is_all_there_is(tmp_path: Path) -> None:
    """A key in the Authorization header cannot travel beside a token; described as a bearer token it is one."""
    key = {"type": "apiKey", "in": "header", "name": "Authorization"}
    document = openapi({"/a": get(needing("key", "oauth")), "/b": get(needing("key"))})
    document["components"]["securitySchemes"] = {"oauth": OAUTH, "key": key}

    assert {zone.path: zone.needs for zone in profile_of(tmp_path, document).zones.values()} == {"/b": (("api_key",),)}

    document["components"]["securitySchemes"]["key"] = {**key, "description": "Bearer {token}"}
    assert profile_of(tmp_path, document).zone_at("/v1/b").needs == (("bearer",),)  # type: ignore[union-attr]


def test_circular_references_end(tmp_path: Path) -> None:
    """References that lead in a circle, or out of the document, are not followed."""
    document = openapi({"/a": get(needing("key")), "/b": {"$ref": "#/paths/~1b"}, "/c": {"$ref": "other.json#/x"}})

    assert list(profile_of(tmp_path, document).zones) == ["a"]


def test_the_flow_for_devices_is_a_grant(tmp_path: Path) -> None:
    """OpenAPI 3.2 has a flow for RFC 8628; without its endpoint it is left out."""
    flow = {"deviceAuthorizationUrl": "/device", "tokenUrl": "/token", "scopes": {"read": ""}}
    document = openapi({"/a": get({"oauth": ["read"]})})
    document["components"]["securitySchemes"] = {"oauth": {"type": "oauth2", "flows": {"deviceAuthorization": flow}}}

    profile = profile_of(tmp_path, document)

    assert (list(profile.grants), profile.token.scope or profile.grants["device_code"].scope) == (
        ["device_code"],
        "read",
    )
    assert profile.beginning_of("device_code") == "https://api.shop.example/device"
    assert profile.credentials.client_id is not None

    del flow["deviceAuthorizationUrl"]
    assert "has no deviceAuthorizationUrl" in text_of(tmp_path, document)


def test_a_refresh_url_of_a_flow_is_where_tokens_are_renewed(tmp_path: Path) -> None:
    """A flow whose refreshUrl is not its tokenUrl makes a profile that renews there."""
    flow = {"tokenUrl": "/token", "refreshUrl": "/renew", "scopes": {}}
    schemes = {"oauth": {"type": "oauth2", "flows": {"password": flow}}}
    document = openapi({"/me": get(needing("oauth"))}, components={"securitySchemes": schemes})

    profile = profile_of(tmp_path, document)

    endpoints = (profile.token_endpoint, profile.refresh_endpoint)
    assert endpoints == ("https://api.shop.example/token", "https://api.shop.example/renew")
    assert profile.can_refresh


def test_the_app_is_named_by_a_person(tmp_path: Path) -> None:
    """No document says where the code is: the draft has a line to fill in, and the next step is told with it."""
    source, output = tmp_path / "shop.json", tmp_path / "shop.apiauth.toml"
    source.write_text(json.dumps(openapi({"/a": get(needing("key"))})), encoding="utf-8")
    *_, told, last = discover.init(str(source), str(output))
    text = output.read_text(encoding="utf-8")

    assert text.index("\nsource = ") < text.index(f"\n{APP}\n") < text.index("\napi_url = ")
    assert '"shop:create_app"' in text
    assert "app" not in tomllib.loads(text)
    assert tomllib.loads(text.replace("# app = ", "app = "))["app"] == "main:app"
    assert "without it the embedded double is examined, which says nothing of your API" in told
    assert last == f"next: python -m pytest {output}"


BEARER = {"type": "http", "scheme": "bearer"}


@pytest.mark.parametrize(
    ("scheme", "is_told"),
    [(OAUTH, True), ({**BEARER, "bearerFormat": "JWT"}, True), (BEARER, False), (KEY, False)],
    ids=["a grant", "said", "not said", "a key"],
)
def test_tokens_that_may_be_jwts(tmp_path: Path, scheme: dict[str, Any], is_told: bool) -> None:
    """Where access tokens may be JWTs the draft has `[jwt]` to uncomment, and it is one that loads."""
    document = openapi({"/a": get(needing("own"))}, components={"securitySchemes": {"own": scheme}})
    text = text_of(tmp_path, document)

    assert (f"\n{MARK}if access tokens are JWTs: [jwt]" in text) is is_told
    assert "jwt" not in tomllib.loads(text)
    whole = re.sub(r"^# (\[jwt\]|alg = |signing_key = )", r"\1", text, flags=re.MULTILINE)
    assert (Profile.model_validate({"name": "shop", **tomllib.loads(whole)}).jwt is not None) is is_told


def test_a_file_of_values_is_no_environment_of_the_app(tmp_path: Path) -> None:
    """Whoever keeps values in ``.env`` is told that the app does not see them."""
    text = text_of(tmp_path, openapi({"/a": get(needing("key"))}))

    assert "# What is in .env is read for this profile's values only: it is not set for the app.\n" in text
