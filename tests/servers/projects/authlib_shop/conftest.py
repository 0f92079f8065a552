import secrets

import pytest
from provider import create_app
from seed import seed


@pytest.fixture(scope="session")
def apiauth_credentials():
    values = {name: secrets.token_urlsafe(24) for name in ("alice", "bob", "shop", "second", "special")}
    values["special"] += "a:b+c%41 d/e=f&g?h#i\"j'k\\l~"
    seed(create_app(), values)
    return {
        "client_secret": values["shop"],
        "redirect_uri": "http://127.0.0.1:8000/callback",
        "password": values["alice"],
        "users.second.password": values["bob"],
        "clients.second.client_secret": values["second"],
        "clients.special.client_secret": values["special"],
    }
