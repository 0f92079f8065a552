"""The columns of the table: what each room of the plug-in has to do with a credential, as checks of one row."""

from __future__ import annotations

import base64
import json
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import pytest

from pytest_apiauth import bundled, discover
from pytest_apiauth.auth.flow import Authenticator
from pytest_apiauth.auth.proofs import PossessionProof
from pytest_apiauth.auth.requester import Requester
from pytest_apiauth.auth.tokens import TokenStore
from pytest_apiauth.credentials.identities import Identities
from pytest_apiauth.credentials.names import names_of
from pytest_apiauth.credentials.request_signing import Added, RequestSigner, adding
from pytest_apiauth.credentials.secrets import Redactor, Secret
from pytest_apiauth.embedded.places import Spot
from pytest_apiauth.errors import GuardError
from pytest_apiauth.http import InProcess, build_client
from pytest_apiauth.http.mock import double
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile import loading
from pytest_apiauth.profile.kinds import Kind
from pytest_apiauth.recording.message import Message
from pytest_apiauth.recording.playing import Credentials, credentials_set
from pytest_apiauth.recording.tape import Collector
from pytest_apiauth.recording.walking import Walk
from pytest_apiauth.suite.book import REGISTRY, Rule, Verdict
from pytest_apiauth.suite.examination import Examination
from pytest_apiauth.suite.judging import Conditions, judge
from pytest_apiauth.suite.readiness import make_ready
from pytest_apiauth.targets.embedded import EmbeddedTarget
from tests.here import USUAL, httpx

from .rows import BEARER, KEY, OF_ONE_ALONE, TOKEN, Row

bundled.load_chapters()
ORIGIN: Final = "https://api.placed.example"
ME: Final = f"{ORIGIN}/v1/user/me"
CAUGHT: Final = {Verdict.FAIL, Verdict.WARNING}


class Api:
    """An API that takes what a row says: the double, what has arrived there, and a client of it."""

    def __init__(self, row: Row, *faults: str) -> None:
        self.redactor = Redactor()
        self.target = EmbeddedTarget.build(
            row.profile(), redactor=self.redactor, library=USUAL, faults=faults, variants=row.variants
        )
        self.places, self.server = row.places, self.target.server
        self.arrived: list[Request] = []
        self.moves_to = ""
        self.signers = {
            kind: RequestSigner.of(self.target.profile, kind)
            for kind in row.places
            if self.target.profile.kinds[kind].is_signed
        }
        self.keys = {kind: self._value(kind) for kind in row.places}
        self.made: dict[Kind, Added] = {}
        signed = {kind: self.sent(self.asking())[kind][0] for kind in self.signers}
        self.values = self.keys | signed

    def _value(self, kind: Kind) -> str:
        """Return what the server takes, as it travels but for the word in front of it."""
        identities = self.server.identities
        if kind == BEARER:
            return self.server.issue().reveal()
        if kind == "basic":
            user = identities.user()
            assert user.username is not None
            assert user.password is not None
            return base64.b64encode(f"{user.username}:{user.password.reveal()}".encode()).decode()
        found = {KEY: identities.key().api_key, TOKEN: identities.personal_access_token()}
        value: Secret | None = found[kind] if kind in found else identities.named(kind)
        assert value is not None
        pair = self.places[kind].pair
        return value.reveal() if pair is None else base64.b64encode(value.reveal().join(pair).encode()).decode()

    def handle(self, request: Request) -> Response:
        """Answer as the double does, or send whoever asks for a resource elsewhere."""
        self.arrived.append(request)
        is_moved = self.moves_to and request.url.partition("?")[0] == ME
        return Response(302, (("Location", self.moves_to),)) if is_moved else self.server.handle(request)

    def get(self) -> httpx.Response:
        """Send a GET by a client of the fixtures' kind."""
        profile, identities = self.target.profile, self.target.identities
        store = TokenStore(self.server.clock, 30)
        user = Authenticator(profile, identities, store, self.redactor, person=self.target.person)
        connector = InProcess(USUAL, self.handle)
        with build_client(profile, connector, self.redactor, authenticator=user, follow_redirects=True) as client:
            return client.get(ME)

    def sent(self, request: Request) -> Mapping[Kind, list[str]]:
        """Return what stands in each place of a request."""
        return {kind: Spot(place.where, place.name).values(request) for kind, place in self.places.items()}

    def asking(self, **others: str) -> Request:
        """Return a request with every credential in its place, or another text in the place of some."""
        plain = {kind: place for kind, place in self.places.items() if kind not in self.signers}
        texts = {kind: place.prefix + self.keys[kind] for kind, place in plain.items()} | others
        headers: list[tuple[str, str]] = []
        query: list[str] = []
        cookies = ["a=b"]
        for kind, place in plain.items():
            if place.where == "header":
                headers.append((place.name, texts[kind]))
            else:
                (query if place.where == "query" else cookies).append(f"{place.name}={quote(texts[kind])}")
        lines = (*headers, *([("Cookie", "; ".join(cookies))] if len(cookies) > 1 else []))
        request = Request("GET", f"{ME}?{'&'.join(query)}" if query else ME, lines)
        binding = self.target.identities.binding
        if binding is not None:
            proof = PossessionProof().of(request, binding, time.time())
            request = replace(request, headers=(*request.headers, ("DPoP", proof)))
        for kind, signer in self.signers.items():
            made = self.made.setdefault(kind, signer.made(request, self.keys[kind]))
            added = tuple((name, others.get(kind, text) if signer.is_signature(name) else text) for name, text in made)
            request = adding(request, added, signer.place)
        return request


