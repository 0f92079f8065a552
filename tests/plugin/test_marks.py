"""What a mark chooses for one test: variants, faults, lifetimes, scopes, a changed profile, who acts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugin.app_projects import write
from tests.plugin.own_projects import PROFILE, RULES, write_own
from tests.plugin.projects import Run, output, passes, told

ASKING = """
import os
from datetime import timedelta
import httpx
import pytest

def token():
    auth = (os.environ["DASTRA_CLIENT_ID"], os.environ["DASTRA_CLIENT_SECRET"])
    data = {"grant_type": "client_credentials", "scope": "api1"}
    return httpx.post("https://account.dastra.eu/connect/token", auth=auth, data=data).json()
"""
"""Production code, in the file of its tests."""


def test_one_test_has_a_variant_a_fault_a_lifetime(pytester: pytest.Pytester, run: Run) -> None:
    """The mark changes the embedded server of its test and of no other; of several the nearest counts."""
    source = f"""{ASKING}
pytestmark = pytest.mark.apiauth("dastra", lifetime=90)

def test_of_the_module(apiauth_mock):
    assert (token()["expires_in"], token()["token_type"]) == (90, "Bearer")

@pytest.mark.apiauth(variant="jwt-tokens")
def test_variant(apiauth_mock, apiauth_client):
    assert token()["access_token"].count(".") == 2
    assert apiauth_client.get("/v1/workspaces").status_code == 200

@pytest.mark.apiauth(variants=["jwt-tokens", "token-type-lower-case"], lifetime=timedelta(minutes=5))
class TestSeveral:
    def test_both(self, apiauth_mock):
        found = token()
        assert (found["expires_in"], found["token_type"], found["access_token"].count(".")) == (300, "bearer", 2)

    @pytest.mark.apiauth(variant=())
    def test_none(self, apiauth_mock):
        assert token()["token_type"] == "Bearer"

@pytest.mark.apiauth(fault="token-type-missing")
def test_fault(apiauth_mock):
    assert "token_type" not in token()

def test_the_next_test_has_none_of_it(apiauth_mock):
    assert token()["access_token"].count(".") == 0

def test_time(apiauth_client, apiauth_server):
    apiauth_client.get("/v1/workspaces")
    apiauth_server.clock.advance(89)
    apiauth_client.get("/v1/workspaces")
    assert apiauth_server.tokens_issued == 2
"""

    passes(pytester, run, source)


def test_a_test_over_several_variants(pytester: pytest.Pytester, run: Run) -> None:
    """Parameters choose: by the fixture apiauth_variant, by a mark of their own, by a fixture with parameters."""
    pytester.makepyfile(
        f"""{ASKING}
pytestmark = pytest.mark.apiauth("dastra")

@pytest.mark.parametrize("apiauth_variant", ["jwt-tokens", ["token-type-in-capitals", "jwt-tokens"], None])
def test_fixture(apiauth_mock, apiauth_variant):
    assert (token()["access_token"].count(".") == 2) == (apiauth_variant is not None)

@pytest.mark.parametrize("apiauth_fault", ["token-type-missing"])
def test_unnamed(apiauth_mock):
    assert "token_type" not in token()

@pytest.mark.apiauth(variant="token-type-lower-case")
@pytest.mark.parametrize("dots", [pytest.param(2, marks=pytest.mark.apiauth(variant="jwt-tokens")), 0])
def test_marks(apiauth_mock, dots):
    found = token()
    assert (found["access_token"].count("."), found["token_type"]) == (dots, "Bearer" if dots else "bearer")

class TestEvery:
    @pytest.fixture(params=["jwt-tokens"])
    def apiauth_variant(self, request):
        return request.param

    def test_it(self, apiauth_mock):
        assert token()["access_token"].count(".") == 2
"""
    )

    result = run("-v", "-W", "error")

    assert result.parseoutcomes() == {"passed": 7}, output(result)
    told(result, "test_fixture[jwt-tokens] PASSED")
    told(result, "test_it[jwt-tokens] PASSED")


def test_one_test_changes_the_profile(pytester: pytest.Pytester, run: Run) -> None:
    """Keys of the profile, dotted or nested, and the scope hold for one test: for client, server and fixture alike."""
    source = """
