import pytest


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/token/me/", "/bearer/me/", "/basic/me/", "/me/"])
def test_with_a_client(apiauth_client, path):
    assert apiauth_client.get(path).json() == {"user": "alice"}


@pytest.mark.django_db
def test_the_manuals_view_gives_the_same_token(client, apiauth_credentials):
    form = {"username": "alice", "password": apiauth_credentials["password"]}
    assert client.post("/api-token-auth/", form).json() == {"token": apiauth_credentials["api_key"]}