def client(row: Row) -> None:
    """A client sends it where the profile says and nowhere else, and the double lets it in."""
    api = Api(row)
    assert api.get().status_code == 200

    request = api.arrived[-1]
    assert (request.client_certificate is not None) == (api.target.profile.token.bound == "mtls")
    for kind, values in api.sent(request).items():
        (value,) = values
        assert value.startswith(row.places[kind].prefix)
    in_authorization = any(place.is_authorization for place in row.places.values())
    assert (request.header("authorization") is not None) == in_authorization


def guard(row: Row) -> None:
    """A redirect to another place is stopped, unless the library has left the credential behind."""
    for elsewhere in ("https://evil.example/", "http://api.placed.example/v1/user/me"):
        api = Api(row)
        api.moves_to = elsewhere
        is_proved = api.target.profile.token.bound == "dpop"
        if all(place.is_authorization for place in row.places.values()) and not is_proved:
            # Both libraries leave it behind.
            assert api.get().status_code != 200
        else:
            with pytest.raises(GuardError, match="would travel to") as caught:
                api.get()
            assert api.redactor.redact(str(caught.value)) == str(caught.value)
        strangers = [request for request in api.arrived if not request.url.startswith(ORIGIN)]
        assert not any(values for request in strangers for values in api.sent(request).values())
        assert not any(request.client_certificate for request in strangers)


def redaction(row: Row) -> None:
    """What a test sees of request and answer is redacted; a URL and a jar do not have it at all."""
    api = Api(row)
    answer = api.get()
    sent = {
        kind: value.removeprefix(row.places[kind].prefix)
        for kind, values in api.sent(api.arrived[-1]).items()
        for value in values
    }

    shown = f"{answer.request.url} {answer.request.headers.raw} {answer.request.extensions} {answer.headers}"
    redacted = api.redactor.redact(shown)
    assert sent.keys() == row.places.keys()
    for kind, value in sent.items():
        assert value not in redacted
        assert (value in shown) == (row.places[kind].where == "header")


def cassette(row: Row) -> None:
    """A recording, and a search of one, takes what stands in the place for secret; a replay has a placeholder there."""
    api, found = Api(row), list[str]()
    walk = Walk(Collector(lambda kind, value: found.append(value)), names_of([api.target.profile]))
    request = api.asking()

    walk.message(Message((*request.headers, ("X-Other", "plain")), b"", f"{ME}?page=2"))
    walk.message(Message((), b"", request.url))

    for kind, value in api.values.items():
        # What has a word in front of it in a header of its own is taken as a whole.
        assert {value, row.places[kind].prefix + value} & {*found}
    assert not {"plain", "2"} & {*found}
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as environment:
        for name, value in api.server.environment.items():
            environment.setenv(name, value)
        was_set = frozenset(credentials_set(row.profile(), Path(folder)))
        replayed = Identities(row.profile(), Credentials(was_set), Redactor())
        ask = Requester(replayed)
        sent = [ask.text_of(kind) for kind in row.places if kind != BEARER and kind not in api.signers]
        sent += [ask.signing_of(kind).added(request)[-1][1] for kind in api.signers]
    plain = [text + base64.b64decode(text.partition("Basic ")[2]).decode() for text in sent]
    assert all("apiauth-" in text for text in plain)


def mock(row: Row) -> None:
    """Code that makes its own client of httpx meets a double that reads the credential in its place."""
    api = Api(row)
    requests = [api.asking()]
    requests += [api.asking(**{kind: place.prefix + "no"}) for kind, place in row.places.items()]

    with double(USUAL, api.server.origins, lambda request: api.server.handle(api.server.certified(request))).mounted():
        good, *bad = [httpx.get(each.url, headers=dict(each.headers)).status_code for each in requests]

    assert (good, {*bad}) == (200, {401})


