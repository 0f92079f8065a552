"""An API that does not answer, answers what is of no use, or is not to be asked is one clear line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.here import EACH
from tests.plugin.doors import CLIENT, CLIENTS, EVERY_DOOR, NOBODY, TOKEN_API, write
from tests.plugin.loopback import Reply, answering
from tests.plugin.projects import SMALL, Run, told

pytestmark = pytest.mark.slow  # a run of pytest each

HTML = "<html><body>Please log in</body></html>"
ANSWERS = [
    ("HTML", Reply(200, HTML, "text/html"), ["an HTML page"]),
    ("500", Reply(500, "oops", "text/plain"), ["500"]),
    ("401", Reply(401, '{"error": "invalid_client"}'), ["401", "invalid_client"]),
    ("no access_token", Reply(200, '{"token": "x"}'), ["no access_token"]),
    ("access_token is a number", Reply(200, '{"access_token": 7}'), ["access_token", "a JSON number"]),
    ("not JSON", Reply(200, "{", "application/json"), ["not JSON"]),
    ("a list", Reply(200, "[]"), ["a JSON array"]),
    ("token type", Reply(200, '{"access_token": "abcdefgh", "token_type": "mac"}'), ["token_type 'mac'"]),
    ("expires_in text", Reply(200, '{"access_token": "abcdefgh", "expires_in": "1h"}'), ["expires_in '1h'"]),
    ("expires_in negative", Reply(200, '{"access_token": "abcdefgh", "expires_in": -1}'), ["expires_in -1"]),
    ("expires_in NaN", Reply(200, '{"access_token": "abcdefgh", "expires_in": NaN}'), ["expires_in"]),
]
IN_THE_SUITE = [row for row in ANSWERS if not row[0].startswith(("expires_in", "token type"))]


@pytest.fixture(autouse=True)
def _in_the_project(pytester: pytest.Pytester) -> None:
    """Be in the project's folder."""


@pytest.mark.parametrize(("reply", "words"), [row[1:] for row in ANSWERS], ids=[row[0] for row in ANSWERS])
def test_useless_token_answer_is_one_line(
    pytester: pytest.Pytester, run: Run, monkeypatch: pytest.MonkeyPatch, reply: Reply, words: Sequence[str]
) -> None:
    """What is no token is one line that names profile, endpoint, what was expected and what came."""
    monkeypatch.setenv("SHOP_SECRET", "canary-of-the-shop")
    with answering({"/token": reply, "/user/me": Reply()}) as url:
        write(TOKEN_API.replace("URL", url))
        result = run(pytester.makepyfile(test_it=EVERY_DOOR).name, "--apiauth-live")

    line = told(result, f"shop: {url}/token (client_credentials): expected", *words)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert result.outlines.count(line) == 3


@pytest.mark.parametrize(("reply", "words"), [row[1:] for row in IN_THE_SUITE], ids=[row[0] for row in IN_THE_SUITE])
def test_useless_token_answer_in_the_suite_is_one_line(
    run: Run, monkeypatch: pytest.MonkeyPatch, reply: Reply, words: Sequence[str]
) -> None:
    """In the suite it is one error that names profile and endpoint, and nothing else is run."""
    monkeypatch.setenv("SHOP_SECRET", "canary-of-the-shop")
    with answering({"/token": reply, "/user/me": Reply()}) as url:
        write(TOKEN_API.replace("URL", url))
        result = run("shop.apiauth.toml", "--apiauth-live", "-k", "resource")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert result.parseoutcomes()["errors"] == 1
    told(result, f"shop: the valid token request to {url}/token was answered with")


def test_unreachable_host_is_one_line(pytester: pytest.Pytester, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that does not answer is one line that names profile and host."""
    monkeypatch.setenv("SHOP_SECRET", "canary-of-the-shop")
    write(TOKEN_API.replace("URL", NOBODY))
    test = pytester.makepyfile(test_it=EVERY_DOOR).name

    result = run(test, "shop.apiauth.toml", "--apiauth-live", "-k", "test_it or resource")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    told(result, f"shop: {NOBODY}/token: no answer (ConnectError:")
    assert sum(line.startswith(f"shop: {NOBODY}/token: no answer (") for line in result.outlines) == 4


@pytest.mark.parametrize("library", EACH)
def test_unreachable_host_without_a_token_is_one_line(
    pytester: pytest.Pytester, run: Run, monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    """The same for the test's own request, where no token comes first."""
    monkeypatch.setenv("SHOP_KEY", "canary-of-the-shop")
    write(SMALL.replace("https://api.shop.example", NOBODY))

    result = run(pytester.makepyfile(test_it=CLIENTS).name, "--apiauth-live", f"--apiauth-http={library}")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    told(result, f"shop: {NOBODY}/user/me: no answer (ConnectError:")
    assert sum(line.startswith(f"shop: {NOBODY}/user/me: no answer (") for line in result.outlines) == 2


def test_writing_to_a_live_api_is_one_line(
    pytester: pytest.Pytester, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A live client refuses a method that may change something, unless the test says that it writes."""
    monkeypatch.setenv("SHOP_KEY", "canary-of-the-shop")
    source = """
        import pytest

        def test_refused(apiauth_client):
            apiauth_client.post("/user/me")

        @pytest.mark.apiauth_writes
        def test_allowed(apiauth_client):
            assert apiauth_client.post("/user/me").status_code == 200
    """
    with answering({"/user/me": Reply()}) as url:
        write(SMALL.replace("https://api.shop.example", url))
        result = run(pytester.makepyfile(test_it=source).name, "--apiauth-live")

    result.assert_outcomes(passed=1, failed=1)
    told(result, "shop: POST is not sent to a live API", "apiauth_writes")


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_wrong_ca_file_is_one_line(
    pytester: pytest.Pytester, run: Run, monkeypatch: pytest.MonkeyPatch, content: str | None
) -> None:
    """A file of certificates that cannot be read is one line, from the suite and from a client."""
    monkeypatch.setenv("SHOP_KEY", "canary-of-the-shop")
    if content is not None:
        Path("ca.pem").write_text(content)
    write(SMALL.replace("schema = 1", 'schema = 1\nca_file = "ca.pem"').replace("https://api.shop.example", NOBODY))

    for file in ("shop.apiauth.toml", pytester.makepyfile(test_it=CLIENT).name):
        result = run(file, "--apiauth-live", "-k", "key-missing or test_it")

        assert result.ret == pytest.ExitCode.TESTS_FAILED
        told(result, "ca_file: ", "ca.pem cannot be read")
