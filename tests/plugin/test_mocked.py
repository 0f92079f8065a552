"""``apiauth_mock``: production code that makes its own clients meets the embedded server."""

from __future__ import annotations

import pytest

from tests.plugin.projects import SHOP, Run, passes


@pytest.fixture(autouse=True)
def _shop(pytester: pytest.Pytester) -> None:
    """Give the project one profile of its own."""
    (pytester.path / "shop.apiauth.toml").write_text(SHOP, encoding="utf-8")


PRODUCTION = """
    import asyncio
    import os

    import httpx

    def payload():
        return {"grant_type": "password", "username": os.environ["JINDEXE_USERNAME"],
                "password": os.environ["JINDEXE_PASSWORD"]}

    def key():
        return {"X-API-KEY": os.environ["JINDEXE_API_KEY"]}

    def name():
        with httpx.Client() as client:
            token = client.post("https://api.shop.example/public/token", json=payload(), headers=key())
            bearer = {"Authorization": "Bearer " + token.raise_for_status().json()["access_token"]}
            return client.get("https://api.shop.example/user/me", headers=key() | bearer).raise_for_status().json()

    async def name_async():
        async with httpx.AsyncClient(base_url="https://api.shop.example") as client:
            token = await client.post("/public/token", json=payload(), headers=key())
            bearer = {"Authorization": "Bearer " + token.raise_for_status().json()["access_token"]}
            return (await client.get("/user/me", headers=key() | bearer)).raise_for_status().json()
"""


def test_mock_stands_in_for_production_code(pytester: pytest.Pytester, run: Run) -> None:
    """Production code with httpx clients and environment variables of its own meets the embedded server."""
    pytester.makepyfile(production=PRODUCTION)
    source = """
        import asyncio
        import os

        import httpx
        import production
        import pytest

        def test_sync(apiauth_mock, apiauth_server):
            assert production.name()["user"].startswith("default.")
            assert len(apiauth_server.requests) == 2
            assert apiauth_mock.calls.call_count == 2

        def test_async(apiauth_mock):
            assert asyncio.run(production.name_async())["user"].startswith("default.")

        def test_expired(apiauth_mock, apiauth_server):
            apiauth_server.refuse_next(401)
            with pytest.raises(httpx.HTTPStatusError, match="401"):
                production.name()

        def test_other_hosts_are_refused(apiauth_mock):
            with pytest.raises(AssertionError, match="not mocked"):
                httpx.get("https://other.example/")

        def test_with_our_client(apiauth_mock, apiauth_client, apiauth_server):
            assert apiauth_client.get("/user/me").status_code == 200
            production.name()
            assert len(apiauth_server.requests) == 4

        def test_environment_is_restored():
            assert "JINDEXE_API_KEY" not in os.environ
    """

    passes(pytester, run, source)


def test_mock_serves_every_origin_of_a_profile(pytester: pytest.Pytester, run: Run) -> None:
    """Token endpoint and API of a profile may be different hosts: the mock stands in for both."""
    source = """
        import os
        import httpx
        import pytest

        @pytest.mark.apiauth("dastra")
        def test_two_hosts(apiauth_mock):
            pair = os.environ["DASTRA_CLIENT_ID"], os.environ["DASTRA_CLIENT_SECRET"]
            data = {"grant_type": "client_credentials", "scope": "api1"}
            token = httpx.post("https://account.dastra.eu/connect/token", data=data, auth=pair).json()["access_token"]
            answer = httpx.get("https://api.dastra.eu/v1/workspaces", headers={"Authorization": f"Bearer {token}"})
            assert answer.raise_for_status().json()["items"]
    """

    passes(pytester, run, source)
