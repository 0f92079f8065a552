"""One test that talks to several APIs: clients, doubles and variables of each."""

from __future__ import annotations

import pytest
import requests  # noqa: F401 - a run in this process would import it anew

from tests.plugin.live_projects import project
from tests.plugin.projects import SMALL, Run, output, passes, served, told

COPYING = """
import os
import httpx
import pytest
import requests

DASTRA, JINDEXE = "https://api.dastra.eu", "https://jindexe.example"

def names():
    auth = (os.environ["DASTRA_CLIENT_ID"], os.environ["DASTRA_CLIENT_SECRET"])
    data = {"grant_type": "client_credentials", "scope": "api1"}
    token = httpx.post("https://account.dastra.eu/connect/token", auth=auth, data=data).json()["access_token"]
    found = httpx.get(f"{DASTRA}/v1/workspaces", headers={"Authorization": f"Bearer {token}"}).json()["items"]
    return [each["label"] for each in found]

def save(names, http=requests):
    asked = {"grant_type": "password", "username": os.environ["JINDEXE_USERNAME"]}
    asked["password"] = os.environ["JINDEXE_PASSWORD"]
    key = {"X-API-KEY": os.environ["JINDEXE_API_KEY"]}
    token = http.post(f"{JINDEXE}/public/token", json=asked, headers=key).json()["access_token"]
    return http.post(f"{JINDEXE}/user/names", json=names, headers={**key, "Authorization": f"Bearer {token}"})
"""
"""A client that moves data from one API to another, by two libraries."""


@pytest.mark.slow
def test_a_mock_stands_in_for_several(pytester: pytest.Pytester, run: Run) -> None:
    """One mark with several names, or several marks: each API has a server at its hosts, and its variables."""
    source = f"""{COPYING}
@pytest.mark.apiauth("dastra", "jindexe")
@pytest.mark.parametrize("http", [httpx, requests])
def test_one_mark(apiauth_mock, apiauth_server, apiauth_servers, http):
    assert apiauth_servers["dastra"] is apiauth_server
    saved = apiauth_servers["jindexe"].respond("POST", "/user/names", status=201, json={{}})
    assert save(names(), http).status_code == 201
    assert saved.requests[0].json()[0] == "My data company"
    assert apiauth_servers["jindexe"].tokens_issued == apiauth_server.tokens_issued == 1

@pytest.mark.apiauth("dastra", variant="jwt-tokens")
@pytest.mark.apiauth("jindexe", user="second")
class TestTwoMarks:
    def test_each_has_its_own_arguments(self, apiauth_mock, apiauth_profile, apiauth_client_factory, apiauth_servers):
        assert apiauth_profile.name == "jindexe"
        assert names()
        assert apiauth_servers["dastra"].issue().reveal().count(".") == 2
        assert apiauth_servers["jindexe"].issue().reveal().count(".") == 0
        me = apiauth_client_factory().get("/user/me").json()["user"]
        assert me == os.environ["JINDEXE_USERNAME"] and me.startswith("second.")

    @pytest.mark.apiauth("dastra")
    def test_the_nearest_level_counts(self, apiauth_mock, apiauth_profile):
        assert apiauth_profile.name == "dastra" and names()
        assert "JINDEXE_USERNAME" not in os.environ

@pytest.mark.apiauth("dastra", "jindexe")
def test_own_route(apiauth_mock):
    apiauth_mock.post(f"{{JINDEXE}}/user/names").respond(503)
    assert save(names()).status_code == 503
"""

    passes(pytester, run, source)


