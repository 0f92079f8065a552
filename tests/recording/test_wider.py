"""What a fixture of wider scope asks while it is set up is recorded once, and replayed for whichever test needs it."""

from __future__ import annotations

import os

import pytest

from tests.plugin.projects import Run, output, told
from tests.recording.live_api import ONCE, Api, api

pytestmark = pytest.mark.slow  # a run of pytest each

__all__ = ["api"]  # the fixture

LIBRARY = """
import os, httpx, pytest

class Library:
    def __init__(self):
        self.http = httpx.Client(base_url=os.environ["SHOP_URL"], headers={"X-API-KEY": os.environ["JINDEXE_API_KEY"]})

    def log_in(self):
        asked = {"grant_type": "password", "username": os.environ["JINDEXE_USERNAME"],
                 "password": os.environ["JINDEXE_PASSWORD"]}
        token = self.http.post("/public/token", json=asked).json()["access_token"]
        self.http.headers["Authorization"] = "Bearer " + token

    def me(self):
        if "Authorization" not in self.http.headers:
            self.log_in()
        return self.http.get("/user/me").status_code

@pytest.fixture(scope="SCOPE")
def library():
    made = Library()
    try:
        made.log_in()
        yield made
    finally:
        made.http.close()
"""
TESTS = """
import pytest

@pytest.mark.vcr
def test_one(library):
    assert library.me() == 200

@pytest.mark.vcr
def test_two(library):
    assert library.me() == 200
"""


def project(pytester: pytest.Pytester, api: Api, scope: str = "session") -> None:
    """Write a project whose URL and secrets are in the environment."""
    text = 'schema = 1\nextends = "jindexe"\napi_url = { env = "SHOP_URL" }\n'
    (pytester.path / "shop.apiauth.toml").write_text(text, encoding="utf-8")
    pytester.makeconftest(LIBRARY.replace("SCOPE", scope))
    pytester.makepyfile(test_it=TESTS)
    api.monkeypatch.setenv("SHOP_URL", api.url)


@pytest.mark.parametrize("scope", ["session", "module"])
def test_token_of_a_wider_fixture_is_recorded_and_replayed(
    pytester: pytest.Pytester, api: Api, run: Run, scope: str
) -> None:
    """One token for all tests is on one tape; each test is replayed by itself, without a variable or a server."""
    project(pytester, api, scope)
    run("test_it.py", *ONCE).assert_outcomes(passed=2)
    assert api.server.tokens_issued == 1
    texts = api.cassettes()
    assert {name: text.count("- request:") for name, text in texts.items()} == {
        "library.yaml": 1, "test_one.yaml": 1, "test_two.yaml": 1,
    }  # fmt: skip
    assert (api.folder / "cassettes" / "conftest" / "library.yaml").is_file()
    assert not [secret for secret in api.secrets for text in texts.values() if secret in text]

    api.forget()
    api.monkeypatch.delenv("SHOP_URL")
    run("test_it.py").assert_outcomes(passed=2)
    run("test_it.py", "-k", "two").assert_outcomes(passed=1)
    assert api.server.requests == []


def test_tape_of_a_fixture_stays_until_it_is_rewritten(pytester: pytest.Pytester, api: Api, run: Run) -> None:
    """Asked for a new test, the token is live and the tape is kept; rewritten, it is another recording."""
    project(pytester, api)
    run("test_it.py", "-k", "one", *ONCE).assert_outcomes(passed=1)
    path = api.folder / "cassettes" / "conftest" / "library.yaml"
    text = path.read_text(encoding="utf-8").replace("recorder: ", "recorder: earlier ")
    path.write_text(text, encoding="utf-8")

    run("test_it.py", *ONCE).assert_outcomes(passed=2)
    assert path.read_text(encoding="utf-8") == text
    assert "Bearer apiauth-" in api.cassettes()["test_two.yaml"]
    assert not [secret for secret in api.secrets for each in api.cassettes().values() if secret in each]
    run("test_it.py", "--apiauth-live", "--record-mode=rewrite").assert_outcomes(passed=2)
    assert "earlier" not in path.read_text(encoding="utf-8")


def test_without_a_tape_the_fixture_is_refused(pytester: pytest.Pytester, api: Api, run: Run) -> None:
    """A test that was recorded without its fixture's tape says in one line how both are recorded."""
    project(pytester, api)
    run("test_it.py", *ONCE).assert_outcomes(passed=2)
    (api.folder / "cassettes" / "conftest" / "library.yaml").unlink()
    api.forget()
    result = run("test_it.py", "-k", "two")
    result.assert_outcomes(errors=1)
    told(
        result, "reached for 127.0.0.1: a run without --apiauth-live lets nothing out, and no cassette answers this;",
        "record it: pytest test_it.py::test_two --apiauth-live --record-mode=rewrite",
    )  # fmt: skip
    assert api.server.requests == []


