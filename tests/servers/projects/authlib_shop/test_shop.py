def test_with_a_client(apiauth_client):
    assert apiauth_client.get("/api/me").json() == {"user": "alice"}


def test_without_credentials(apiauth_client_factory):
    assert apiauth_client_factory(credentials=()).get("/api/me").status_code == 401
