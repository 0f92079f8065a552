"""Every kind of credential in every place that a profile may give it, in each room that has to know."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from pytest_apiauth import bundled, discover
from pytest_apiauth.auth.flow import Authenticator
from pytest_apiauth.auth.tokens import TokenStore
from pytest_apiauth.credentials.identities import Identities, learn_credentials
from pytest_apiauth.credentials.names import names_of
from pytest_apiauth.credentials.secrets import Redactor, Secret
from pytest_apiauth.embedded import Server
from pytest_apiauth.embedded.places import Spot
from pytest_apiauth.errors import GuardError
from pytest_apiauth.http import InProcess, build_client
from pytest_apiauth.http.mock import double, mounted
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile import loading
from pytest_apiauth.profile.kinds import Kind, Place
from pytest_apiauth.profile.model import Profile
from pytest_apiauth.recording.message import Message
from pytest_apiauth.recording.tape import Collector
from pytest_apiauth.recording.walking import Walk
from pytest_apiauth.suite.book import REGISTRY, Verdict
from pytest_apiauth.suite.examination import Examination
from pytest_apiauth.suite.judging import Conditions, judge
from pytest_apiauth.suite.readiness import make_ready
from pytest_apiauth.targets.apps.supplied import Supplied
from pytest_apiauth.targets.embedded import EmbeddedTarget

bundled.load_chapters()
ME = "https://api.placed.example/v1/user/me"
CAUGHT = (Verdict.FAIL, Verdict.WARNING)
PLACES: dict[str, tuple[dict[str, str], Place]] = {
    "word": ({"scheme": "Token"}, Place("header", "Authorization", "Token ")),
    "bare": ({"scheme": ""}, Place("header", "Authorization")),
    "header": ({"header": "X-Auth-Token"}, Place("header", "X-Auth-Token")),
    "header and word": ({"header": "X-Auth", "scheme": "JWT"}, Place("header", "X-Auth", "JWT ")),
    "cookie": ({"in": "cookie", "name": "access"}, Place("cookie", "access")),
    "query": ({"in": "query"}, Place("query", "access_token")),
}
SCHEMES: dict[str, dict[str, str]] = {
    "word": {"type": "http", "scheme": "Token"},
    "header": {"type": "apiKey", "in": "header", "name": "X-Auth-Token"},
    "header and word": {"type": "apiKey", "in": "header", "name": "X-Auth", "description": 'a JWT, prefix "JWT"'},
    "cookie": {"type": "apiKey", "in": "cookie", "name": "access", "description": "The access token"},
    "query": {"type": "apiKey", "in": "query", "name": "access_token"},
}

NAMED = "app_key"
each_kind = pytest.mark.parametrize("kind", ["bearer", "personal_access_token", NAMED])
each_place = pytest.mark.parametrize("where", PLACES)


def values_at(place: Place, request: Request) -> list[str]:
    """Return what stands in a place of a request."""
    return Spot(place.where, place.name).values(request)


def table_of(kind: Kind, where: str) -> dict[str, Any]:
    """Return the tables that have a credential travel in a place: its own, or one of ``[schemes]``."""
    table, place = PLACES[where]
    if kind != NAMED:
        return {kind: table}
    named = {"in": place.where, "name": place.name, "value": {"env": "APP_KEY"}}
    return {"schemes": {NAMED: named | ({"scheme": place.word} if place.word else {})}}


def placed(kind: Kind, where: str) -> Profile:
    """Return the profile of an API whose credential travels in a place."""
    return Profile.model_validate(
        {
            "schema": 1,
            "name": "placed",
            "api_url": "https://api.placed.example/v1",
            "standards": ["RFC 6749", "RFC 6750"],
            **({} if kind == NAMED else {"token_url": "/token", "grants": {"client_credentials": {}}}),
            "credentials": {
                "client_id": "placed-client",
                "client_secret": {"env": "SECRET"},
                "personal_access_token": {"env": "TOKEN"},
            },
            **table_of(kind, where),
            "zones": {"user": {"path": "/user/", "needs": [kind], "probe": ["/user/me"]}, "open": {"path": "/"}},
        }
    )


class Api:
    """An API whose token travels in a place: the double, what has arrived there, and a client of it."""

    def __init__(self, kind: Kind, where: str) -> None:
        self.profile, self.place = placed(kind, where), PLACES[where][1]
        self.server = Server(self.profile)
        self.redactor = self.server.redactor
        self.arrived: list[Request] = []
        self.moves_to = ""
        identities = self.server.identities
        own = identities.named(kind) if kind == NAMED else identities.personal_access_token()
        assert own is not None
        self.token = self.server.issue().reveal() if kind == "bearer" else own.reveal()

    def handle(self, request: Request) -> Response:
        """Answer as the double does, or send whoever asks for a resource elsewhere."""
        self.arrived.append(request)
        is_moved = self.moves_to and request.url.partition("?")[0] == ME
        return Response(302, (("Location", self.moves_to),)) if is_moved else self.server.handle(request)

    def get(self, url: str = ME) -> httpx.Response:
        """Send a GET by a client of the fixtures' kind."""
        store = TokenStore(self.server.clock, 30)
        user = Authenticator(self.profile, self.server.identities, store, self.redactor)
        carrier = InProcess("httpx", self.handle)
        with build_client(self.profile, carrier, self.redactor, authenticator=user, follow_redirects=True) as client:
            return client.get(url)

    def asking(self, text: str) -> Request:
        """Return a request that brings a text in the place."""
        pair = f"{self.place.name}={text}"
        if self.place.where == "query":
            return Request("GET", f"{ME}?{pair}")
        line = ("Cookie", f"a=b; {pair}") if self.place.where == "cookie" else (self.place.name, text)
        return Request("GET", ME, (line,))