def test_fixture_that_cannot_be_set_up_leaves_no_tape(pytester: pytest.Pytester, api: Api, run: Run) -> None:
    """What was asked before a fixture failed is not written."""
    project(pytester, api)
    api.server.respond("POST", "token", status=503, json={"error": "down"})
    run("test_it.py", *ONCE).assert_outcomes(errors=2)
    assert api.cassettes() == {}


def test_token_that_another_test_has_asked_for_is_told(pytester: pytest.Pytester, api: Api, run: Run) -> None:
    """A token that is asked for in the first test is on its tape; the second, by itself, says what to do."""
    project(pytester, api)
    pytester.makeconftest(LIBRARY.replace("SCOPE", "session").replace("        made.log_in()\n", ""))
    run("test_it.py", *ONCE).assert_outcomes(passed=2)
    api.forget()
    run("test_it.py").assert_outcomes(passed=2)
    told(
        run("test_it.py", "-k", "two"), "test_two.yaml: the cassette has no answer to POST", "/public/token",
        "if another test has asked for the token, ask where the fixture is set up, or record it anew: pytest",
    )  # fmt: skip


def test_fixture_asks_anybody_else_as_before(pytester: pytest.Pytester, api: Api, run: Run) -> None:
    """What is no profile's host is neither recorded nor kept out; nor is a fixture taped for a test without a tape."""
    project(pytester, api)
    pytester.makeconftest(
        """
        import http.server, threading, httpx, pytest

        @pytest.fixture(scope="session")
        def library():
            class Handler(http.server.BaseHTTPRequestHandler):
                def do_GET(self):
                    self.send_response(200)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
            with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
                threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
                answer = httpx.get(f"http://127.0.0.1:{server.server_port}/")
                server.shutdown()
            return answer
        """
    )
    pytester.makepyfile(
        test_it="import pytest\n@pytest.mark.vcr\ndef test_one(library): assert library.status_code == 200\n"
    )
    run("test_it.py", *ONCE).assert_outcomes(passed=1)
    run("test_it.py").assert_outcomes(passed=1)
    assert api.cassettes() == {}
    assert "cassettes" not in output(run("test_it.py"))


def test_asynchronous_and_parametrized_fixtures_have_tapes(pytester: pytest.Pytester, api: Api, run: Run) -> None:
    """A fixture of a class, with parameters, that asks in an event loop has a tape for each parameter."""
    project(pytester, api)
    pytester.makeconftest("")
    pytester.makepyfile(
        test_it="""
        import os, httpx, pytest

        @pytest.fixture(scope="module")
        def anyio_backend(): return "asyncio"

        class TestAll:
            @pytest.fixture(scope="class", params=[1, 2])
            async def token(self, anyio_backend, request):
                asked = {"grant_type": "password", "username": os.environ["JINDEXE_USERNAME"],
                         "password": os.environ["JINDEXE_PASSWORD"]}
                async with httpx.AsyncClient(headers={"X-API-KEY": os.environ["JINDEXE_API_KEY"]}) as http:
                    answer = await http.post(os.environ["SHOP_URL"] + "/public/token", json=asked)
                return answer.json()["access_token"]

            @pytest.mark.vcr
            @pytest.mark.anyio
            async def test_one(self, token):
                async with httpx.AsyncClient(headers={"X-API-KEY": os.environ["JINDEXE_API_KEY"]}) as http:
                    headers = {"Authorization": "Bearer " + token}
                    assert (await http.get(os.environ["SHOP_URL"] + "/user/me", headers=headers)).status_code == 200
        """
    )
    run("test_it.py", *ONCE).assert_outcomes(passed=2)
    assert sorted(api.cassettes()) == [
        "TestAll.test_one[1].yaml", "TestAll.test_one[2].yaml", "TestAll.token[0].yaml", "TestAll.token[1].yaml",
    ]  # fmt: skip

    api.forget()
    api.monkeypatch.delenv("SHOP_URL")
    run("test_it.py").assert_outcomes(passed=2)
    assert api.server.requests == []


def test_teardown_of_a_fixture_is_on_its_tape(pytester: pytest.Pytester, api: Api, run: Run) -> None:
    """What a fixture asks while it is torn down, to give a token back, is added to its tape, and replayed."""
    project(pytester, api)
    pytester.makeconftest(LIBRARY.replace("SCOPE", "session").replace("yield made", "yield made; made.me()"))
    for _ in range(2):
        run("test_it.py", "--apiauth-live", "--record-mode=rewrite").assert_outcomes(passed=2)
        text = api.cassettes()["library.yaml"]
        assert text.count("- request:") == 2
        assert not [secret for secret in api.secrets if secret in text]

    api.forget()
    api.monkeypatch.delenv("SHOP_URL")
    run("test_it.py").assert_outcomes(passed=2)
    assert api.server.requests == []
    assert "SHOP_URL" not in os.environ
