"""The embedded server behind each interface: as an app it gets the verdicts that it gets by itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.plugin.projects import NEIGHBOURS, output

DOUBLE = """
from pytest_apiauth.profile import loading
from pytest_apiauth.embedded import Server
from pytest_apiauth.messages import Request

server = Server(loading.load(loading.builtin_profiles()["NAME"]))

def answered(method, origin, target, lines, body):
    return server.handle(Request(method, origin + target, tuple(lines), body, target))

def advance(seconds):
    server.clock.advance(seconds)

async def asgi(scope, receive, send):
    if scope["type"] == "lifespan":
        raise ValueError("unknown")
    body = (await receive())["body"]
    query = scope["query_string"].decode("latin-1")
    target = scope["raw_path"].decode("latin-1") + ("?" + query if query else "")
    lines = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
    host = dict(lines)["host"]
    answer = answered(scope["method"], scope["scheme"] + "://" + host, target, lines, body)
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})

def wsgi(environ, start_response):
    names = {"CONTENT_TYPE": "Content-Type", "CONTENT_LENGTH": "Content-Length"}
    lines = [(key[5:].replace("_", "-"), value) for key, value in environ.items() if key.startswith("HTTP_")]
    lines += [(names[key], environ[key]) for key in names if key in environ]
    origin = environ["wsgi.url_scheme"] + "://" + environ["HTTP_HOST"]
    answer = answered(environ["REQUEST_METHOD"], origin, environ["RAW_URI"], lines, environ["wsgi.input"].read())
    start_response(f"{answer.status} {answer.reason or 'OK'}", list(answer.headers))
    return [answer.body]
"""
CONFTEST = """
import os
import double
os.environ.update(double.server.environment)
"""
CHAPTERS = "resource or routes or carry_over or headers or token_errors or token_bodies or passwords or expiry"
OTHERWISE = ("no 'second' in [", "a person", "a browser")
"""The embedded server invents a second of everything, and consents; an app knows whom its profile names."""


def verdicts(pytester: pytest.Pytester, name: str) -> dict[str, tuple[str, str]]:
    """Run the suite on a profile and give each item's verdict and each rule's reason."""
    off = [word for each in NEIGHBOURS for word in ("-p", f"no:{each}")]
    run = ["--hypothesis-seed=0", "--apiauth-examples=4", "--apiauth-report=report.json", "-k", CHAPTERS]
    result = pytester.runpytest_inprocess(*off, f"{name}.apiauth.toml", *run)
    file = pytester.path / "report.json"
    assert file.is_file(), output(result)
    report: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    (profile,) = report["profiles"]
    return {rule["id"]: (rule["verdict"], rule["reason"]) for rule in profile["rules"]}


@pytest.mark.slow
@pytest.mark.parametrize(("name", "interface"), [("dastra", "asgi"), ("digishare", "wsgi")])
def test_the_embedded_server_as_an_app(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, name: str, interface: str
) -> None:
    """Every rule that applies to an app comes to the same verdict, its clock moved by a callable."""
    monkeypatch.setenv("CI", "1")
    (pytester.path / "double.py").write_text(DOUBLE.replace("NAME", name), encoding="utf-8")
    pytester.makeconftest(CONFTEST)
    pytester.syspathinsert()
    for file, extra in (("alone", ""), ("app", f'app = "double:{interface}"\n[clock]\ncallable = "double:advance"\n')):
        text = f'schema = 1\nname = "{name}"\nextends = "{name}"\n{extra}'
        Path(f"{file}.apiauth.toml").write_text(text, encoding="utf-8")

    alone, app = verdicts(pytester, "alone"), verdicts(pytester, "app")

    differing = {rule: found for rule, found in app.items() if found[0] != alone[rule][0]}
    assert {rule: why for rule, (_, why) in differing.items() if not any(words in why for words in OTHERWISE)} == {}
    assert sum(verdict == "pass" for verdict, _ in app.values()) > 20
    assert "pass" in {verdict for rule, (verdict, _) in app.items() if rule.startswith("exp-")}
