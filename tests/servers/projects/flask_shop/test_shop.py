import pytest


def test_with_a_client(apiauth_client):
    assert apiauth_client.get("/account/me").json() == {"username": "alice"}
    assert apiauth_client.get("/catalogue").json() == {"items": ["apple", "pear"]}


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
async def test_with_an_async_client(apiauth_async_client):
    assert (await apiauth_async_client.get("/account/me")).json() == {"username": "alice"}


def test_without_credentials(apiauth_client_factory):
    assert apiauth_client_factory(credentials=()).get("/account/me").status_code == 401