@each_kind
@each_place
def test_a_client_sends_it_where_the_profile_says(kind: Kind, where: str) -> None:
    """The double lets the client in, by what stands in the documented place and nowhere else."""
    api = Api(kind, where)

    assert api.get().status_code == 200

    request = api.arrived[-1]
    (value,) = values_at(api.place, request)
    assert value.startswith(api.place.prefix)
    assert (request.header("authorization") is None) == (not api.place.is_authorization)


@each_kind
@each_place
@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "http://api.placed.example/v1/user/me"])
def test_it_goes_to_the_profile_alone(kind: Kind, where: str, elsewhere: str) -> None:
    """A redirect to another place is stopped, unless the library has left the token behind."""
    api = Api(kind, where)
    api.moves_to = elsewhere

    if api.place.is_authorization:
        # Both libraries leave it behind.
        assert api.get().status_code != 200
    else:
        with pytest.raises(GuardError, match="would travel to") as caught:
            api.get()
        assert api.redactor.redact(str(caught.value)) == str(caught.value)
    strangers = [request for request in api.arrived if not request.url.startswith("https://api.placed.example")]
    assert not any(values_at(api.place, request) for request in strangers)


@each_kind
@each_place
def test_it_is_in_nothing_that_is_shown(kind: Kind, where: str) -> None:
    """What a test sees of request and answer is redacted; a URL and a jar do not have it at all."""
    api = Api(kind, where)
    answer = api.get()
    (value,) = values_at(api.place, api.arrived[-1])
    token = value.removeprefix(api.place.prefix)

    shown = f"{answer.request.url} {answer.request.headers.raw} {answer.request.extensions} {answer.headers}"
    assert token not in api.redactor.redact(shown)
    assert (token in shown) == (api.place.where == "header")


@each_kind
@each_place
def test_no_cassette_has_it(kind: Kind, where: str) -> None:
    """A recording, and a search of one, takes what stands in the place for secret, and ordinary values not."""
    api, found = Api(kind, where), list[str]()
    request = api.asking("abc")
    walk = Walk(Collector(lambda kind, value: found.append(value)), names_of([api.profile]))

    walk.message(Message((*request.headers, ("X-Other", "plain")), b"", f"{ME}?page=2" if "?" not in ME else ME))
    walk.message(Message((), b"", request.url))

    assert "abc" in found
    assert not {"plain", "2"} & {*found}


@each_kind
@each_place
def test_the_mock_wants_it_there(kind: Kind, where: str) -> None:
    """Code that makes its own client of httpx meets a double that reads the token in its place."""
    api = Api(kind, where)
    good, bare = api.asking(api.place.prefix + api.token), api.asking(api.place.prefix + "no")

    with mounted(double(api.server.origins, api.server.handle)):
        statuses = [httpx.get(each.url, headers=dict(each.headers)).status_code for each in (good, bare)]

    assert statuses == [200, 401]


@each_kind
@each_place
def test_the_double_wants_it_as_documented(kind: Kind, where: str) -> None:
    """Another word, none, and a token in the usual place are refused; the case of the word does not count."""
    api = Api(kind, where)
    prefix = api.place.prefix
    statuses = {
        name: api.server.handle(api.asking(text)).status
        for name, text in {
            "good": prefix + api.token,
            "word in capitals": prefix.upper() + api.token,
            "another word": f"Other {api.token}",
            "word alone": prefix.strip(),
            "near": prefix + api.token[:-1],
        }.items()
    }
    usual = Request("GET", ME, (("Authorization", f"Bearer {api.token}"),))

    assert statuses.pop("good") == statuses.pop("word in capitals") == 200
    assert set(statuses.values()) == {401}
    assert api.server.handle(usual).status == 401


