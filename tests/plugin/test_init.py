"""``python -m pytest_apiauth init``: from a document to a profile that the suite runs on."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from pytest_apiauth.__main__ import main
from pytest_apiauth.profile import loading
from tests.plugin.loopback import Reply, answering
from tests.plugin.projects import Run

DOCUMENTS = Path(__file__).resolve().parents[1] / "documents"
ZONES = {
    "fastapi.json": {
        "/basic": "basic", "/bearer": "bearer", "/http-bearer": "bearer", "/key": "api_key",
        "/key-bearer": "api_key or bearer", "/open": "",
    },
    "petstore.json": {
        "/pet": "personal_access_token", "/pet/": "api_key", "/pet/findByStatus": "personal_access_token",
        "/pet/mine": "personal_access_token", "/store/inventory": "api_key",
    },
    "flows.yaml": {
        "/customers": "bearer or api_key", "/customers/search": "bearer", "/events": "bearer",
        "/invoices": "bearer", "/legacy": "query_key", "/news": "", "/partners/report": "api_key and signature",
        "/session": "cookie", "/status": "",
    },
    "oidc-provider.json": {"/me": "bearer"},
}  # fmt: skip
GRANTS = {
    "fastapi.json": ["password"],
    "petstore.json": [],
    "flows.yaml": ["client_credentials", "authorization_code", "refresh_token"],
    "oidc-provider.json": ["authorization_code", "client_credentials", "refresh_token"],
}


MERGED = "x0: &x0 {a: 1}\n" + "".join(f"x{n}: &x{n}\n  <<: [*x{n - 1}, *x{n - 1}]\n  m{n}: 1\n" for n in range(1, 40))
MERGED += f"y: &y {{{', '.join(f'k{n}: v' for n in range(1000))}}}\n"
MERGED += "".join(f"z{n}:\n  <<: *y\n" for n in range(300))
"""Merges of merges, which double each time (PyYAML before 6.0.4), and one large mapping merged into many."""
ALIASES = "x0: &x0 [1, 2]\n" + "".join(f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 9)}]\n" for n in range(1, 12))


@pytest.fixture(autouse=True)
def project(pytester: pytest.Pytester) -> Path:
    """Be in an empty folder."""
    return pytester.path


def take(name: str) -> str:
    """Copy a document into the project."""
    shutil.copy(DOCUMENTS / name, name)
    return name


@pytest.mark.slow
@pytest.mark.parametrize("name", ZONES)
def test_profile_loads_and_the_suite_runs(name: str, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """From each real document comes a profile with the right zones and grants, on which no rule fails."""
    assert main(["init", take(name), "-o", "shop.apiauth.toml"]) == 0

    profile = loading.load(Path("shop.apiauth.toml"))
    result = run("shop.apiauth.toml", "-q", "--hypothesis-seed=0", "--apiauth-examples=5")

    assert {
        zone.path: " or ".join(" and ".join(kinds) for kinds in zone.needs) for zone in profile.zones.values()
    } == ZONES[name]
    assert list(profile.grants) == GRANTS[name]
    outcomes = result.parseoutcomes()
    assert outcomes.keys() == {"passed", "skipped"}
    assert outcomes["passed"] > 20
    assert "next: python -m pytest shop.apiauth.toml" in capsys.readouterr().out


BROKEN = [
    ("cut off", (DOCUMENTS / "broken.json").read_text(encoding="utf-8"), "not JSON: Expecting value at line 14"),
    ("not YAML", "a: b: c", "at line 1, column 5"),
    ("a page", "<!doctype html>", "an HTML or XML page"),
    ("empty", "", "expected a document with named members"),
    ("a list", "[]", "expected a document with named members"),
    ("deep", "[" * 100_000, "nested too deeply"),
    ("long number", '{"openapi": ' + "9" * 5000 + "}", "a number of very many digits"),
    ("many values", "[" + "[]," * 1_000_000 + "[]]", "more than 750000 values and names"),
    ("bytes", "\x00", "not YAML"),
    ("old", '{"swagger": "1.2"}', "swagger: expected version 2.0, got '1.2'"),
    ("new", '{"openapi": "4.0.0"}', "openapi: expected version 3.x, got '4.0.0'"),
    ("something else", '{"name": "shop"}', "neither OpenAPI 3.x, Swagger 2.0 nor authorization server metadata"),
    ("no schemes", '{"openapi": "3.1.0", "paths": {}}', "no components.securitySchemes"),
    ("no use", '{"swagger": "2.0", "securityDefinitions": {"key": {"type": "apiKey"}}}', "no route needs any"),
    ("a tag", "!!python/object/apply:os.getcwd []", "not YAML"),
    ("merged merges", MERGED, "not YAML: too many merged members"),
    ("aliases of aliases", ALIASES, "more than 750000 values, counted with every alias written out"),
    ("itself", "openapi: 3.1.0\npaths: &paths\n  /a: *paths", "more than 750000 values"),
    ("YAML of many values", "x: [" + "a," * 160_000 + "a]", "YAML of more than 160000 values and names"),
    ("YAML of many lists", "x: [" + "[]," * 80_000 + "a]", "YAML of more than 160000 values and names"),
    ("long YAML", "openapi: 3.1.0\nx: " + "x" * 2_500_000, "YAML larger than 2500 kB; write it as JSON"),
    ("long", " " * 16_000_001, "cannot be read: larger than 16000 kB"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "told"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_broken_document_is_one_line(text: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What cannot be used is one line that names the document, and nothing is written."""
    Path("shop.json").write_text(text, encoding="utf-8")

    assert main(["init", "shop.json"]) == 2

    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("shop.json: ")
    assert told in line
    assert not list(Path().glob("*.toml"))


