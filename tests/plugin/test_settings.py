"""Settings that code reads when it is imported: what the variables hold is what the embedded server takes."""

from __future__ import annotations

import pytest

from pytest_apiauth.embedded import Server
from pytest_apiauth.messages import Request, Response
from tests.plugin.projects import SMALL, Run, output, passes

SECRET = "settings-secret-4711"
SETTINGS = """
import os
import httpx
import pytest

ID, SECRET = os.environ.get("DASTRA_CLIENT_ID"), os.environ["DASTRA_CLIENT_SECRET"]

def token():
    auth = (ID or os.environ["DASTRA_CLIENT_ID"], SECRET or os.environ["DASTRA_CLIENT_SECRET"])
    data = {"grant_type": "client_credentials", "scope": "api1"}
    return httpx.post("https://account.dastra.eu/connect/token", auth=auth, data=data)
"""


@pytest.mark.parametrize(("client", "secret"), [("shop", SECRET), (None, SECRET), ("", ""), ("", SECRET)])
def test_settings_read_at_import_are_good(
    pytester: pytest.Pytester, run: Run, monkeypatch: pytest.MonkeyPatch, client: str | None, secret: str
) -> None:
    """The double takes the values that the variables have; what is not set, or set to nothing, it invents."""
    monkeypatch.delenv("DASTRA_CLIENT_ID", raising=False)
    if client is not None:
        monkeypatch.setenv("DASTRA_CLIENT_ID", client)
    monkeypatch.setenv("DASTRA_CLIENT_SECRET", secret)
    source = f"""{SETTINGS}
@pytest.mark.apiauth("dastra")
def test_it(apiauth_mock, apiauth_client, apiauth_server):
    assert token().status_code == 200
    assert apiauth_client.get("/v1/workspaces").status_code == 200
    assert apiauth_server.environment["DASTRA_CLIENT_SECRET"] == os.environ["DASTRA_CLIENT_SECRET"]

@pytest.mark.apiauth("dastra", client="second")
def test_another_client(apiauth_mock, apiauth_client):
    assert os.environ["DASTRA_CLIENT_SECRET"] != SECRET
    assert apiauth_client.get("/v1/workspaces").status_code == 200
"""

    passes(pytester, run, source)


def test_a_url_read_at_import_is_stood_in_for(
    pytester: pytest.Pytester, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the profile takes its URL from a variable that is set, the double answers there."""
    monkeypatch.setenv("SHOP_URL", "https://staging.shop.example/v2")
    text = SMALL.replace('"https://api.shop.example"', '{ env = "SHOP_URL" }')
    (pytester.path / "shop.apiauth.toml").write_text(text, encoding="utf-8")
    source = """
import os
import httpx

URL = os.environ["SHOP_URL"]

def test_mock(apiauth_mock, apiauth_client):
    key = {"X-Shop-Key": os.environ["SHOP_KEY"]}
    assert [httpx.get(f"{URL}/user/me", headers=headers).status_code for headers in ({}, key)] == [401, 200]
    assert str(apiauth_client.get("/user/me").url) == f"{URL}/user/me"

def test_url(apiauth_url):
    assert os.environ["SHOP_URL"] == apiauth_url != URL
"""

    passes(pytester, run, source)


def test_what_the_variables_hold_is_shown_nowhere_and_rules_never_meet_it(
    pytester: pytest.Pytester, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real secret is in no output of a test that uses it; rules go on with invented ones."""
    monkeypatch.setenv("SHOP_KEY", SECRET)
    (pytester.path / "shop.apiauth.toml").write_text(SMALL, encoding="utf-8")
    pytester.makepyfile(
        """
        def test_it(apiauth_client):
            sent = apiauth_client.get("/user/me").request.headers["x-shop-key"]
            print(sent)
            assert sent == "other"
        """
    )
    seen: list[str | None] = []
    handle = Server.handle

    def watched(server: Server, request: Request) -> Response:
        seen.append(request.header("x-shop-key"))
        return handle(server, request)

    monkeypatch.setattr(Server, "handle", watched)

    tests = run("test_what_the_variables_hold_is_shown_nowhere_and_rules_never_meet_it.py", "-l")
    with_variables = [*seen]
    seen.clear()
    rules = run("shop.apiauth.toml", "-k", "key-near-miss or key-missing")

    tests.assert_outcomes(failed=1)
    assert SECRET not in output(tests)
    assert SECRET in with_variables
    assert rules.ret == 0, output(rules)
    assert SECRET not in seen
    assert any(seen)