@each_kind
@each_place
def test_a_curl_line_has_it_there(kind: Kind, where: str) -> None:
    """A reader's shell sends the token where the API reads it."""
    api = Api(kind, where)
    target = EmbeddedTarget.build(api.profile, redactor=api.redactor, library="httpx", faults=(), variants=())
    examination = Examination(target, api.redactor)
    draft = examination.request("/user/me", (kind,))
    assert examination.send(draft).status == 200

    names = {"bearer": "ACCESS_TOKEN", "personal_access_token": "PERSONAL_ACCESS_TOKEN", NAMED: "APP_KEY"}
    variable = f'"${{{names[kind]}}}"'
    name, prefix = api.place.name, api.place.prefix
    written = {"header": f"'{name}: {prefix}'", "cookie": f"'Cookie: {name}='", "query": f"?{name}='"}
    assert f"{written[api.place.where]}{variable}" in examination.curl(draft)


@pytest.mark.parametrize("where", SCHEMES)
def test_init_writes_where_it_travels(where: str, tmp_path: Path) -> None:
    """A document that says that a token travels in a place of its own gives a profile that has it there."""
    needed = {"get": {"responses": {"200": {"description": "ok"}}, "security": [{"own": []}]}}
    document: dict[str, Any] = {
        "openapi": "3.0.3", "info": {"title": "Shop"}, "servers": [{"url": "https://api.shop.example"}],
        "paths": {"/me": needed}, "components": {"securitySchemes": {"own": SCHEMES[where]}},
    }  # fmt: skip
    source, output = tmp_path / "shop.json", tmp_path / "shop.apiauth.toml"
    source.write_text(json.dumps(document), encoding="utf-8")

    list(discover.init(str(source), str(output)))

    profile = loading.load(output)
    assert profile.place_of("personal_access_token") == PLACES[where][1]
    assert profile.zone_at("/me").needs == (("personal_access_token",),)  # type: ignore[union-attr]


def outcomes(profile: Profile, *faults: str) -> dict[str, set[Verdict]]:
    """Judge every rule on a server with these faults; return the verdicts of what was not skipped, by rule."""
    redactor = Redactor()
    target = EmbeddedTarget.build(profile, redactor=redactor, library="httpx", faults=faults, variants=())
    examination = Examination(target, redactor)
    make_ready(examination)
    chosen = [rule for rule in REGISTRY if not rule.wire and (not faults or {*faults} & {*rule.faults})]
    found = {
        rule.id: {
            judge(rule, examination, part, Conditions(4, 0)).verdict for part in rule.applies.find(profile).values()
        }
        for rule in chosen
    }
    return {rule_id: verdicts - {Verdict.SKIP} for rule_id, verdicts in found.items() if verdicts - {Verdict.SKIP}}


def test_init_writes_keys_of_several_names(tmp_path: Path) -> None:
    """What has no other place in a profile is one of its schemes, by the name that the document gives it."""
    each = {"key": "X-API-Key", "appKeyAuth": "DD-APPLICATION-KEY"}
    needed = {"get": {"responses": {"200": {"description": "ok"}}, "security": [{name: [] for name in each}]}}
    schemes = {name: {"type": "apiKey", "in": "header", "name": header} for name, header in each.items()}
    document: dict[str, Any] = {
        "openapi": "3.0.3", "info": {"title": "Shop"}, "servers": [{"url": "https://api.shop.example"}],
        "paths": {"/me": needed}, "components": {"securitySchemes": schemes},
    }  # fmt: skip
    source, output = tmp_path / "shop.json", tmp_path / "shop.apiauth.toml"
    source.write_text(json.dumps(document), encoding="utf-8")

    list(discover.init(str(source), str(output)))

    profile = loading.load(output)
    assert {kind: profile.place_of(kind).name for kind in profile.zones["me"].needs[0]} == {
        "api_key": "X-API-Key",
        "appKeyAuth": "DD-APPLICATION-KEY",
    }
    assert str(profile.schemes["appKeyAuth"].value) == "environment variable SHOP_APPKEYAUTH"