import pytest

pytestmark = pytest.mark.apiauth("dastra", changes={"token.answer.expires_in": 60, "zones.api.path": "/v3/"})

@pytest.mark.apiauth(changes={"zones": {"api": {"path": "/v2/", "probe": ["/v2/me"], "example": {"id": 7}}}})
def test_zone(apiauth_client, apiauth_client_factory, apiauth_profile):
    assert apiauth_profile.zones["api"].path == "/v2/"
    assert apiauth_profile.token.answer.expires_in == 60
    assert apiauth_client.get("/v2/me").json() == {"id": 7}
    assert apiauth_client.get("/v1/workspaces").status_code == 404
    assert apiauth_client_factory(credentials=()).get("/v2/me").status_code == 401

@pytest.mark.apiauth(scope="api1 reports")
def test_scope(apiauth_token, apiauth_client, apiauth_server):
    assert apiauth_token.scope == "api1 reports"
    assert apiauth_client.get("/v3/x").status_code == 200
    assert [each.form()["scope"] for each in apiauth_server.requests_to("token")] == ["api1 reports"]

@pytest.mark.apiauth("dastra", changes={"credentials.refresh_token": False, "zones.api.path": "/v1/"})
def test_removed(apiauth_profile):
    assert apiauth_profile.credentials.refresh_token is None
    assert apiauth_profile.credentials.client_id is not None
"""

    passes(pytester, run, source)


@pytest.mark.parametrize(("way", "base"), [("mock", "apiauth_profile.base_url"), ("url", "apiauth_url")])
def test_the_marks_user_client_and_key_are_in_the_environment(
    pytester: pytest.Pytester, run: Run, way: str, base: str
) -> None:
    """Production code that reads the variables of the profile acts as the mark says, as the fixtures' client does."""
    source = f"""
import os
import httpx
import pytest

def me(base, names=("USERNAME", "PASSWORD", "API_KEY")):
    user, password, key = (os.environ[f"JINDEXE_{{name}}"] for name in names)
    headers = {{"X-API-KEY": key}}
    asked = {{"grant_type": "password", "username": user, "password": password}}
    found = httpx.post(f"{{base}}/public/token", json=asked, headers=headers)
    headers["Authorization"] = f"Bearer {{found.json()['access_token']}}"
    return httpx.get(f"{{base}}/user/me", headers=headers).json()["user"], key

@pytest.mark.apiauth("jindexe", user="second", key="second")
def test_second(apiauth_{way}, apiauth_client, apiauth_server, apiauth_profile):
    base = {base}
    answer = apiauth_client.get("/user/me")
    assert me(base) == (answer.json()["user"], answer.request.headers["x-api-key"])
    assert me(base)[0].startswith("second.")
    env = apiauth_server.environment_of(user="second", key="second")
    assert env["JINDEXE_API_KEY"] == me(base)[1] != apiauth_server.environment["JINDEXE_API_KEY"]

@pytest.mark.apiauth("dastra", client="second")
def test_client(apiauth_{way}):
    assert os.environ["DASTRA_CLIENT_ID"].startswith("dastra-second-")
"""

    passes(pytester, run, source)


