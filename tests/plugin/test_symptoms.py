"""The page 'from symptom to cause': each line that it quotes is printed by a run that has that cause."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.here import USUAL, in_its_words

PAGE: Final = Path(__file__).resolve().parents[2] / "pytest_apiauth" / "docs" / "symptoms.md"
BLOCK: Final = re.compile(r"^<!-- symptom: (\S+) -->\n```text\n(.*?)^```$", re.DOTALL | re.MULTILINE)
HOME: Final = "/home/me/shop"
"""Where the page's reader has the project."""

APP: Final = """
def app_of(refusal):
    def app(environ, start_response):
        is_right = environ.get("HTTP_X_API_KEY") == "a key for tests"
        status = "200 OK" if is_right or refusal == "crash" else refusal
        if refusal == "crash" and not is_right:
            raise KeyError("X-API-Key")
        headers = [("Content-Type", "application/json"), ("WWW-Authenticate", "APIKey"), ("Retry-After", "1")]
        start_response(status, headers if status != "200 OK" else headers[:1])
        return [b"[]" if status == "200 OK" else b"{}"]

    return app


good, busy = app_of("401 Unauthorized"), app_of("429 Too Many Requests")
hiding, leading, broken = app_of("404 Not Found"), app_of("302 Found"), app_of("crash")


def lenient(environ, start_response):
    start_response("200 OK", [("Content-Type", "application/json")])
    return [b"[]"]


def strict(environ, start_response):
    start_response("401 Unauthorized", [("Content-Type", "application/json"), ("WWW-Authenticate", "APIKey")])
    return [b'{"error": "invalid_client"}']
"""
CONFTEST: Final = """
import pytest

from tests.here import USUAL, in_its_words

@pytest.fixture(scope="session")
def apiauth_credentials():
    return {"api_key": "a key for tests"}
"""
LIVE: Final = """
schema = 1
api_url = "https://staging.shop.example"

[api_key]

[credentials]
api_key = { env = "SHOP_KEY" }

[zones.items]
path = "/items"
needs = ["api_key"]
probe = ["/items"]
"""
CASSETTE: Final = """\
interactions:
- request:
    body: ''
    headers:
      host:
      - staging.shop.example
    method: GET
    uri: https://staging.shop.example/items?page=1
  response:
    body:
      string: '[]'
    headers:
      content-type:
      - application/json
    status:
      code: 200
      message: OK
version: 1
"""
KEPT: Final = """
import httpx
import pytest

from tests.here import USUAL, in_its_words
KEPT = []
pytestmark = pytest.mark.apiauth("dastra")


def test_first(apiauth_mock, apiauth_token):
    KEPT.append(apiauth_token.authorization)


def test_second(apiauth_mock):
    answer = httpx.get("https://api.dastra.eu/v1/workspaces", headers={"Authorization": KEPT[0]})
    assert answer.status_code == 200
"""
SCOPE: Final = """
import os

import httpx
import pytest


@pytest.mark.apiauth("dastra")
def test_token(apiauth_mock):
    who = os.environ["DASTRA_CLIENT_ID"], os.environ["DASTRA_CLIENT_SECRET"]
    form = {"grant_type": "client_credentials", "scope": "api1 files"}
    assert httpx.post("https://account.dastra.eu/connect/token", auth=who, data=form).status_code == 200
"""
NARROW: Final = """
import pytest


@pytest.fixture(scope="session")
def shop(apiauth_client): ...


def test_items(shop): ...
"""


def of_app(name: str, more: str = "", app: str = "shop") -> dict[str, str]:
    """Give the files of a project that has an app, by its name."""
    profile = LIVE.replace("api_url = ", f'app = "{app}:{name}"\napi_url = ')
    return {"shop.py": APP, "conftest.py": CONFTEST, "tests/shop.apiauth.toml": profile + more}


def of_test(body: str, *marks: str, fixture: str = "apiauth_client") -> dict[str, str]:
    """Give the files of a project that has one test."""
    lines = ["import httpx", "import pytest", "", "", *marks, f"def test_items({fixture}):", f"    {body}", ""]
    return {"tests/shop.apiauth.toml": LIVE, "tests/test_shop.py": "\n".join(lines)}


def of_request(what: str, scheme: str = "https") -> dict[str, str]:
    """Give the files of a project whose one test asks for something, by a library that meets the double on a socket."""
    source = f"""
import os
import urllib.request


def ask(path, headers={{}}, method="GET"):
    url = f"{scheme}://staging.shop.example{{path}}"
    return urllib.request.urlopen(urllib.request.Request(url, headers=headers, method=method))


def test_items(apiauth_mock):
    assert ask({what}).status == 200
"""
    return {"tests/shop.apiauth.toml": LIVE, "tests/test_shop.py": source}