OF_KEYS = {"key-missing", "key-bad", "key-name-strict", "key-place-strict"}
OF_SCHEMES = {"hdr-scheme-case"}
OF_BEARER = {"res-challenge-content"}
OF_AUTHORIZATION = {"res-malformed-header"}
OUTSIDE_OF_URLS = {"tok-in-url-refused", "tok-two-places"}
OF_TOKENS = {"res-garbage-token", "res-mutated-token", "res-token-case", "res-token-wildcard", "zone-truth-table"}
APPLYING = {
    "word": OF_TOKENS | OF_AUTHORIZATION | OF_SCHEMES | OUTSIDE_OF_URLS,
    "bare": OF_TOKENS | OF_AUTHORIZATION | OUTSIDE_OF_URLS,
    "header": OF_TOKENS | OUTSIDE_OF_URLS,
    "header and word": OF_TOKENS | OUTSIDE_OF_URLS,
    "cookie": OF_TOKENS | OUTSIDE_OF_URLS,
    "query": OF_TOKENS,
}
EVERY = OF_TOKENS | OF_SCHEMES | OF_BEARER | OF_AUTHORIZATION | OUTSIDE_OF_URLS


@pytest.mark.slow
@each_kind
@each_place
def test_no_rule_alarms_and_those_that_apply_have_looked(kind: Kind, where: str) -> None:
    """On a good server nothing is found; what is said of Authorization is asked only where the token travels there."""
    found = outcomes(placed(kind, where))

    assert {rule_id for rule_id, verdicts in found.items() if {*CAUGHT} & verdicts} == set()
    of_kind = OF_KEYS | {"zone-truth-table"} if kind == NAMED else APPLYING[where]
    # What stands behind no word in Authorization is read as a scheme by whoever knows no better.
    of_place = OF_AUTHORIZATION & APPLYING[where] if kind == NAMED else set()
    assert (EVERY | OF_KEYS) & found.keys() - of_place == of_kind - of_place


@each_place
@pytest.mark.parametrize(
    "fault",
    [
        "token-any-accepted",
        pytest.param("token-prefix-compare", marks=pytest.mark.slow),
        pytest.param("token-from-query", marks=pytest.mark.slow),
        pytest.param("query-token-beats-header", marks=pytest.mark.slow),
        pytest.param("scheme-case-sensitive", marks=pytest.mark.slow),
        pytest.param("bearer-glued", marks=pytest.mark.slow),
        pytest.param("refusal-echoes-credential", marks=pytest.mark.slow),
    ],
)
def test_the_faults_of_tokens_are_caught_there_too(where: str, fault: str) -> None:
    """What is wrong with a token behind Bearer is wrong with one elsewhere, as far as it can be wrong there."""
    (owner,) = [rule.id for rule in REGISTRY if fault in rule.faults]
    found = outcomes(placed("bearer", where), fault)

    if owner in EVERY - APPLYING[where]:
        assert owner not in found
    elif where == "bare" and fault == "bearer-glued":
        assert found[owner] == {Verdict.PASS}, "no word, so nothing that could be glued to it"
    else:
        assert found[owner] & {*CAUGHT}


NAMED_PROFILE = loading.load(Path(__file__).parent.parent / "profiles" / "named.apiauth.toml")


def test_no_rule_alarms_where_a_zone_needs_keys_of_several_names() -> None:
    """Two keys in one zone, one of them with a word, and alternatives of them: the server that wants them is right."""
    found = outcomes(NAMED_PROFILE)

    assert {rule_id for rule_id, verdicts in found.items() if {*CAUGHT} & verdicts} == set()
    assert found.keys() >= OF_KEYS | {"zone-swap", "zone-truth-table", "zone-token-route", "zone-monotone"}


@pytest.mark.parametrize(
    "fault",
    [
        "key-optional",
        "key-name-folded",
        "token-route-without-key",
        pytest.param("key-prefix-compare", marks=pytest.mark.slow),
        pytest.param("key-case-folded", marks=pytest.mark.slow),
        pytest.param("key-from-query", marks=pytest.mark.slow),
        pytest.param("any-credential-suffices", marks=pytest.mark.slow),
        pytest.param("slots-interchangeable", marks=pytest.mark.slow),
    ],
)
def test_the_faults_of_keys_are_caught_with_keys_of_several_names(fault: str) -> None:
    """What is wrong with the one API key is wrong with any key."""
    (verdicts,) = outcomes(NAMED_PROFILE, fault).values()

    assert verdicts & {*CAUGHT}


