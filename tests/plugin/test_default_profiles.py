"""Which profile and which HTTP library a test has that chooses none itself, and several APIs in one run."""

from __future__ import annotations

import pytest

from tests.here import EACH
from tests.plugin.projects import SHOP, Run, passes

PROBES = {"dastra": "/v1/workspaces", "jindexe": "/user/me", "digishare": "/campaigns"}


@pytest.fixture(autouse=True)
def _shop(pytester: pytest.Pytester) -> None:
    """Give the project one profile of its own."""
    (pytester.path / "shop.apiauth.toml").write_text(SHOP, encoding="utf-8")


def test_three_apis_in_one_run(pytester: pytest.Pytester, run: Run) -> None:
    """Marks choose the API for each test, in one run, for blocking and asynchronous clients alike."""
    tests = "\n".join(
        f"""
@pytest.mark.apiauth({name!r})
def test_{name}(apiauth_client, apiauth_profile):
    assert apiauth_profile.name == {name!r}
    assert apiauth_client.get({probe!r}).status_code == 200

@pytest.mark.anyio
@pytest.mark.apiauth(profile={name!r})
async def test_{name}_async(apiauth_async_client):
    async with apiauth_async_client as client:
        assert (await client.get({probe!r})).status_code == 200

@pytest.mark.apiauth({name!r})
def test_{name}_asyncio(apiauth_async_client):
    async def ask():
        return await asyncio.gather(*(apiauth_async_client.get({probe!r}) for _ in range(3)))
    assert [answer.status_code for answer in asyncio.run(ask())] == [200, 200, 200]
"""
        for name, probe in PROBES.items()
    )
    backend = "@pytest.fixture\ndef anyio_backend(): return 'asyncio'\n"

    passes(pytester, run, f"import asyncio\nimport pytest\n{backend}{tests}")


@pytest.mark.parametrize("name", EACH)
@pytest.mark.parametrize("by_ini", [False, True])
def test_library_is_chosen(pytester: pytest.Pytester, run: Run, name: str, by_ini: bool) -> None:
    """--apiauth-http and apiauth_http choose the library of the clients."""
    if by_ini:
        pytester.makeini(f"[pytest]\napiauth_http = {name}\n")
    source = f"""
        import asyncio
        import {name}

        def test_sync(apiauth_client):
            assert isinstance(apiauth_client, {name}.Client)
            assert apiauth_client.get("/user/me").status_code == 200

        def test_async(apiauth_async_client, apiauth_token):
            assert isinstance(apiauth_async_client, {name}.AsyncClient)
            assert asyncio.run(apiauth_async_client.get("/user/me")).status_code == 200
            assert apiauth_token.token_type.lower() == "bearer"
    """

    passes(pytester, run, source, *([] if by_ini else [f"--apiauth-http={name}"]))


def test_only_profile_of_the_project_is_the_default(pytester: pytest.Pytester, run: Run) -> None:
    """Without mark, option and ini the fixtures use the project's only profile."""
    source = """
        def test_default(apiauth_profile, apiauth_client):
            assert apiauth_profile.name == "shop"
            assert str(apiauth_client.base_url) == "https://api.shop.example"
    """

    passes(pytester, run, source)


@pytest.mark.parametrize("way", ["option", "ini", "path"])
def test_default_profile_is_chosen(pytester: pytest.Pytester, run: Run, way: str) -> None:
    """--apiauth-profile and apiauth_profile choose the default profile, by name or by path; the mark overrides."""
    (pytester.mkdir("profiles") / "second.apiauth.toml").write_text('schema = 1\nextends = "dastra"\n')
    options = {"option": ["--apiauth-profile=second"], "path": ["--apiauth-profile=profiles/second.apiauth.toml"]}
    if way == "ini":
        pytester.makeini("[pytest]\napiauth_profile = second\n")
    source = """
        import pytest

        def test_default(apiauth_profile):
            assert apiauth_profile.name == "second"

        @pytest.mark.apiauth("shop")
        def test_marked(apiauth_profile):
            assert apiauth_profile.name == "shop"
    """

    passes(pytester, run, source, *options.get(way, []))