@dataclass(frozen=True, slots=True)
class Case:
    """A project that has the cause, and how pytest is called in it."""

    files: dict[str, str]
    options: tuple[str, ...] = ("tests/shop.apiauth.toml", "-k", "res-no-cred-401")


EXPECTED: Final = '[expected_failures]\nkey-missing = "ticket OPS-12"\n'
PROFILE: Final = "tests/shop.apiauth.toml"
REAL: Final = (PROFILE, "--apiauth-live", "-k", "res-no-cred-401")
CASES: Final = {
    "key": Case({PROFILE: LIVE.replace("probe =", "prob =")}),
    "unset": Case({PROFILE: LIVE}, REAL),
    "valid": Case(of_app("strict")),
    "module": Case(of_app("good", app="shpo")),
    "host": Case(
        {PROFILE: LIVE.replace('"https://staging.shop.example"', '{ env = "SHOP_URL" }')}, REAL
    ),
    "nothing": Case({PROFILE: 'schema = 1\napi_url = "https://staging.shop.example"\n'}),
    "folder": Case({PROFILE: LIVE}, ("tests", "--apiauth-live")),
    "inconclusive": Case(of_app("busy")),
    "crash": Case(of_app("broken")),
    "cause": Case(of_app("lenient"), (PROFILE, "-k", "res-no-cred-401 or key-missing or res-refusal-steady")),
    "redirect": Case(of_app("leading")),
    "advised": Case(of_app("hiding")),
    "unexpected": Case(of_app("good", EXPECTED), (PROFILE, "-k", "key-missing")),
    "left": Case(of_app("good"), (PROFILE, "-k", "res-http or key-missing")),
    "several": Case(
        {**of_test("..."), "tests/other.apiauth.toml": LIVE}, ("tests/test_shop.py",)
    ),
    "name": Case(of_test("...", '@pytest.mark.apiauth("shp")'), ("tests/test_shop.py",)),
    "reach": Case(
        of_test('httpx.get("https://staging.shop.example/items")', '@pytest.mark.apiauth("shop")', fixture=""),
        ("tests/test_shop.py",),
    ),
    "cassette": Case(of_test('apiauth_client.get("/items")', "@pytest.mark.vcr"), ("tests/test_shop.py",)),
    "stale": Case(
        {
            **of_test('apiauth_client.get("/items?page=2")', "@pytest.mark.vcr"),
            "tests/cassettes/test_shop/test_items.yaml": CASSETTE,
        },
        ("tests/test_shop.py",),
    ),
    "mode": Case(of_test("...", "@pytest.mark.vcr"), ("tests/test_shop.py", "--record-mode=all")),
    "kept": Case({"tests/test_shop.py": KEPT}, ("tests/test_shop.py",)),
    "lacking": Case(of_request('"/items?api_key=any"'), ("tests/test_shop.py",)),
    "credential": Case(of_request('"/items", {"X-API-Key": "any"}'), ("tests/test_shop.py",)),
    "path": Case(of_request('"/itms"'), ("tests/test_shop.py",)),
    "method": Case(
        of_request('"/items", {"X-API-Key": os.environ["SHOP_KEY"]}, method="DELETE"'), ("tests/test_shop.py",)
    ),
    "origin": Case(of_request('"/items"', "http"), ("tests/test_shop.py",)),
    "scope": Case({"tests/test_shop.py": SCOPE}, ("tests/test_shop.py",)),
    "narrow": Case({PROFILE: LIVE, "tests/test_shop.py": NARROW}, ("tests/test_shop.py",)),
}  # fmt: skip


def test_each_symptom_has_a_case() -> None:
    """No quoted line goes without a run that prints it."""
    quoted = [name for name, _ in BLOCK.findall(PAGE.read_text(encoding="utf-8"))]

    assert quoted == [*CASES]
    assert PAGE.read_text(encoding="utf-8").count("```text") == len(quoted)


@pytest.mark.parametrize("name", CASES)
def test_what_is_quoted_is_printed(name: str, pytester: pytest.Pytester) -> None:
    """Each line of a block is one that the run prints, in that order."""
    quoted = dict(BLOCK.findall(PAGE.read_text(encoding="utf-8")))[name].splitlines()
    case = CASES[name]
    for file, text in case.files.items():
        path = pytester.path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(in_its_words(text), encoding="utf-8")

    beside = ("-p", "no:randomly", "-p", "no:cov", "--hypothesis-seed=0", f"--rootdir={pytester.path}")
    result = pytester.runpytest_inprocess(*case.options, *beside)

    printed = [line.replace(str(pytester.path), HOME) for line in result.outlines]
    rest = iter(printed)
    # The page quotes the runs of somebody who has httpx.
    missing = [line for line in quoted if line.replace("httpx reached", f"{USUAL} reached") not in rest]
    assert missing == [], "\n".join(printed)