def embedded(row: Row) -> None:
    """The double wants it as documented: another word, none, and the usual place are refused; capitals do not count."""
    api = Api(row)
    for kind, place in row.places.items():
        value = api.values[kind]
        good = {place.prefix + value, place.prefix.upper() + value}
        bad = {f"Other {value}", place.prefix.strip(), f"{place.prefix}{value[:-2]}"} - good
        assert {api.server.handle(api.asking(**{kind: text})).status for text in good} == {200}
        assert {api.server.handle(api.asking(**{kind: text})).status for text in bad} == {401}
        if place.prefix != "Bearer ":
            usual = Request("GET", ME, (("Authorization", f"Bearer {value}"),))
            assert api.server.handle(usual).status == 401


def curl(row: Row) -> None:
    """A reader's shell sends it where the API reads it, from a variable."""
    api = Api(row)
    examination = Examination(api.target, api.redactor)
    draft = examination.request("/user/me", tuple(row.places))
    assert examination.send(draft).status == 200

    line = examination.curl(draft)
    for kind, place in row.places.items():
        variable = f"${{{row.variables[kind]}}}"
        written = {
            "header": f"\"{place.name}: {place.prefix}", "cookie": f"\"Cookie: {place.name}=",
            "query": f"?{place.name}=",
        }[place.where]  # fmt: skip
        if place.pair is not None:
            assert f'-u "{variable.join(place.pair)}"' in line
        elif kind == "basic":
            assert "Basic" in line or "-u" in line or "--user" in line
            assert variable in line
        else:
            assert f"{written}{variable}" in line
        assert api.values[kind] not in line


def init(row: Row) -> None:
    """A document that says so makes a profile that has it there, in a zone that needs it."""
    with tempfile.TemporaryDirectory() as folder:
        source, output = Path(folder) / "shop.json", Path(folder) / "shop.apiauth.toml"
        needed = {"security": [{name: [] for name in row.document}], "responses": {"200": {"description": "ok"}}}
        document: dict[str, Any] = {
            "openapi": "3.0.3", "info": {"title": "Shop"}, "servers": [{"url": "https://api.shop.example"}],
            "paths": {"/me": {"get": needed}}, "components": {"securitySchemes": row.document},
        }  # fmt: skip
        source.write_text(json.dumps(document), encoding="utf-8")
        list(discover.init(str(source), str(output)))
        profile = loading.load(output)

    zone = profile.zone_at("/me")
    assert zone is not None
    (needs,) = zone.needs
    found = {kind: profile.place_of(kind) for kind in needs}
    assert found == dict(row.places)
    flows = {name for each in row.document.values() for name in each.get("flows", {})}
    assert len(profile.grants) == len(flows)
    assert (profile.authorize_url == "/authorize") == ("authorizationCode" in flows)


def rules(row: Row) -> None:
    """No rule of any chapter finds a fault with a good server; those that are about it have looked, and no others."""
    found = outcomes(row, list(REGISTRY))

    assert {rule_id for rule_id, verdicts in found.items() if CAUGHT & verdicts} == set()
    assert row.rules <= found.keys()
    assert OF_ONE_ALONE & found.keys() <= row.rules


def faults(row: Row) -> None:
    """A server that is wrong about it is found wrong by the rule that owns the fault."""
    owners = [rule for rule in REGISTRY if row.fault in rule.faults]
    (verdicts,) = outcomes(row, owners, row.fault).values()

    assert verdicts & CAUGHT


def outcomes(row: Row, chosen: list[Rule], *faults: str) -> dict[str, set[Verdict]]:
    """Judge rules on a server with these faults; return the verdicts of what was not skipped, by rule."""
    api = Api(row, *faults)
    examination = Examination(api.target, api.redactor)
    make_ready(examination)
    found = {
        rule.id: {
            judge(rule, examination, part, Conditions(4, 0)).verdict
            for part in rule.applies.find(api.target.profile).values()
        }
        for rule in chosen
        if not rule.wire
    }
    return {rule_id: verdicts - {Verdict.SKIP} for rule_id, verdicts in found.items() if verdicts - {Verdict.SKIP}}


Check = Callable[[Row], None]
CHECKS: Final[dict[str, Check]] = {
    check.__name__: check for check in (client, guard, redaction, cassette, mock, embedded, curl, init, faults, rules)
}
"""The columns, by their names."""
SLOW: Final = frozenset({"rules", "faults"})


def why_not(row: Row, column: str) -> str:
    """Return the reason why a cell is empty; nothing if it is not."""
    return row.reason if column == "init" and not row.document else ""