@pytest.mark.parametrize(
    ("mark", "words"),
    [
        ('variant="nope"', ["no variant is called 'nope'; `python -m pytest_apiauth variants` lists them"]),
        ('variant="jwt-token"', ["did you mean 'jwt-tokens'?", "`python -m pytest_apiauth variants` lists all"]),
        ('variant="zone-open"', ["no variant is called 'zone-open': it is a fault"]),
        ('fault="shop_rules.x"', ["no fault is called 'shop_rules.x'", "`python -m pytest_apiauth faults` lists"]),
        ("fault=1", ["fault: expected a name, or a list of names, got int"]),
        ("variants=['jwt-tokens', 2]", ["variants: expected a name, or a list of names, got int"]),
        ("variant='a', variants='b'", ["variant is given twice"]),
        ("lifetime=0", ["lifetime: expected whole seconds, from 1 on, got 0"]),
        ("lifetime='1h'", ["lifetime: expected seconds or a timedelta, got str"]),
        ("scope=['a']", ["scope: expected words with a blank between, got list"]),
        ("changes=1", ["changes: expected keys of the profile", "got int"]),
        ("changes={'token.scop': 'a'}", ["dastra: changes: token.scop: unknown key (did you mean 'scope'?)"]),
        ("changes={'credentials.client_secret': 'a'}", ["credentials.client_secret: write where the secret is"]),
        ("user='third'", ["dastra: no 'third' in [users]; known are: default"]),
    ],
)
def test_what_a_mark_cannot_mean_is_one_line(pytester: pytest.Pytester, run: Run, mark: str, words: list[str]) -> None:
    """Findings 27 and 30 among it: an unknown user is told if no grant has one, and far names are not suggested."""
    path = pytester.makepyfile(
        f"import pytest\n@pytest.mark.apiauth('dastra', {mark})\ndef test_it(apiauth_mock): assert False, 'ran'"
    )

    result = run(path.name)

    assert result.ret == 1
    told(result, *words)


def test_own_faults_for_one_test(pytester: pytest.Pytester, run: Run) -> None:
    """A fault of the profile's own rules may be chosen by the mark, as by the option."""
    fault = "def gone(request, answer):\n    return type(answer)(410)\n\n\n"
    write_own(
        RULES.replace("@rule(", f"{fault}@rule(", 1).replace("control=ITSELF)", "catches=gone, control=ITSELF)", 1)
    )
    source = """
import pytest

@pytest.mark.apiauth(fault="shop_rules.gone")
def test_gone(apiauth_client):
    assert apiauth_client.get("/user/me").status_code == 410

def test_there(apiauth_client):
    assert apiauth_client.get("/user/me").status_code == 200
"""

    assert "shop_rules.py" in PROFILE
    passes(pytester, run, source)


def test_what_only_the_embedded_server_can_do_is_skipped_live(pytester: pytest.Pytester, run: Run) -> None:
    """A live run skips such a test before anything is sent; beside a cassette it fails in one line in every run."""
    path = pytester.makepyfile(
        """
        import pytest

        pytestmark = pytest.mark.apiauth("dastra")

        @pytest.mark.apiauth(variant="jwt-tokens", lifetime=60)
        def test_live(apiauth_client): ...

        @pytest.mark.apiauth(fault="zone-open")
        @pytest.mark.vcr
        def test_cassette(apiauth_client): ...
        """
    )

    live, offline = run(path.name, "--apiauth-live", "-rs"), run(path.name)

    live.assert_outcomes(skipped=1, errors=1)
    assert "variant='jwt-tokens', lifetime=60 is for the embedded server; this is a live run" in output(live)
    offline.assert_outcomes(passed=1, errors=1)
    told(offline, "@pytest.mark.apiauth(fault='zone-open') and @pytest.mark.vcr in one test")


def test_an_app_gives_way_for_one_test(pytester: pytest.Pytester, run: Run, project: Path) -> None:
    """The embedded server takes its place for a variant; with a changed profile it is the same app, started once."""
    write(project)
    path = pytester.makepyfile(
        **{
            "tests/test_both": """
        import pytest

        def test_app(apiauth_client):
            assert "place" in apiauth_client.get("/user/me").json()

        @pytest.mark.apiauth(variant="jwt-tokens")
        def test_double(apiauth_client, apiauth_server):
            assert apiauth_client.get("/user/me").json() == {"zone": "user"}

        @pytest.mark.apiauth(changes={"zones.user.needs": []})
        def test_changed(apiauth_client, apiauth_profile):
            assert not apiauth_profile.zones["user"].needs
            assert "place" in apiauth_client.get("/user/me").json()

        @pytest.mark.apiauth(changes={"api_url": "https://other.example"})
        def test_elsewhere(apiauth_client): ...
        """
        }
    )

    result = run(str(path), "-p", "no:randomly")

    result.assert_outcomes(passed=3, errors=1)
    told(result, "shop: changes: the app at work in this process answers for https://api.shop.example")
    assert (project / "lifespan.txt").read_text(encoding="utf-8") == "startup shutdown "
