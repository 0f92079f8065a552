import pytest


def test_with_a_client(apiauth_client):
    assert apiauth_client.get("/users/me").json() == {"username": "alice"}
    assert apiauth_client.get("/items").json() == ["apple", "pear"]


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
async def test_with_an_async_client(apiauth_async_client):
    assert (await apiauth_async_client.get("/users/me")).json() == {"username": "alice"}


def test_without_credentials(apiauth_client_factory):
    assert apiauth_client_factory(credentials=()).get("/users/me").status_code == 401


def test_the_token(apiauth_token):
    assert apiauth_token.token_type == "bearer"
