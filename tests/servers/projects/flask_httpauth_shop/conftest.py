import secrets

import pytest
from shop import register


@pytest.fixture(scope="session")
def apiauth_credentials():
    passwords = {name: secrets.token_urlsafe(24) for name in ("alice", "bob")}
    tokens = {name: secrets.token_urlsafe(24) for name in ("alice", "bob")}
    for name in passwords:
        register(name, passwords[name], tokens[name])
    return {
        "password": passwords["alice"],
        "personal_access_token": tokens["alice"],
        "users.second.password": passwords["bob"],
    }
