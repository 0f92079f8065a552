"""No secret in anything that a run prints or writes: every credential and token of a live run is looked for."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from pytest_apiauth.embedded import Server
from pytest_apiauth.embedded.loopback import serve
from pytest_apiauth.messages import Request, Response
from pytest_apiauth.profile import loading
from tests.here import EACH
from tests.plugin.projects import Run, output

SPECIAL = """
[clients.special]
client_id = { env = "SPECIAL_CLIENT_ID" }
client_secret = { env = "SPECIAL_CLIENT_SECRET" }
redirect_uri = { env = "SPECIAL_REDIRECT_URI" }
[grants.client_credentials]
client = "special"
"""
"""Tokens by a client whose secret has a colon, a blank, a percent sign, a slash and a plus in it."""

PROFILES = {
    "dastra": (SPECIAL, "/v1/workspaces", "any-grant-accepted"),
    "jindexe": ("", "/user/me", "any-credential-suffices"),
}
"""What a profile adds, what its tests ask for, and a fault that makes a rule fail."""

LEAKY = """
    import json
    import logging
    import os

    import pytest

    def test_locals(apiauth_client, apiauth_token):
        answer = apiauth_client.get(PATH)
        request, headers = answer.request, answer.request.headers
        assert answer.status_code == 999

    def test_print(apiauth_token, apiauth_client):
        print(apiauth_token, repr(apiauth_token), apiauth_token.access_token.reveal())
        logging.getLogger("shop").warning("token %s", apiauth_token.access_token.reveal())
        sent = apiauth_client.get(PATH).request.headers
        print(json.dumps(dict(sent)), dict(sent), sent.raw)
        raise RuntimeError("with token " + apiauth_token.access_token.reveal())

    def test_property(apiauth_token, record_property):
        record_property("token", apiauth_token.access_token.reveal())

    def test_environment(apiauth_client):
        apiauth_client.get(PATH)
        print(json.dumps(dict(os.environ)), dict(os.environ))
        assert False

    @pytest.fixture
    def broken(apiauth_token):
        yield
        raise RuntimeError(apiauth_token.access_token.reveal())

    def test_teardown(broken):
        pass

    def test_skip(apiauth_token):
        pytest.skip("no " + apiauth_token.access_token.reveal())

    def test_passes(apiauth_token, apiauth_client):
        print(apiauth_token.access_token.reveal())
        assert apiauth_client.get(PATH).status_code == 200
