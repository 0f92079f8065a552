"""What a cassette lacks, told beside the nearest that it has, or added to it; and the variables it is played with."""

from __future__ import annotations

import os

import pytest
import yaml

from tests.plugin.projects import Run, told
from tests.recording.live_api import ONCE, Api, api, write

__all__ = ["api"]  # the fixture

EPISODES = """
        import os, httpx

        @pytest.mark.vcr
        def test_own():
            with httpx.Client(base_url="API", headers={"X-API-KEY": os.environ["JINDEXE_API_KEY"]}) as http:
                asked = {"grant_type": "password", "username": os.environ["JINDEXE_USERNAME"],
                         "password": os.environ["JINDEXE_PASSWORD"]}
                token = http.post("/public/token", json=asked).json()["access_token"]
                for page in range(1, PAGES + 1):
                    headers = {"Authorization": "Bearer " + token}
                    assert http.get("/user/me", params={"page": page}, headers=headers).status_code == 200

        @pytest.mark.vcr
        def test_fixture(apiauth_client):
            for page in range(1, PAGES + 1):
                assert apiauth_client.get("/user/me", params={"page": page}).status_code == 200
"""


def test_new_episodes_ask_for_live_tokens_anew(pytester: pytest.Pytester, api: Api, run: Run) -> None:
    """What is on the tape is played, what is new is asked with a live token, which has the old one's placeholder."""
    source = EPISODES.replace("API", api.url, 1)
    write(pytester, source.replace("PAGES", "1"))
    run("test_it.py", *ONCE).assert_outcomes(passed=2)
    old = {name: yaml.safe_load(text)["interactions"] for name, text in api.cassettes().items()}
    api.server.requests.clear()

    write(pytester, source.replace("PAGES", "3"))
    result = run("test_it.py", "--apiauth-live", "--record-mode=new_episodes")
    result.assert_outcomes(passed=2)
    assert [f"{each.path}?{each.query}" for each in api.server.requests] == [
        "/public/token?", "/user/me?page=2", "/user/me?page=3",
    ] * 2  # fmt: skip
    assert not [secret for secret in api.secrets for text in api.cassettes().values() if secret in text]
    for name, text in api.cassettes().items():
        new = yaml.safe_load(text)["interactions"]
        assert new[:2] == old[name]
        tokens = [each["request"]["headers"]["authorization"] for each in new[1:]]
        assert tokens == [["Bearer apiauth-access-token-1"]] * 3

    api.forget()
    run("test_it.py").assert_outcomes(passed=2)
    assert api.server.requests == []


def test_placeholder_is_never_sent_to_a_live_api(pytester: pytest.Pytester, api: Api, run: Run) -> None:
    """A key that a played answer has given is a placeholder; one line says what to do instead."""
    source = """
        import httpx

        @pytest.mark.vcr
        def test_one(apiauth_token):
            httpx.get("API/public/cards", params={"api_key": apiauth_token.access_token.reveal()})
    """.replace("API", api.url)
    write(pytester, source)
    run("test_it.py", *ONCE).assert_outcomes(passed=1)
    write(pytester, source.replace("apiauth_token.access_token.reveal()", "'apiauth-access-token-1', 'more': 1"))
    api.server.requests.clear()
    result = run("test_it.py", "--apiauth-live", "--record-mode=new_episodes")
    told(result, "/public/cards?api_key=apiauth-any&more=1 would carry a placeholder", "use --record-mode=rewrite")
    assert "/public/cards" not in [each.path for each in api.server.requests]


PAGES = """
        import httpx

        @pytest.mark.vcr
        def test_one(apiauth_client):
            assert apiauth_client.get("/public/cards", params={"page": 1, "size": 10}).status_code == 200
            assert apiauth_client.get("/public/cards", params={"page": 2, "size": 10}).status_code == 200
"""


def test_missing_answer_shows_the_nearest_and_what_differs(pytester: pytest.Pytester, api: Api, run: Run) -> None:
    """Asked for a page that was not recorded, a person reads which was, and that the page is what differs."""
    write(pytester, PAGES)
    run("test_it.py", *ONCE).assert_outcomes(passed=1)
    write(pytester, PAGES.replace('"page": 2', '"page": 3'))
    told(
        run("test_it.py"),
        "test_one.yaml: the cassette has no answer to GET",
        "/public/cards?page=3&size=10 (the nearest is GET",
        "/public/cards?page=1&size=10, which differs in parameter page); record it anew: pytest test_it.py::test_one",
    )


def test_variable_of_another_host_does_not_spoil_a_replay(pytester: pytest.Pytester, api: Api, run: Run) -> None:
    """The cassette knows where it was recorded, and that is where production code asks; then the variable is back."""
    text = 'schema = 1\nextends = "jindexe"\napi_url = { env = "SHOP_URL" }\n'
    (pytester.path / "shop.apiauth.toml").write_text(text, encoding="utf-8")
    write(
        pytester,
        """
        import os, httpx

        @pytest.mark.vcr
        def test_one():
            headers = {"X-API-KEY": os.environ["JINDEXE_API_KEY"]}
            assert httpx.get(os.environ["SHOP_URL"] + "/public/cards", headers=headers).status_code == 200
        """,
    )
    api.monkeypatch.setenv("SHOP_URL", api.url)
    run("test_it.py", *ONCE).assert_outcomes(passed=1)
    api.forget()
    api.monkeypatch.setenv("SHOP_URL", "https://other.shop.example")
    run("test_it.py").assert_outcomes(passed=1)
    assert os.environ["SHOP_URL"] == "https://other.shop.example"


def test_production_code_sees_what_the_profile_finds(pytester: pytest.Pytester, api: Api, run: Run) -> None:
    """What stands in .env is in the environment of a test while it is recorded, as placeholders are in replay."""
    text = 'schema = 1\nextends = "jindexe"\napi_url = { env = "SHOP_URL" }\n'
    (pytester.path / "shop.apiauth.toml").write_text(text, encoding="utf-8")
    named = {"SHOP_URL": api.url, "JINDEXE_API_KEY": api.server.environment["JINDEXE_API_KEY"]}
    (pytester.path / ".env").write_text(
        "".join(f"{name}='{value}'\n" for name, value in named.items()), encoding="utf-8"
    )
    api.monkeypatch.delenv("JINDEXE_API_KEY")
    write(
        pytester,
        """
        import os, httpx

        @pytest.mark.vcr
        def test_one():
            headers = {"X-API-KEY": os.environ["JINDEXE_API_KEY"]}
            assert httpx.get(os.environ["SHOP_URL"] + "/public/cards", headers=headers).status_code == 200

        def test_gone():
            assert "JINDEXE_API_KEY" not in os.environ
        """,
    )
    run("test_it.py", *ONCE).assert_outcomes(passed=2)
    assert not [text for text in api.cassettes().values() if named["JINDEXE_API_KEY"] in text]
    (pytester.path / ".env").unlink()
    api.forget()
    run("test_it.py").assert_outcomes(passed=2)
