def test_with_a_client(apiauth_client):
    for path in ("/basic/me", "/token/me", "/me"):
        assert apiauth_client.get(path).json() == {"user": "alice"}


def test_without_credentials(apiauth_client_factory):
    assert apiauth_client_factory(credentials=()).get("/me").status_code == 401
