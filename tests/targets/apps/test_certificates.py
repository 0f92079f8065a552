"""Certificates of clients (RFC 8705) at apps in this process: how they come there, and what the rules find."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pytest_apiauth import bundled
from pytest_apiauth.credentials.secrets import Redactor
from pytest_apiauth.embedded import Server
from pytest_apiauth.errors import UnsetError
from pytest_apiauth.profile.model import Profile
from pytest_apiauth.suite.book import REGISTRY, Verdict
from pytest_apiauth.suite.examination import Examination
from pytest_apiauth.suite.judging import Conditions, judge
from pytest_apiauth.suite.readiness import make_ready
from pytest_apiauth.targets.app import AppTarget
from pytest_apiauth.targets.apps.asgi import Loop
from tests.here import USUAL

bundled.load_chapters()

APP = """
import base64, hashlib, json, ssl
from urllib.parse import parse_qs

HOW = "{how}"
CLIENTS = {clients!r}


def encoded(content):
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def thumbprint(chain):
    return encoded(hashlib.sha256(ssl.PEM_cert_to_DER_cert(chain)).digest())


def answer(method, path, lines, body, chain):
    shown = thumbprint(chain) if chain else None
    if path == "/token":
        form = {{name: values[0] for name, values in parse_qs(body.decode()).items()}}
        own = CLIENTS.get(form.get("client_id"))
        if method != "POST" or own is None or (shown != own and not (HOW == "any client" and shown)):
            return 401, {{"error": "invalid_client"}}
        said = hashlib.sha256(chain.encode()).hexdigest() if HOW == "hash of the text" else shown
        parts = {{"alg": "HS256"}}, {{"cnf": {{"x5t#S256": said}}, "bound": shown}}
        token = ".".join([*(encoded(json.dumps(part).encode()) for part in parts), encoded(b"signed")])
        return 200, {{"access_token": token, "token_type": "Bearer", "expires_in": 600}}
    word, _, token = lines.get("authorization", "").partition(" ")
    if word.lower() != "bearer" or token.count(".") != 2:
        return 401, {{}}
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    good = shown == claims["bound"] or (HOW == "bearer") or (HOW == "any certificate" and shown)
    return (200, {{"name": "item"}}) if good else (401, {{}})


async def asgi(scope, receive, send):
    body = (await receive()).get("body", b"")
    chain = scope["extensions"]["tls"]["client_cert_chain"]
    name = scope["extensions"]["tls"]["client_cert_name"]
    assert (name is None) == (not chain)
    lines = {{name.decode(): value.decode() for name, value in scope["headers"]}}
    status, told = answer(scope["method"], scope["path"], lines, body, chain[0] if chain else None)
    head = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
    await send({{"type": "http.response.start", "status": status, "headers": head}})
    await send({{"type": "http.response.body", "body": json.dumps(told).encode()}})


def wsgi(environ, start_response):
    lines = {{key[5:].lower(): value for key, value in environ.items() if key.startswith("HTTP_")}}
    body = environ["wsgi.input"].read()
    chain = environ.get("SSL_CLIENT_CERT")
    status, told = answer(environ["REQUEST_METHOD"], environ["PATH_INFO"], lines, body, chain)
    start_response(f"{{status}} Said", [("Content-Type", "application/json"), ("Cache-Control", "no-store")])
    return [json.dumps(told).encode()]
