"""Live token answers beside recorded ones: what has changed is told, what has not is not."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_apiauth.__main__ import main
from pytest_apiauth.embedded import Server
from pytest_apiauth.embedded.loopback import serve
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile import loading
from tests.plugin.projects import Run, output, served, told

CASSETTES = Path(__file__).resolve().parents[2] / "cassettes"
LIVE = ("test_it.py", "--apiauth-live", "--apiauth-drift")
Change = Callable[[dict[str, Any]], None]


@pytest.fixture
def api(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Change], None]]:
    """Serve an API whose cassettes the project has; gives what changes its token answers."""
    with served("jindexe") as (url, server):
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        text = f'schema = 1\nextends = "jindexe"\napi_url = "{url}"\n'
        (pytester.path / "shop.apiauth.toml").write_text(text, encoding="utf-8")
        shutil.copytree(CASSETTES / "jindexe", pytester.path / "cassettes" / "shop")
        pytester.makepyfile(
            test_it="def test_one(apiauth_client): assert apiauth_client.get('/user/me').status_code == 200"
        )

        def change(how: Change) -> None:
            def handle(request: Request) -> Response:
                response = Server.handle(server, request)
                members = response.json()
                if not isinstance(members, dict) or "access_token" not in members:
                    return response
                how(members)
                body = json.dumps(members).encode()
                headers = tuple(line for line in response.headers if line[0].lower() != "content-length")
                return replace(response, body=body, headers=headers)

            monkeypatch.setattr(server, "handle", handle)

        yield change


def warnings(result: pytest.RunResult) -> list[str]:
    """Give the warnings of drift."""
    return [line.strip() for line in result.outlines if line.startswith("  warning  shop")]


def test_no_drift_warns_of_nothing(pytester: pytest.Pytester, api: Callable[[Change], None], run: Run) -> None:
    """An API that answers as recorded gives no warning, and the run says what was compared."""
    result = run(*LIVE)
    assert result.ret == 0, output(result)
    told(result, "apiauth drift: 1 token answers compared with cassettes: no change")
    assert warnings(result) == []


def test_each_change_is_one_warning(pytester: pytest.Pytester, api: Callable[[Change], None], run: Run) -> None:
    """A changed type, a lost member and a new lifetime are three warnings; the run stays green unless it is strict."""

    def change(members: dict[str, Any]) -> None:
        members["scope"] = [members["scope"]]
        del members["token_type"]
        members["expires_in"] = 3600

    api(change)
    result = run(*LIVE)
    assert result.ret == 0, output(result)
    assert warnings(result) == [
        "warning  shop: password: member scope was string, is array",
        "warning  shop: password: lost member token_type (string)",
        "warning  shop: password: expires_in was 86400, is 3600",
    ]
    assert run(*LIVE, "--apiauth-strict").ret == 1


@pytest.mark.slow
def test_suite_and_workers_are_compared_too(pytester: pytest.Pytester, api: Callable[[Change], None], run: Run) -> None:
    """A new member is told by a run of the suite, and by one with workers."""
    api(lambda members: members.update(tenant="x"))
    for options in (["shop.apiauth.toml", "-k", "tok-no-store"], ["test_it.py", "-n", "2"]):
        result = run(*options, "--apiauth-live", "--apiauth-drift")
        assert "warning  shop: password: new member tenant (string)" in warnings(result), output(result)


def test_a_little_less_of_a_lifetime_is_no_drift(
    pytester: pytest.Pytester, api: Callable[[Change], None], run: Run
) -> None:
    """A token that is handed out again has less left."""
    api(lambda members: members.update(expires_in=86000))
    assert warnings(run(*LIVE)) == []


def test_nothing_to_compare_with_is_told(pytester: pytest.Pytester, api: Callable[[Change], None], run: Run) -> None:
    """Without a cassette of the grant the run says how to make one."""
    (pytester.path / "cassettes" / "shop" / "password.yaml").unlink()
    told(run(*LIVE), "shop: password: no cassette to compare with; python -m pytest_apiauth record shop")


def test_drift_is_of_live_runs(pytester: pytest.Pytester, run: Run) -> None:
    """Without --apiauth-live there is nothing to compare."""
    pytester.makepyfile(test_it="def test_one(): pass")
    result = run("test_it.py", "--apiauth-drift")
    assert result.ret == 4
    told(result, "--apiauth-drift compares live answers with cassettes: add --apiauth-live")


def test_a_login_of_its_own_is_compared(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    """The answers of a login that is not OAuth's are compared with its own cassettes."""
    source = Path(__file__).resolve().parents[1] / "profiles" / "login.apiauth.toml"
    server = Server(loading.load(source))
    with serve(server) as url:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        text = source.read_text(encoding="utf-8").replace("https://shop.example", url)
        (pytester.path / "shop.apiauth.toml").write_text(text, encoding="utf-8")
        monkeypatch.chdir(pytester.path)
        assert main(["record", "shop", "--live"]) == 0
        pytester.makepyfile(
            test_it="def test_one(apiauth_client): assert apiauth_client.get('/orders/mine').is_success"
        )

        told(run(*LIVE), "apiauth drift: 1 token answers compared with cassettes: no change")
        answer = server.handle

        def handle(request: Request) -> Response:
            response = answer(request)
            return replace(response, body=b'{"more": 1, ' + response.body[1:]) if request.path == "/login" else response

        monkeypatch.setattr(server, "handle", handle)
        assert warnings(run(*LIVE)) == ["warning  shop: password: new member more (number)"]