def test_clients_of_another_profile(pytester: pytest.Pytester, run: Run) -> None:
    """The factory makes clients of any profile, named by a mark or not; each API has one server and its own tokens."""
    source = """
import asyncio
import pytest

pytestmark = pytest.mark.apiauth("dastra")

def test_factory(apiauth_client, apiauth_client_factory, apiauth_servers):
    other = apiauth_client_factory(profile="jindexe", user="second")
    assert apiauth_client.get("/v1/workspaces").status_code == other.get("/user/me").status_code == 200
    assert other.get("/user/me").json()["user"].startswith("second.")
    assert apiauth_client_factory(profile="jindexe", credentials=()).get("/user/me").status_code in (400, 401, 403)
    assert apiauth_servers["jindexe"].tokens_issued == 1
    assert apiauth_servers["dastra"].tokens_issued == 1
    own = apiauth_client_factory(profile="dastra")
    assert own.base_url == apiauth_client.base_url
    apiauth_servers["jindexe"].expire()
    assert other.get("/user/me").status_code == 200
    assert apiauth_servers["jindexe"].token_requests == 2

def test_async(apiauth_client_factory):
    async def ask():
        async with apiauth_client_factory.async_client(profile="digishare") as client:
            return await client.get("/campaigns")

    assert asyncio.run(ask()).status_code == 200

@pytest.mark.parametrize("apiauth_variant", ["jwt-tokens"])
def test_variant_of_all(apiauth_servers):
    issued = [apiauth_servers[name].issue().reveal().count(".") for name in ("dastra", "jindexe")]
    assert issued == [2, 2]

def test_unknown(apiauth_client_factory):
    with pytest.raises(Exception, match="no profile 'jindex' .did you mean 'jindexe'"):
        apiauth_client_factory(profile="jindex")

@pytest.mark.apiauth("dastra", "jindexe")
def test_urls(apiauth_url, apiauth_urls):
    import os, urllib.request
    assert apiauth_urls["dastra"] is apiauth_url
    key = {"X-API-KEY": os.environ["JINDEXE_API_KEY"]}
    asked = urllib.request.Request(f"{apiauth_urls['jindexe']}/public/cards", headers=key)
    assert urllib.request.urlopen(asked).status == 200
    assert apiauth_urls["digishare"].profile.name == "digishare"
"""

    passes(pytester, run, source)


def test_a_variable_of_two_profiles_has_one_value(pytester: pytest.Pytester, run: Run) -> None:
    """Two APIs that take the key of one variable both let in who reads it there."""
    for name in ("shop", "store"):
        text = SMALL.replace("api.shop.example", f"api.{name}.example")
        (pytester.path / f"{name}.apiauth.toml").write_text(text, encoding="utf-8")
    source = """
import os
import httpx
import pytest

@pytest.mark.apiauth("shop", "store")
def test_it(apiauth_mock):
    key = {"X-Shop-Key": os.environ["SHOP_KEY"]}
    for name in ("shop", "store"):
        assert httpx.get(f"https://api.{name}.example/user/me", headers=key).status_code == 200
        assert httpx.get(f"https://api.{name}.example/user/me").status_code != 200
"""

    passes(pytester, run, source)


def test_two_profiles_of_one_host_are_told(pytester: pytest.Pytester, run: Run) -> None:
    """Only one server can stand in for a host; the clients of fixtures meet each its own all the same."""
    (pytester.path / "shop.apiauth.toml").write_text(
        'schema = 1\nextends = "dastra"\napi_url = "https://api.shop.example"\n', encoding="utf-8"
    )
    path = pytester.makepyfile(
        """
        import pytest

        pytestmark = pytest.mark.apiauth("dastra", "shop")

        def test_mock(apiauth_mock): ...

        def test_clients(apiauth_client, apiauth_client_factory):
            clients = apiauth_client, apiauth_client_factory(profile="shop")
            assert [each.get("/v1/workspaces").status_code for each in clients] == [200, 200]
        """
    )

    result = run(path.name)

    result.assert_outcomes(passed=1, errors=1)
    told(result, "apiauth_mock: dastra and shop both answer for https://account.dastra.eu, and one server can")


def test_hosts_of_all_are_out_of_reach(pytester: pytest.Pytester, run: Run) -> None:
    """Without --apiauth-live no host of any profile that a mark or the factory names is reached."""
    path = pytester.makepyfile(
        """
        import pytest, requests

        @pytest.mark.apiauth("dastra", "jindexe")
        def test_marks(): requests.get("https://jindexe.example")

        @pytest.mark.apiauth("dastra")
        def test_factory(apiauth_client_factory):
            apiauth_client_factory(profile="digishare")
            requests.get("https://api.digishare.ma/campaigns")
        """
    )

    result = run(path.name)

    result.assert_outcomes(failed=2)
    told(result, "requests reached for jindexe.example: a run without --apiauth-live")
    told(result, "requests reached for api.digishare.ma: a run without --apiauth-live")