@pytest.mark.parametrize("source", ["/dev/zero", "pipe"])
def test_stream_without_end_is_one_line(
    source: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What never ends, or never begins, is given up."""
    monkeypatch.setattr("pytest_apiauth.bounded.read_bounded.__kwdefaults__", {"patience": 0.01})
    os.mkfifo("pipe")

    assert main(["init", source]) == 2

    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{source}: cannot be read: ")


def test_nothing_is_overwritten_without_force(capsys: pytest.CaptureFixture[str]) -> None:
    """A file that exists stays as it is, unless --force is given."""
    take("petstore.json")
    Path("pet-store.apiauth.toml").write_text("mine", encoding="utf-8")

    assert main(["init", "petstore.json"]) == 2
    assert "pet-store.apiauth.toml: exists; --force" in capsys.readouterr().err
    assert Path("pet-store.apiauth.toml").read_text(encoding="utf-8") == "mine"
    assert main(["init", "petstore.json", "--force"]) == 0
    assert loading.load(Path("pet-store.apiauth.toml")).title == "Pet Store"


@pytest.mark.parametrize("name", ["shop.toml", ".apiauth.toml"])
def test_output_has_to_be_a_profile(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that pytest would not find is not written."""
    assert main(["init", take("petstore.json"), "-o", name]) == 2

    assert "expected -o NAME.apiauth.toml" in capsys.readouterr().err


def test_from_a_url(capsys: pytest.CaptureFixture[str]) -> None:
    """A document is fetched from the URL that is named; its host is the API's where it names none."""
    document = (DOCUMENTS / "fastapi.json").read_text(encoding="utf-8")
    with answering({"/openapi.json?key=canary-1234": Reply(body=document)}) as base:
        assert main(["init", f"{base}/openapi.json?key=canary-1234"]) == 0

    profile = loading.load(Path("fastapi.apiauth.toml"))
    assert (profile.api_url, profile.source) == (base, f"{base}/openapi.json")
    assert "canary" not in capsys.readouterr().out + Path("fastapi.apiauth.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("place", ["/openapi.json", "/api/schema/", "/v3/api-docs"])
@pytest.mark.parametrize("asked", ["", "/"])
def test_an_origin_is_looked_through(place: str, asked: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Who names no more than the origin gets what stands at one of the usual places, beside pages and other JSON."""
    page = Reply(body="<!doctype html>", content_type="text/html")
    document = (DOCUMENTS / "fastapi.json").read_text(encoding="utf-8")
    with answering({"/swagger.json": page, place: Reply(body=document)}) as base:
        assert main(["init", f"{base}{asked}", "-o", "shop.apiauth.toml"]) == 0

    assert f"written from {base}{place}; grants: password" in capsys.readouterr().out
    assert loading.load(Path("shop.apiauth.toml")).api_url == base


@pytest.mark.parametrize("below", ["", "/shop"])
def test_an_issuer_is_looked_through(below: str) -> None:
    """Metadata is found before the path of an issuer, as RFC 8414 has it."""
    document = (DOCUMENTS / "oidc-provider.json").read_text(encoding="utf-8")
    with answering({f"/.well-known/oauth-authorization-server{below}": Reply(body=document)}) as base:
        assert main(["init", f"{base}{below}/", "-o", "shop.apiauth.toml"]) == 0

    assert list(loading.load(Path("shop.apiauth.toml")).grants) == GRANTS["oidc-provider.json"]


def test_metadata_beside_a_document_without_a_grant_is_told() -> None:
    """A document that says no more than bearer is not all that an origin has to say."""
    routes = {
        "openapi": "3.1.0", "info": {"title": "Shop"},
        "paths": {"/me": {"get": {"security": [{"own": []}], "responses": {}}}},
        "components": {"securitySchemes": {"own": {"type": "http", "scheme": "bearer"}}},
    }  # fmt: skip
    told = (DOCUMENTS / "oidc-provider.json").read_text(encoding="utf-8")
    place = "/.well-known/openid-configuration"
    with answering({"/openapi.json": Reply(body=json.dumps(routes)), place: Reply(body=told)}) as base:
        assert main(["init", base, "-o", "shop.apiauth.toml"]) == 0

    text = Path("shop.apiauth.toml").read_text(encoding="utf-8").replace("\n# ", " ")
    assert f"{base}{place} says how a token is got: init makes token_url and [grants] of it" in text


def test_where_an_origin_has_no_document_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """The line says how many places were tried, and what one of them said that may have been meant."""
    with answering({"/": Reply(body='{"hello": "world"}'), "/openapi.json": Reply(401)}) as base:
        assert main(["init", base]) == 2

    (line,) = capsys.readouterr().err.splitlines()
    assert line == (
        f"{base}: no document at the 18 places where one usually is ({base}/openapi.json: answered 401, expected 200"
        " with the document); name its URL, or save it to a file"
    )


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("{base}/nowhere", "answered 404, expected 200"),
        ("http://127.0.0.1:9/openapi.json?key=secret", "http://127.0.0.1:9/openapi.json: no answer"),
        ("http://api.shop.example/openapi.json", "plain HTTP"),
        ("http://api.shop.example", "plain HTTP"),
        ("http://127.0.0.1:9/", "http://127.0.0.1:9/: no answer"),
        ("https://me:secret@api.shop.example/", "without a user name"),
        ("ftp://api.shop.example/openapi.json", "expected a file, or an http or https URL"),
        ("nowhere.json", "nowhere.json: cannot be read: No such file"),
    ],
)
def test_source_that_cannot_be_had_is_one_line(url: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    """No answer, another answer, a URL in clear or no file is one line without a secret."""
    with answering({}) as base:
        assert main(["init", url.format(base=base)]) == 2

    (line,) = capsys.readouterr().err.splitlines()
    assert told in line
    assert "secret" not in line