def test_a_second_key_has_its_own_values() -> None:
    """Who acts by another key sends its values of every scheme, and none of the default key's."""
    table = NAMED_PROFILE.model_dump(by_alias=True, exclude_unset=True)
    table["keys"] = {"second": {"api_key": {"env": "SECOND_API_KEY"}}}
    table["schemes"]["app_key"]["values"] = {"second": {"env": "SECOND_APP_KEY"}}
    profile = Profile.model_validate(table)
    server = Server(profile)
    user = Authenticator(profile, server.identities, TokenStore(server.clock, 30), server.redactor, key="second")
    arrived: list[Request] = []

    def handle(request: Request) -> Response:
        arrived.append(request)
        return server.handle(request)

    carrier = InProcess("httpx", handle)
    with build_client(profile, carrier, server.redactor, authenticator=user) as client:
        assert client.get("/items").status_code == 200

    sent = {arrived[-1].header("x-api-key"), arrived[-1].header("x-application-key")}
    assert sent == {server.environment["SECOND_API_KEY"], f"App {server.environment['SECOND_APP_KEY']}"}


@pytest.mark.parametrize(
    "given", [{"app_key": "from-the-project"}, {"schemes": {"app_key": {"value": "from-the-project"}}}]
)
def test_a_project_gives_a_value_by_the_name_of_its_scheme(given: dict[str, Any]) -> None:
    """What ``apiauth_credentials`` returns is found by the scheme's name, and is redacted."""
    redactor = Redactor()
    supplied = Supplied(NAMED_PROFILE, given, redactor)

    identities = Identities(supplied.completed(NAMED_PROFILE), supplied.lookup(lambda label, reference: None), redactor)

    assert identities.named("app_key") == Secret("from-the-project", "named.app_key")
    assert "from-the-project" not in redactor.redact("it is from-the-project")


def test_a_value_that_is_set_is_redacted_before_it_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test may print its whole environment: what a scheme names is learnt with the rest."""
    redactor = Redactor()
    monkeypatch.setenv("NAMED_VISITOR", "value-of-the-visitor")

    learn_credentials(NAMED_PROFILE, tmp_path, redactor)

    assert "value-of-the-visitor" not in redactor.redact("NAMED_VISITOR=value-of-the-visitor")


@pytest.mark.parametrize(
    ("schemes", "complaint"),
    [
        ({"api_key": {"name": "k"}}, "schemes.api_key: api_key is what a profile calls something else"),
        ({"code": {"name": "k"}}, "schemes.code: code is what a profile calls something else"),
        (
            {"own-key": {"name": "a"}, "Own_key": {"name": "b"}},
            "schemes.Own_key: is spelt too much like schemes.own-key",
        ),
        ({"a b": {"name": "k"}}, "schemes.a b: expected a name of letters"),
        ({"own": {}}, "name"),
        ({"own": {"in": "cookie", "name": "k;"}}, "expected the name of a cookie"),
        ({"own": {"in": "query", "name": "k", "scheme": "App"}}, 'scheme does not go with in = "query"'),
        ({"own": {"name": "k", "values": {"second": {"env": "K"}}}}, "no key 'second' in"),
        ({"own": {"name": "k", "value": "the-value"}}, "write where the secret is, never the secret"),
    ],
)
def test_what_is_wrong_with_a_scheme_is_said(schemes: dict[str, Any], complaint: str) -> None:
    """A name that means something else, no place, or a value that is nobody's, is an error of the profile."""
    with pytest.raises(ValueError, match=complaint):
        Profile.model_validate({"schema": 1, "schemes": schemes})


@pytest.mark.parametrize(
    ("tables", "needs", "complaint"),
    [
        (
            {"api_key": {}, "schemes": {"own": {"name": "x-api-key"}}},
            ["api_key", "own"],
            "zones.all.needs: api_key and own at once, but both travel in the header x-api-key",
        ),
        (
            {"schemes": {"a": {"in": "cookie", "name": "k"}, "b": {"in": "cookie", "name": "k"}}},
            ["a", "b"],
            "zones.all.needs: a and b at once, but both travel in the cookie k",
        ),
        ({}, ["basic", "personal_access_token"], "both travel in the header Authorization"),
    ],
)
def test_two_credentials_in_one_place_are_alternatives_only(
    tables: dict[str, Any], needs: list[str], complaint: str
) -> None:
    """A request has one of each header, parameter and cookie: who needs two of one is told so."""
    with pytest.raises(ValueError, match=complaint):
        Profile.model_validate({"schema": 1, **tables, "zones": {"all": {"path": "/", "needs": needs}}})

    apart = {"all": {"path": "/", "needs": [[kind] for kind in needs]}}
    assert Profile.model_validate({"schema": 1, **tables, "zones": apart}).zones