"""


@dataclass
class Api:
    """A live API and everything about it that must not be seen."""

    path: str
    fault: str
    server: Server
    secrets: set[str] = field(default_factory=set)

    def handle(self, request: Request) -> Response:
        """Answer, and remember the tokens that go out."""
        response = Server.handle(self.server, request)
        members = response.json()
        if isinstance(members, dict):
            self.secrets |= {str(members[name]) for name in ("access_token", "refresh_token") if name in members}
        return response

    def seen_in(self, text: str) -> set[str]:
        """Give the forms of secrets that a text has."""
        return {form for secret in self.secrets for form in forms(secret) if form in text}


def forms(secret: str) -> Iterator[str]:
    """Give the forms in which somebody who looks for a secret would find it."""
    raw = secret.encode()
    plain = (secret, json.dumps(secret)[1:-1], repr(secret)[1:-1])
    yield from plain
    yield from (form.replace("&", "&amp;").replace('"', "&quot;") for form in plain)
    yield from (quote(secret, safe=""), quote_plus(secret))
    # As the second half of id:secret it may be shifted by one or two bytes.
    for shift in range(3):
        letters = base64.b64encode(b"\0" * shift + raw).decode().rstrip("=")[2 * shift : -2]
        yield from (letters, letters.replace("+", "-").replace("/", "_"))


@pytest.fixture(params=["dastra", "jindexe"])
def api(request: pytest.FixtureRequest, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """Serve an API on loopback, with a profile that leads there and credentials in the environment."""
    name = str(request.param)
    more, path, fault = PROFILES[name]
    file = pytester.path / "real.apiauth.toml"
    file.write_text(f'schema = 1\nextends = "{name}"\n{more}', encoding="utf-8")
    server = Server(loading.load(file), faults=[fault])
    api = Api(path, fault, server)
    monkeypatch.setattr(server, "handle", api.handle)
    with serve(server) as url:
        places = [f'api_url = "{url}"']
        if name == "dastra":
            places += [f'token_url = "{url}/connect/token"', f'authorize_url = "{url}/connect/authorize"']
        lines = ["schema = 1", f'extends = "{name}"', *places, more]
        file.write_text("\n".join(lines), encoding="utf-8")
        for variable, value in server.environment.items():
            if variable.startswith("APIAUTH_"):
                # Of identities that the server has and the profile does not name.
                continue
            monkeypatch.setenv(variable, value)
            if not variable.endswith(("CLIENT_ID", "USERNAME", "REDIRECT_URI")):
                api.secrets.add(value)
        yield api


def assert_nothing_shows(api: Api, result: pytest.RunResult, folder: Path, *files: str) -> None:
    """Require that no secret is printed or written, and that the files were looked into."""
    assert len(api.secrets) > 3
    assert api.seen_in(output(result)) == set()
    looked = set()
    for path in folder.rglob("*"):
        if path.is_file() and path.suffix != ".pyc":
            looked.add(path.name)
            assert api.seen_in(path.read_bytes().decode("utf-8", "replace")) == set(), path
            assert api.seen_in(path.name) == set()
    assert looked.issuperset(files)


EVERYTHING = (
    "--apiauth-live", "--showlocals", "--log-level=DEBUG", "-rA", "--apiauth-report=report.json",
    "--junit-xml=junit.xml", "-o", "junit_logging=all", "-o", "junit_family=xunit1",
)  # fmt: skip
WRITTEN = ("report.json", "junit.xml", "nodeids")


@pytest.mark.parametrize("library", EACH)
def test_fixtures_of_failing_tests_show_no_secret(pytester: pytest.Pytester, run: Run, api: Api, library: str) -> None:
    """Tests that fail with clients and tokens at hand, print them, log them and raise them show no secret."""
    pytester.makepyfile(test_it=LEAKY.replace("PATH", repr(api.path)))

    result = run("test_it.py", *EVERYTHING, "-vv", f"--apiauth-http={library}")

    result.assert_outcomes(failed=3, passed=3, skipped=1, errors=1)
    assert "[apiauth:real." in output(result)
    assert_nothing_shows(api, result, pytester.path, *WRITTEN)


@pytest.mark.slow
def test_suite_shows_no_secret(pytester: pytest.Pytester, run: Run, api: Api) -> None:
    """A live run of the suite in which rules fail shows no secret, in curl lines least of all."""
    result = run("real.apiauth.toml", *EVERYTHING, "-v", "-k", "zones or token or passwords or leaks")

    outcomes = result.parseoutcomes()
    assert outcomes["failed"] >= 1, output(result)
    assert outcomes["passed"] >= 5
    assert "curl -i" in output(result)
    assert_nothing_shows(api, result, pytester.path, *WRITTEN)


@pytest.mark.parametrize("verbosity", ["-q", "-v", "-vv"])
def test_comparison_shows_no_part_of_a_secret(pytester: pytest.Pytester, run: Run, api: Api, verbosity: str) -> None:
    """A comparison that pytest cuts short in the middle shows no half of a secret either."""
    pytester.makepyfile(
        test_it="""
        def test_compare(apiauth_token):
            secret = apiauth_token.access_token.reveal()
            headers = {"some-other-header": "x" * 200, "authorization": "Bearer " + secret, "last": "y" * 30}
            assert secret == "another"
        """
    )

    result = run("test_it.py", "--apiauth-live", "--showlocals", verbosity)

    result.assert_outcomes(failed=1)
    text = output(result)
    for secret in api.secrets:
        assert secret[:12] not in text
        assert secret[-12:] not in text


@pytest.mark.slow
def test_project_s_own_hypothesis_keeps_no_secret(pytester: pytest.Pytester, run: Run, api: Api) -> None:
    """A property of the project that fails with a client at hand leaves no secret in Hypothesis' folder."""
    pytester.makepyfile(
        test_it=f"""
        from hypothesis import HealthCheck, given, settings, strategies as st
        from hypothesis.database import DirectoryBasedExampleDatabase

        @settings(
            max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture],
            database=DirectoryBasedExampleDatabase(".hypothesis/examples"),
        )
        @given(number=st.integers(0, 9))
        def test_property(apiauth_client, apiauth_token, number):
            assert apiauth_client.get({api.path!r}).status_code == number
        """
    )

    result = run("test_it.py", *EVERYTHING, "-v")

    result.assert_outcomes(failed=1)
    assert (pytester.path / ".hypothesis").is_dir()
    assert_nothing_shows(api, result, pytester.path, *WRITTEN)