"""
CLIENT = {"certificate": {"env": "CERTIFICATE"}, "client_id": "shop"}
SECOND = {"certificate": {"env": "SECOND_CERTIFICATE"}, "client_id": "second"}
PROFILE: dict[str, Any] = {
    "schema": 1,
    "name": "shop",
    "api_url": "https://api.example",
    "token_url": "/token",
    "standards": ["RFC 6749", "RFC 8705"],
    "credentials": CLIENT,
    "clients": {"second": SECOND},
    "token": {"bound": "mtls", "client_auth": "self_signed_tls_client_auth"},
    "grants": {"client_credentials": {}},
    "zones": {"items": {"path": "/items", "needs": ["bearer"], "probe": ["/items"]}},
}
RULES = [rule for rule in REGISTRY if rule.id.startswith("mtls-")]


@contextmanager
def examining(table: dict[str, Any], folder: Path) -> Iterator[Examination]:
    """Put an app to work, to be examined."""
    loop, redactor = Loop(), Redactor()
    target = AppTarget.build(
        Profile.model_validate(table), loop=loop, credentials={}, redactor=redactor, library=USUAL, root=folder
    )
    try:
        yield Examination(target, redactor)
    finally:
        target.close()
        loop.close()


def found(folder: Path, monkeypatch: pytest.MonkeyPatch, interface: str, how: str, client_auth: str = "") -> set[str]:
    """Have an app examined, by the rules about certificates alone; gives those that find something."""
    from pytest_apiauth.credentials.certificates import thumbprint

    # A name of its own: modules stay in the process.
    module = re.sub(r"\W", "_", f"app_{interface}_{how}_{client_auth}")
    table = {**PROFILE, "app": f"{module}:{interface}"}
    if client_auth:
        table["token"] = {**PROFILE["token"], "client_auth": client_auth}
    environment = Server(Profile.model_validate({**PROFILE, "app": None})).environment
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    clients = {"shop": thumbprint(environment["CERTIFICATE"]), "second": thumbprint(environment["SECOND_CERTIFICATE"])}
    (folder / f"{module}.py").write_text(APP.format(how=how, clients=clients), encoding="utf-8")
    monkeypatch.syspath_prepend(folder)
    with examining(table, folder) as examination:
        outcomes = {
            rule.id: judge(rule, examination, part, Conditions(4, 0))
            for rule in RULES
            for part in rule.applies.find(examination.profile).values()
        }
    assert outcomes.keys() == {rule.id for rule in RULES} - {"mtls-refresh"}
    verdicts = {name: outcome.verdict for name, outcome in outcomes.items()}
    assert set(verdicts.values()) <= {Verdict.PASS, Verdict.FAIL, Verdict.WARNING}, outcomes
    return {name for name, verdict in verdicts.items() if verdict is not Verdict.PASS}


@pytest.mark.parametrize("interface", ["asgi", "wsgi"])
@pytest.mark.parametrize(
    ("how", "rules"),
    [
        ("right", set()),
        ("bearer", {"mtls-certificate-needed", "mtls-certificate"}),
        ("any certificate", {"mtls-certificate"}),
        ("any client", {"mtls-client"}),
        ("hash of the text", {"mtls-confirmation"}),
    ],
)
def test_what_an_app_does_not_look_at_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interface: str, how: str, rules: set[str]
) -> None:
    """An app gets the certificate as its server would hand it on, and each thing that it leaves out is found."""
    assert found(tmp_path, monkeypatch, interface, how) == rules


def test_an_app_that_leaves_the_chain_to_its_server_is_called_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No made certificate is shown where an authority would have refused it, another client's is."""
    assert found(tmp_path, monkeypatch, "wsgi", "any client", "tls_client_auth") == {"mtls-client"}
    assert found(tmp_path, monkeypatch, "wsgi", "right", "tls_client_auth") == set()


def test_a_certificate_that_is_not_set_is_one_line(tmp_path: Path) -> None:
    """Nothing is sent, and the variable is named that is lacking."""
    (tmp_path / "app_that_is_not_asked.py").write_text(APP.format(how="right", clients={}), encoding="utf-8")
    table = {**PROFILE, "app": "app_that_is_not_asked:wsgi"}
    told = r"^shop: credentials\.certificate: environment variable CERTIFICATE is not set$"

    with examining(table, tmp_path) as examination, pytest.raises(UnsetError, match=told):
        make_ready(examination)

    assert examination.requests == 0