def test_live_each_is_told_and_held_to_its_own_limits(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    """A live run says beforehand where it goes for both, and one's budget is not the other's."""
    path = pytester.makepyfile(
        """
        import pytest

        @pytest.mark.apiauth("one", "other")
        def test_it(apiauth_client_factory):
            one, other = (apiauth_client_factory(profile=name) for name in ("one", "other"))
            assert [each.get("/user/me").status_code for each in (one, other, other)] == [200, 200, 200]
            one.get("/user/me")

        @pytest.mark.apiauth("one", "other")
        def test_mock(apiauth_mock, apiauth_servers): ...
        """
    )
    with served("jindexe") as (one, first), served("jindexe") as (other, second):
        for name, url, server, most in (("one", one, first, 2), ("other", other, second, 9)):
            project(pytester, monkeypatch, url, server, f"[live]\nmax_requests = {most}\n")
            (pytester.path / "shop.apiauth.toml").rename(pytester.path / f"{name}.apiauth.toml")
        result = run(path.name, "--apiauth-live", "-rs")

    result.assert_outcomes(failed=1, skipped=1)
    text = output(result)
    assert text.index("apiauth: one.apiauth.toml: about to send requests to") < text.index(path.name + " F")
    assert text.index("apiauth: other.apiauth.toml: about to send requests to") < text.index(path.name + " F")
    assert "one: the budget of 2 requests is spent" in text
    assert [len(server.requests) for server in (first, second)] == [2, 3]


def test_live_worker_goes_nowhere_that_no_mark_names(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    """Nobody was told beforehand where a worker of pytest-xdist would go, so it is refused in one line."""
    pytester.makeconftest(
        """
        import pytest

        @pytest.hookimpl(tryfirst=True)
        def pytest_configure(config):
            config.workerinput = {"apiauth_seed": 0, "apiauth_folder": str(config.rootpath)}
        """
    )
    path = pytester.makepyfile("def test_it(apiauth_client_factory): apiauth_client_factory(profile='dastra')")
    with served("jindexe") as (url, server):
        project(pytester, monkeypatch, url, server)
        result = run(path.name, "--apiauth-live", "--apiauth-profile=shop", "-p", "no:xdist")

    result.assert_outcomes(failed=1)
    told(result, "profile 'dastra': no mark of this test names it", '@pytest.mark.apiauth("shop", "dastra")')


def test_tests_that_share_their_fixtures_share_all_apis(pytester: pytest.Pytester, run: Run) -> None:
    """With a wider scope the module's marks say which APIs there are; one that a test adds for itself is refused."""
    pytester.makeini("[pytest]\napiauth_server_scope = module")
    path = pytester.makepyfile(
        f"""{COPYING}
pytestmark = pytest.mark.apiauth("dastra", "jindexe")

@pytest.fixture(scope="module")
def saved(apiauth_mock, apiauth_servers):
    return apiauth_servers["jindexe"].respond("POST", "/user/names", status=201, json={{}})

@pytest.mark.parametrize("turn", [1, 2])
def test_both(apiauth_mock, apiauth_servers, saved, turn):
    assert save(names(), httpx).status_code == 201
    assert apiauth_servers["jindexe"].tokens_issued == 1

@pytest.mark.apiauth("dastra", "digishare")
def test_another(apiauth_mock): ...
"""
    )

    result = run(path.name, "-p", "no:randomly")

    result.assert_outcomes(passed=2, errors=1)
    told(result, "this test is about dastra (", "), digishare (", "and its fixtures are about dastra (", "), jindexe (")


def test_each_example_of_a_property_begins_anew_for_all(pytester: pytest.Pytester, run: Run) -> None:
    """An API that the first example asks for is brought back before the next, as the test's own is."""
    source = """
import pytest
from hypothesis import given, settings, strategies as st

SEEN = []

@pytest.mark.apiauth("dastra", "jindexe")
@settings(max_examples=5, database=None)
@given(number=st.integers())
def test_it(apiauth_client_factory, apiauth_servers, number):
    server = apiauth_servers["jindexe"]
    SEEN.append(len(server.requests_to("/user/me")))
    assert apiauth_client_factory(profile="jindexe").get("/user/me").status_code == 200
    server.respond("GET", "/user/me", status=503)
    assert SEEN == [0] * len(SEEN)
"""

    passes(pytester, run, source)
