import secrets

import main
import pytest


@pytest.fixture(scope="session")
def apiauth_credentials():
    key, password = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
    main.api_keys.add(key)
    main.users["alice"] = password
    return {"api_key": key, "password": password}
